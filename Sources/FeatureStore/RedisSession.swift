import Dataflow

/// A connection that is ready for work: logged in, checked, with the script loaded. Thrown away after any
/// error.
final class RedisSession {
  private let connection: RedisConnection
  /// Name of the loaded script.
  private(set) var script: [UInt8] = []

  /// Connects and checks. Throws `PortError`.
  init(_ configuration: RedisConfiguration) throws {
    connection = try RedisConnection(
      configuration.address, connectTimeoutMs: configuration.connectTimeoutMs,
      commandTimeoutMs: configuration.commandTimeoutMs)
    var hello = RespBuffer()
    if let password = configuration.password {
      hello.begin(words: configuration.user == nil ? 2 : 3)
      hello.word("AUTH" as StaticString)
      if let user = configuration.user { hello.word(user) }
      hello.word(password.revealed)
    }
    if configuration.database != 0 {
      hello.begin(words: 2)
      hello.word("SELECT" as StaticString)
      hello.word(Int64(configuration.database))
    }
    if hello.commands > 0 {
      try connection.append(hello)
      if configuration.password != nil { try expectOK("AUTH") }
      if configuration.database != 0 { try expectOK("SELECT") }
    }
    try loadScript()
    try checkEviction()
  }

  /// What goes in front of an error's cause.
  func detail(_ command: String) -> String { "\(connection.name): \(command)" }

  /// Sends commands; `next` then gives their answers in order.
  func send(_ commands: borrowing RespBuffer) throws { try connection.append(commands) }

  /// The next answer. Throws `PortError`, also when the answer is an error of the server.
  func next<Result>(_ command: String, _ body: (RedisReplyView) throws -> Result) throws -> Result {
    try connection.next().withView { view in
      if let text = view.error { throw RedisProblem.error(text, detail(command)) }
      return try body(view)
    }
  }

  /// The next answer; nil: it is an error of the server that begins with `code`.
  func next<Result>(
    _ command: String, unless code: String, _ body: (RedisReplyView) throws -> Result
  ) throws -> Result? {
    try connection.next().withView { view in
      guard let text = view.error else { return try body(view) }
      guard text.hasPrefix(code) else { throw RedisProblem.error(text, detail(command)) }
      return nil
    }
  }

  /// An answer that the protocol does not allow there.
  func unexpected(_ command: String) -> PortError {
    PortError(
      .refused, detail(command), cause: "an answer of another type than expected: is this Redis?",
      reason: .redisRefused)
  }

  /// Loads the script: at the start, and when the server has lost it (SCRIPT FLUSH, restart).
  func loadScript() throws {
    var load = RespBuffer()
    load.begin(words: 3)
    load.word("SCRIPT" as StaticString)
    load.word("LOAD" as StaticString)
    load.word(RedisScript.source)
    try send(load)
    script = try next("SCRIPT LOAD") { view in
      guard let bytes = view.bytes, bytes.count == 40 else { throw unexpected("SCRIPT LOAD") }
      return Array(bytes)
    }
  }

  private func expectOK(_ command: String) throws {
    try next(command) { view in
      guard let bytes = view.bytes, bytes.elementsEqual("OK".utf8) else { throw unexpected(command) }
    }
  }

  /// States must never be evicted: a missing state would be taken for a new entity's.
  private func checkEviction() throws {
    let policy = try policyOfInfo() ?? policyOfConfig()
    guard policy == "noeviction" else {
      throw PortError(
        .refused, detail("maxmemory-policy"),
        cause:
          "it is \(policy), which silently drops entities' states: run CONFIG SET maxmemory-policy "
          + "noeviction and set it in redis.conf, or give Tally a Redis of its own", reason: .redisRefused)
    }
  }

  /// Of INFO memory; nil: an ACL forbids INFO, or it does not tell.
  private func policyOfInfo() throws -> String? {
    var ask = RespBuffer()
    ask.begin(words: 2)
    ask.word("INFO" as StaticString)
    ask.word("memory" as StaticString)
    try send(ask)
    let text = try next("INFO memory", unless: "NOPERM") { view in
      view.bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    let label = "maxmemory_policy:"
    let line = (text ?? "").split(whereSeparator: \.isNewline).first { $0.hasPrefix(label) }
    return line.map { String($0.dropFirst(label.count)) }
  }

  private func policyOfConfig() throws -> String {
    var ask = RespBuffer()
    ask.begin(words: 3)
    ask.word("CONFIG" as StaticString)
    ask.word("GET" as StaticString)
    ask.word("maxmemory-policy" as StaticString)
    try send(ask)
    return try next("CONFIG GET maxmemory-policy") { view in
      guard view.count == 2, let bytes = view[1].bytes else {
        throw unexpected("CONFIG GET maxmemory-policy")
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
