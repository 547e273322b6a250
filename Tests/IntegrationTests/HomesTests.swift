import TestPlaces
import Dataflow
import FeatureStore
import Kafka
import Foundation
import Pipeline
import TestServers
import Testing

/// Which partition an entity lives on is a function of the log, not of who came first.
@Suite struct HomesTests {
  private static let people = (0..<40).map { "w\($0)" }

  /// One login of each person, where a partitioner puts it.
  private static func logins(_ number: Int, by partitioner: Partitioner) -> [BrokerMessage] {
    people.map { person in
      let partition = Array(person.utf8).withUnsafeBytes {
        partitioner.partition(of: $0, count: Int32(Rig.partitions))
      }
      return DeadLetterTests.login("\(person)-\(number)", person, partition: partition)
    }
  }

  /// A log whose first record of every person came from another partitioner, of which a quarter is at home all the same.
  private static func strayLog() -> (messages: [BrokerMessage], scored: Int, strays: Int) {
    let first = logins(0, by: .crc32)
    let strays = first.count {
      $0.partition != Homes.partition(of: String(decoding: $0.key ?? [], as: UTF8.self))
    }
    let messages = first + (1..<6).flatMap { logins($0, by: .murmur2) }
    return (messages, messages.count - strays, strays)
  }

  @Test func straysCountNowhere() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let log = Self.strayLog()
      try rig.broker.produce(log.messages, to: "events")
      let expected = Totals(read: log.messages.count, scored: log.scored, deadLettered: log.strays)
      #expect(try Totals(try rig.run().output) == expected)
      let states = try rig.states()
      #expect(states.count == Self.people.count)
      // The same in replay, in a rebuild and beside the log.
      let replay = try rig.ask(["replay", "--run", "again", "--store", "memory"])
      #expect(try Totals(replay.output) == expected, "\(replay.text)")
      #expect(try rig.ask(["rebuild"]).code == 0)
      #expect(try rig.states() == states)
      let found = try Findings(try rig.verified(["--sample", "1"]))
      #expect(found["states"]?.equal == Self.people.count && found["scores"]?.equal == log.scored)
      for person in Self.people.prefix(5) {
        let stored = try rig.ask(["features", person]).output
        #expect(try rig.ask(["features", person, "--from-log"]).output == stored)
      }
    }
  }

  /// Without the setting a log of other producers is refused before anything is scored; with it, it is the rule from then on.
  @Test func theKeysMustAgree() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.broker.produce((0..<2).flatMap { Self.logins($0, by: .crc32) }, to: "events")
      for command in [
        ["run", "--until-end"], ["replay", "--store", "memory"], ["features", "w1", "--from-log"],
      ] {
        let refused = try rig.ask(command)
        #expect(refused.code == 1, "\(command): \(refused.text)")
        #expect(
          refused.errors.contains("these look like crc32: set kafka.partitioner: crc32"), "\(refused.text)")
      }
      #expect(rig.table.progress == 0)
      let setting = ["--set", "kafka.partitioner=crc32"]
      #expect(try Totals(try rig.run(setting).output) == Totals(read: 80, scored: 80))
      // Tally's own messages follow it.
      for score in try rig.messages("scores") {
        let home = (score.key ?? []).withUnsafeBytes { Partitioner.crc32.partition(of: $0, count: 4) }
        #expect(score.partition == home)
      }
      #expect(try rig.ask(["erase", "w1"] + setting).code == 0)
      #expect(try rig.run(setting).output.contains("erased 1"))
      let commands = [
        ["run", "--until-end"], ["rebuild"], ["rebuild", "--entity", "w2"], ["verify"], ["erase", "w2"],
        ["tick"],
        ["features", "w2"],
      ]
      for command in commands {
        let other = try rig.ask(command)
        #expect(other.code == 1, "\(command): \(other.text)")
        #expect(other.errors.contains("with kafka.partitioner crc32"), "\(command): \(other.text)")
      }
    }
  }

  @Test func aLogThatIsSpreadInNoKnownWay() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let around = Self.people.enumerated().map { number, person in
        DeadLetterTests.login("a", person, partition: Int32(number % Rig.partitions))
      }
      try rig.broker.produce(around, to: "events")
      let refused = try rig.ask(["run", "--until-end"])
      #expect(refused.code == 1 && refused.errors.contains("tally copy"), "\(refused.text)")
      try rig.broker.createTopic("home", partitions: 3)
      let copied = try tally(["copy", rig.name("events"), rig.broker.name("home")] + rig.brokerOption)
      #expect(copied.code == 0 && copied.output.contains("40 records copied"), "\(copied.text)")
      #expect(
        try rig.broker.read("home", count: 40).allSatisfy { message in
          message.partition
            == Homes.partition(of: String(decoding: message.key ?? [], as: UTF8.self), count: 3)
        })
    }
  }

  // MARK: Copying

  /// Two topics' worth of partitions: what a key's records were before and after its partition changed.
  @Test func copiesKeepOrderTimesAndHeaders() async throws {
    try await onThread {
      let broker = try TestBroker.start(topics: [("old", 6), ("new", 4)])
      defer { broker.stop() }
      // Brokers may remove what is older than their retention.
      let start = Int64(Date().timeIntervalSince1970 * 1000) - 600_000
      var messages: [BrokerMessage] = []
      for number in 0..<600 {
        var message = BrokerMessage("k\(number % 23)", "v\(number)", contentType: "application/json")
        // Until half of them, keys were spread over three partitions.
        let count: Int32 = number < 300 ? 3 : 6
        message.partition = Homes.partition(of: "k\(number % 23)", count: Int(count))
        message.timestampMs = start + Int64(number)
        if number % 50 == 7 { message.key = nil }
        if number % 50 == 8 { message.value = nil }
        messages.append(message)
      }
      let names = [broker.name("old"), broker.name("new"), "--brokers", broker.bootstrapServers]
      // In three parts: a copy goes on behind what is there.
      for part in [0..<250, 250..<250, 250..<600] {
        try broker.produce(Array(messages[part]), to: "old")
        let copied = try tally(["copy"] + names)
        #expect(copied.code == 0, "\(copied.text)")
        #expect(copied.output.contains("copy: \(part.count) records copied"), "\(copied.text)")
      }
      let copies = try broker.read("new", count: 600, headers: ["tally-copied-from"])
      let originals = try broker.read("old", count: 600)
      func text(_ message: BrokerMessage) -> String {
        "\(message.key ?? []) \(message.value ?? []) \(message.timestampMs) \(message.contentType ?? "")"
      }
      #expect(Set(copies.map(text)) == Set(originals.map(text)))
      for copy in copies {
        let place = try #require(copy.headers["tally-copied-from"]?.split(separator: "/"))
        let original = originals.first { "\($0.partition)" == place[1] && "\($0.offset)" == place[2] }
        #expect(original.map(text) == text(copy))
        if let key = copy.key {
          #expect(copy.partition == Homes.partition(of: String(decoding: key, as: UTF8.self), count: 4))
        }
      }
      for (_, some) in Dictionary(grouping: copies.filter { $0.key != nil }, by: \.key) {
        let times = some.sorted { $0.offset < $1.offset }.map(\.timestampMs)
        #expect(times == times.sorted())
      }
    }
  }

  @Test func copyRefusesWhatIsNoCopy() async throws {
    try await onThread {
      let broker = try TestBroker.start(topics: [("old", 2), ("new", 2), ("other", 2)])
      defer { broker.stop() }
      try broker.produce([BrokerMessage("a", "1")], to: "old")
      try broker.produce([BrokerMessage("a", "1")], to: "other")
      let option = ["--brokers", broker.bootstrapServers]
      let taken = try tally(["copy", broker.name("old"), broker.name("other")] + option)
      #expect(taken.code == 1 && taken.errors.contains("is not a copy"), "\(taken.text)")
      #expect(try tally(["copy", broker.name("old"), broker.name("new")] + option).code == 0)
      let mixed = try tally(["copy", broker.name("other"), broker.name("new")] + option)
      #expect(mixed.code == 1 && mixed.errors.contains("was copied from the topic"), "\(mixed.text)")
      let count = try tally(["copy", broker.name("old"), broker.name("new"), "--partitions", "5"] + option)
      #expect(count.code == 1 && count.errors.contains("is there and has 2"), "\(count.text)")
      #expect(try tally(["copy", "x", "x"] + option).code == 64)
    }
  }

  /// A copy that was begun under another setting, or beside another copy, is not gone on with: keys would have two homes, records two
  /// copies.
  @Test func copyRefusesWhatIsElsewhereOrTwice() async throws {
    try await onThread {
      let broker = try TestBroker.start(topics: [("old", 3), ("new", 3), ("twice", 3)])
      defer { broker.stop() }
      try broker.produce(
        (0..<2).flatMap { Self.logins($0, by: .crc32) }.filter { $0.partition < 3 }, to: "old")
      let command = ["copy", broker.name("old"), broker.name("new"), "--brokers", broker.bootstrapServers]
      #expect(try tally(command).code == 0)
      let other = try tally(command + ["--set", "kafka.partitioner=crc32"])
      #expect(other.code == 1 && other.errors.contains("was copied with another"), "\(other.text)")
      #expect(!other.errors.contains("-0") && !other.errors.contains("w1"), "\(other.text)")
      let again = try tally(command)
      #expect(again.code == 0 && again.output.contains("copy: 0 records copied"), "\(again.text)")
      let producer = try KafkaProducer(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
      defer { producer.close() }
      let topic = try producer.topic(broker.name("twice"))
      let partition = Homes.partition(of: "w0", count: 3)
      var text = "\(broker.name("old"))/0/0"
      for _ in 0..<2 {
        try text.withUTF8 { value in
          let headers = [KafkaHeader("tally-copied-from", UnsafeRawBufferPointer(value))]
          try headers.withUnsafeBufferPointer { headers in
            try Array("w0".utf8).withUnsafeBytes { key in
              try producer.produce(to: topic, key: key, value: key, headers: headers, partition: partition)
            }
          }
        }
      }
      #expect(producer.flush(timeoutMs: 10_000))
      let twice = try tally(
        ["copy", broker.name("old"), broker.name("twice"), "--brokers", broker.bootstrapServers])
      #expect(twice.code == 1 && twice.errors.contains("is there twice"), "\(twice.text)")
    }
  }

  // MARK: States of an earlier version

  /// Takes from the partition records what an earlier version did not write.
  private func makeOld(_ rig: Rig) throws {
    let store = try rig.store()
    defer { store.close() }
    for partition in 0..<Int32(Rig.partitions) {
      guard let bytes = try store.records([partition])[0] else { continue }
      var record = try PartitionRecord.read(bytes, partition: partition)
      record.partitioner = nil
      var write = StateWrite()
      write.partition = partition
      write.expected = bytes
      write.record = record.encoded
      #expect(try store.write(write) == .written)
    }
  }

  @Test func statesAtHomeAreStamped() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.broker.produce(Self.logins(0, by: .murmur2), to: "events")
      try rig.run()
      let records = try rig.records()
      try makeOld(rig)
      #expect(try rig.records() != records)
      #expect(try rig.ask(["verify"]).errors.contains("start tally run once"))
      try rig.run()
      #expect(try rig.records() == records)
    }
  }

  @Test(arguments: TestTable.Kind.allCases)
  func straysOfAnEarlierVersionGoHome(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let log = Self.strayLog()
      try rig.broker.produce(log.messages, to: "events")
      try rig.run()
      let states = try rig.states()
      // What an earlier version left: the first event decided.
      let astray = Array(Self.people.filter { Homes.partition(of: $0) == 0 }.prefix(3))
      for person in astray {
        let key = try rig.stateKey(person)
        let elsewhere = key.replacingOccurrences(of: "/1/0}", with: "/1/\(Homes.elsewhere(than: person))}")
        try rig.redis.command("RENAME", key, elsewhere)
        for table in ["scores", "latest_scores"] {
          _ = try rig.table.query(
            """
            UPDATE \(table) SET "partition" = \(Homes.elsewhere(than: person)), "offset" = "offset" + 900000
            WHERE entity_id = '\(person)' AND event_id = '\(person)-\(table == "scores" ? 0 : 5)'
            """)
        }
      }
      try makeOld(rig)
      let refused = try rig.ask(["run", "--until-end"])
      #expect(refused.code == 1, "\(refused.text)")
      #expect(
        refused.errors.contains("3 of 40 entities") && refused.errors.contains("tally rebuild --strays"))
      #expect(try rig.ask(["rebuild"]).errors.contains("tally rebuild --strays"))
      let rebuilt = try rig.ask(["rebuild", "--strays"])
      #expect(rebuilt.code == 0 && rebuilt.output.contains("3 of 40 entities were astray"), "\(rebuilt.text)")
      #expect(try rig.states() == states)
      for person in astray {
        let home = Homes.partition(of: person)
        #expect(
          rig.table.number(
            "SELECT count(*) FROM latest_scores WHERE entity_id = '\(person)' AND \"partition\" <> \(home)")
            == 0)
      }
      #expect(try rig.ask(["rebuild", "--strays"]).output.contains("nothing to do"))
      try rig.broker.produce(Self.logins(9, by: .murmur2), to: "events")
      #expect(try Totals(try rig.run().output) == Totals(read: 40, scored: 40))
    }
  }
}

extension Rig {
  var brokerOption: [String] { ["--brokers", broker.bootstrapServers] }

  /// The stage's store, of its first generation.
  fileprivate func store() throws -> RedisStateStore {
    var configuration = try RedisConfiguration(url: redisURL)
    configuration.keyPrefix = String(recordKey(0).prefix { $0 != "{" })
    return try RedisStateStore(
      configuration, pipeline: "engagement", generation: 1, partitionCount: Int32(Self.partitions))
  }
}
