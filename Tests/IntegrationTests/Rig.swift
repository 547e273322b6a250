import TestPlaces
import Glibc
import Kafka
import TestServers

/// Servers, topics and names of one test, and the program's options for them.
final class Rig {
  let broker: TestBroker
  let redis: RedisServer
  let table: TestTable
  let history: History
  private let prefix = "t\(UInt64.random(in: 0...UInt64.max)):"
  /// Before the names of its group and of the topics that it writes.
  private let mark: String
  static let partitions = 4

  /// `redis` nil: the one that tests share. `folder`: where SQLite's file goes.
  init(
    _ kind: TestTable.Kind = .postgres, redis own: RedisServer? = nil, postgres: PostgresServer? = nil,
    folder: String? = nil
  ) throws {
    history = try History.shared()
    mark = ""
    broker = try TestBroker.start(topics: [
      ("events", Self.partitions), ("scores", Self.partitions), ("dead-letters", 1),
    ])
    redis = try own ?? Self.commonRedis.get()
    table = try TestTable(kind, postgres: postgres, folder: folder)
    try waitForTopics()
  }

  /// Another pipeline over the same log and in the same servers, with a group, topics, states and tables of its own.
  init(beside other: Rig, _ mark: String) throws {
    self.mark = mark + "-"
    history = other.history
    broker = other.broker
    redis = other.redis
    table = try other.table.another()
    for (topic, partitions) in [("scores", Self.partitions), ("dead-letters", 1)] {
      try broker.createTopic(self.mark + topic, partitions: partitions)
    }
    try waitForTopics()
  }

  private func waitForTopics() throws {
    // A real broker may need a moment to know of what it has just made.
    try until("the topics", seconds: 20) {
      (try? count("events")) != nil && (try? count("scores")) == 0 && (try? count("dead-letters")) == 0
    }
  }

  deinit { if mark.isEmpty { broker.stop() } }

  /// The broker's name for a topic or the group.
  func name(_ topic: String) -> String { broker.name(marked(topic)) }

  /// The test's own name for a topic of this rig.
  func marked(_ topic: String) -> String { topic == "events" ? topic : mark + topic }

  private static let commonRedis = Result { try RedisServer() }

  /// Where to read, write and keep; for every command.
  var connection: [String] { connectionWithoutTable + table.options }

  /// The same without the table.
  var connectionWithoutTable: [String] {
    [
      "--pipeline", Places.pipeline, "--models", history.models, "--brokers", broker.bootstrapServers,
      "--topic", name("events"), "--group", name("tally"), "--scores-topic", name("scores"),
      "--dead-letters-topic", name("dead-letters"), "--redis", redisURL, "--redis-prefix", prefix,
    ]
  }

  var redisURL: String { "redis://127.0.0.1:\(redis.port)/0" }

  /// Starts `tally run`.
  func start(_ options: [String] = []) throws -> TallyProcess {
    try TallyProcess(["run"] + connection + options)
  }

  /// Scores what is there, to its end.
  @discardableResult
  func run(_ options: [String] = [], seconds: Int = 60) throws -> TallyResult {
    let result = try tally(["run", "--until-end"] + connection + options, seconds: seconds)
    guard result.code == 0 else { throw TestFailure("run ended with \(result.code): \(result.text)") }
    return result
  }

  /// Runs a command that reads, to its end.
  func ask(_ command: [String]) throws -> TallyResult { try tally(command + connection) }

  /// Puts the whole history into the topic.
  func produceHistory() throws { try broker.produce(history.messages, to: "events") }

  /// Waits until the table's positions add up to `goal`; throws when the process ends before that.
  func waitForProgress(of process: TallyProcess, to goal: Int, seconds: Int = 60) throws {
    try waitForProgress(of: [process], to: goal, seconds: seconds)
  }

