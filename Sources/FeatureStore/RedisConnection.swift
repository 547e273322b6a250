import CHiredis
import Dataflow
import Glibc

/// One blocking connection to Redis: hiredis' context, and the only place that touches it. One thread.
struct RedisConnection: ~Copyable {
  private let context: UnsafeMutablePointer<redisContext>
  /// Where it leads, for error texts.
  let name: String

  /// Connects; AUTH and the rest are the caller's. Throws `PortError.unavailable`.
  init(_ address: RedisConfiguration.Address, connectTimeoutMs: Int, commandTimeoutMs: Int) throws {
    let name = "redis \(address)"
    context = try Self.connect(
      address, name, connectTimeoutMs: connectTimeoutMs, commandTimeoutMs: commandTimeoutMs)
    self.name = name
  }

  deinit { redisFree(context) }

  /// Queues commands; they are sent when the first answer is asked for.
  borrowing func append(_ commands: borrowing RespBuffer) throws {
    let status = commands.bytes.withUnsafeBytes {
      redisAppendFormattedCommand(context, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard status == REDIS_OK else {
      throw PortError(
        .unavailable, "\(name): send", cause: Self.cause(context, errno), reason: .redisUnavailable)
    }
  }

  /// Waits for the next command's answer, an error of the server included.
  ///
  /// Throws `PortError.unavailable` when the connection is gone or the answer is late: it must then be thrown
  /// away.
  borrowing func next() throws -> RedisReply {
    var answer: UnsafeMutableRawPointer?
    errno = 0
    guard redisGetReply(context, &answer) == REDIS_OK, let answer else {
      throw PortError(
        .unavailable, "\(name): answer", cause: Self.cause(context, errno), reason: .redisUnavailable)
    }
    return RedisReply(answer.assumingMemoryBound(to: redisReply.self))
  }

  private static func connect(
    _ address: RedisConfiguration.Address, _ name: String, connectTimeoutMs: Int, commandTimeoutMs: Int
  ) throws -> UnsafeMutablePointer<redisContext> {
    ignoreBrokenPipes
    let patience = time(connectTimeoutMs)
    let made =
      switch address {
      case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), patience)
      case .unix(let path): redisConnectUnixWithTimeout(path, patience)
      }
    guard let made else {
      throw PortError(.unavailable, "\(name): connect", cause: "out of memory", reason: .redisUnavailable)
    }
    guard made.pointee.err == 0, redisSetTimeout(made, time(commandTimeoutMs)) == REDIS_OK else {
      let cause = cause(made, errno)
      redisFree(made)
      throw PortError(.unavailable, "\(name): connect", cause: cause, reason: .redisUnavailable)
    }
    if case .tcp = address { redisEnableKeepAlive(made) }
    made.pointee.reader.pointee.maxbuf = 0
    return made
  }

  /// hiredis sends with `write`, so a server that went away would end the process by SIGPIPE. A handler that
  /// someone has set stays.
  private static let ignoreBrokenPipes: Void = {
    var current = sigaction()
    sigaction(SIGPIPE, nil, &current)
    if unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self) == 0 { signal(SIGPIPE, SIG_IGN) }
  }()

  private static func time(_ milliseconds: Int) -> timeval {
    timeval(tv_sec: milliseconds / 1_000, tv_usec: (milliseconds % 1_000) * 1_000)
  }

  private static func cause(_ context: UnsafeMutablePointer<redisContext>, _ code: Int32) -> String {
    if context.pointee.err == REDIS_ERR_IO && (code == EAGAIN || code == ETIMEDOUT) {
      return "no answer in time"
    }
    return withUnsafeBytes(of: context.pointee.errstr) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// One answer of Redis, with the answers inside it.
struct RedisReply: ~Copyable {
  private let root: UnsafeMutablePointer<redisReply>

  fileprivate init(_ root: UnsafeMutablePointer<redisReply>) { self.root = root }

  deinit { freeReplyObject(root) }

  /// Calls `body` with the answer; the view is valid only inside.
  borrowing func withView<Result>(_ body: (RedisReplyView) throws -> Result) rethrows -> Result {
    try body(RedisReplyView(UnsafePointer(root)))
  }
}

/// A look at an answer or at one inside it; valid while its `RedisReply` is.
struct RedisReplyView {
  private let reply: UnsafePointer<redisReply>

  fileprivate init(_ reply: UnsafePointer<redisReply>) { self.reply = reply }

  /// An error's text; nil: not an error.
  var error: String? {
    reply.pointee.type == REDIS_REPLY_ERROR ? bytes.map { String(decoding: $0, as: UTF8.self) } : nil
  }

  /// Whether it is Redis' nil.
  var isNull: Bool { reply.pointee.type == REDIS_REPLY_NIL }

  /// Bytes of a string, a status or an error; nil: something else.
  var bytes: UnsafeRawBufferPointer? {
    switch reply.pointee.type {
    case REDIS_REPLY_STRING, REDIS_REPLY_STATUS, REDIS_REPLY_ERROR:
      UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len)
    default: nil
    }
  }

  /// A whole number; nil: something else.
  var integer: Int? { reply.pointee.type == REDIS_REPLY_INTEGER ? Int(reply.pointee.integer) : nil }

  /// Answers inside; 0 for anything but an array.
  var count: Int { reply.pointee.type == REDIS_REPLY_ARRAY ? reply.pointee.elements : 0 }

  /// An answer inside.
  subscript(index: Int) -> RedisReplyView {
    precondition(index >= 0 && index < count)
    return RedisReplyView(UnsafePointer(reply.pointee.element[index]!))
  }
}