  /// Waits until the table's positions add up to `goal`; throws when one of the processes ends before that.
  func waitForProgress(of processes: [TallyProcess], to goal: Int, seconds: Int = 60) throws {
    func text() -> String { processes.map(\.text).joined() }
    try until("\(goal) records in the table", seconds: seconds, telling: text) {
      // Asking the database is a process of its own: not too often.
      usleep(60_000)
      let hasEnded = processes.contains { $0.exitCode() != nil }
      if table.progress >= goal { return true }
      guard !hasEnded else { throw TestFailure("a process has ended: \(text())") }
      return false
    }
  }

  /// Number of messages of a topic.
  func count(_ topic: String) throws -> Int { try ends(topic).reduce(0, +) }

  /// All messages of a topic.
  func messages(_ topic: String, headers: [StaticString] = []) throws -> [BrokerMessage] {
    try broker.read(marked(topic), count: count(topic), headers: headers)
  }

  /// Next offset of every partition of a topic; throws when the first records are gone.
  func ends(_ topic: String) throws -> [Int] {
    let admin = try KafkaAdmin(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
    defer { admin.close() }
    let name = name(topic)
    guard let metadata = try admin.metadata(topic: name, timeoutMs: TestBroker.answerTimeoutMs) else {
      throw TestFailure("no topic \(topic)")
    }
    return try (0..<metadata.partitionCount).map { partition in
      let marks = try admin.watermarks(
        topic: name, partition: partition, timeoutMs: TestBroker.answerTimeoutMs)
      guard marks.low == 0 else { throw TestFailure("\(topic) has lost records: it begins at \(marks.low)") }
      return Int(marks.high)
    }
  }

  /// SHA-1 of every stored state of the generations in force, by partition and entity.
  func states() throws -> [String: String] {
    let standings = try Standing.all(try ask(["status", "--json"]).output)
    var found: [String: String] = [:]
    for (key, hash) in try storedStates() {
      for standing in standings {
        let start = "{engagement/\(standing.generation)/\(standing.partition)}"
        if key.hasPrefix(start) { found["\(standing.partition)\(key.dropFirst(start.count))"] = hash }
      }
    }
    return found
  }

  /// SHA-1 of every stored state of all generations, by what comes after the prefix.
  func storedStates() throws -> [String: String] {
    let script = """
      local found = {}
      for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
        if string.find(key, ':e:', 1, true) then
          found[#found + 1] = string.sub(key, #ARGV[1] + 1) .. ' ' .. redis.sha1hex(redis.call('GET', key))
        end
      end
      return table.concat(found, '\\n')
      """
    let lines = try redis.command("EVAL", script, "0", prefix).split(separator: "\n")
    return Dictionary(
      lines.map { line in
        let parts = line.split(separator: " ")
        return (String(parts[0]), String(parts[1]))
      }, uniquingKeysWith: { first, _ in first })
  }

  /// The key of a person's stored state; throws when there is not exactly one.
  func stateKey(_ person: String) throws -> String {
    let keys = try redis.command("KEYS", "\(prefix)*:e:\(person)").split(separator: "\n").filter {
      !$0.isEmpty
    }
    guard keys.count == 1 else { throw TestFailure("\(keys.count) states of \(person)") }
    return String(keys[0])
  }

  /// The key of a partition's record.
  func recordKey(_ partition: Int) -> String { "\(prefix){engagement/1/\(partition)}:r" }

  /// The stored partition records, by key, in hexadecimal of their SHA-1.
  func records() throws -> [String: String] {
    var found: [String: String] = [:]
    for partition in 0..<Self.partitions {
      let key = recordKey(partition)
      found["\(partition)"] = try redis.command(
        "EVAL", "return redis.sha1hex(redis.call('GET', KEYS[1]) or '')", "1", key)
    }
    return found
  }

  /// How many stored values of this rig contain one of the texts.
  func storedValues(containing texts: [String]) throws -> Int {
    let script = """
      local count = 0
      for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
        local value = redis.call('GET', key)
        for text in string.gmatch(ARGV[2], '[^\\n]+') do
          if string.find(value, text, 1, true) then count = count + 1 end
        end
      end
      return count
      """
    let answer = try redis.command("EVAL", script, "0", prefix, texts.joined(separator: "\n"))
    guard let count = Int(answer) else { throw TestFailure("redis answers \(answer)") }
    return count
  }
}
