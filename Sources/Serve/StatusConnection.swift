internal import Glibc

/// One client of the status server: a request's head in a buffer of fixed size, then an answer. Neither blocks.
struct StatusConnection: ~Copyable {
  /// Bytes of a request's head; more is refused. Nothing that a client sends makes a server's memory grow.
  static let headBytesMax = 8 << 10

  /// What is to be done next.
  enum Need {
    /// More of the request.
    case request
    /// An answer to this request line.
    case answer(method: String, target: String)
    /// Room for the rest of the answer.
    case room
    /// Nothing: it is over.
    case end
  }

  let descriptor: Int32
  /// Number in the order of their coming.
  let number: UInt64
  /// When it must be over.
  let deadline: ContinuousClock.Instant
  private let head: UnsafeMutableRawBufferPointer
  private var count = 0
  private var answer: [UInt8] = []
  private var sent = 0
  /// Whether the answer is out and only the client's end is waited for.
  private(set) var isAnswered = false

  init(_ descriptor: Int32, number: UInt64, deadline: ContinuousClock.Instant) {
    self.descriptor = descriptor
    self.number = number
    self.deadline = deadline
    head = .allocate(byteCount: Self.headBytesMax, alignment: 1)
  }

  deinit {
    head.deallocate()
    close(descriptor)
  }

  /// Whether it waits for the client to take bytes, rather than to send some.
  var isWriting: Bool { !answer.isEmpty && !isAnswered }

  /// Takes what the client has sent.
  mutating func read() -> Need {
    if isAnswered { return drain() }
    while true {
      let room = UnsafeMutableRawBufferPointer(rebasing: head[count...])
      guard let base = room.baseAddress, room.count > 0 else {
        return .answer(method: "", target: "")
      }
      let got = recv(descriptor, base, room.count, Int32(MSG_DONTWAIT))
      if got == 0 { return .end }
      if got < 0 { return errno == EAGAIN || errno == EINTR ? .request : .end }
      // Only what is new can end the head: a long one is looked at once.
      let from = max(0, count - 3)
      count += got
      if Self.hasEnd(head, from..<count) { return request() }
    }
  }

  /// Queues an answer; `write` sends it.
  mutating func reply(_ bytes: [UInt8]) {
    answer = bytes
    sent = 0
  }

  /// Sends as much as the client takes.
  mutating func write() -> Need {
    while sent < answer.count {
      let wrote = answer.withUnsafeBytes {
        send(
          descriptor, $0.baseAddress.map { $0 + sent }, answer.count - sent,
          Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
      }
      if wrote < 0 { return errno == EAGAIN || errno == EINTR ? .room : .end }
      sent += wrote
    }
    // A socket that is closed with bytes unread resets the connection, and the client may lose the answer.
    isAnswered = true
    shutdown(descriptor, Int32(SHUT_WR))
    return drain()
  }

  /// Throws away what comes behind the request, until the client closes.
  private mutating func drain() -> Need {
    for _ in 0..<8 {
      let got = recv(descriptor, head.baseAddress, head.count, Int32(MSG_DONTWAIT))
      if got == 0 { return .end }
      if got < 0 { return errno == EAGAIN || errno == EINTR ? .request : .end }
    }
    return .request
  }

  /// An empty line: behind CR LF, or as some write it behind LF.
  private static func hasEnd(_ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>) -> Bool {
    let lineFeed = UInt8(ascii: "\n")
    let carriageReturn = UInt8(ascii: "\r")
    for index in range where bytes[index] == lineFeed {
      if index >= 1 && bytes[index - 1] == lineFeed { return true }
      if index >= 3 && bytes[index - 1] == carriageReturn && bytes[index - 2] == lineFeed { return true }
    }
    return false
  }

  /// Method and path of the request line; empty ones when it is none.
  private func request() -> Need {
    let line = head[..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard words.count == 3, words[2].starts(with: "HTTP/1.".utf8) else {
      return .answer(method: "", target: "")
    }
    let path = words[1].prefix { $0 != UInt8(ascii: "?") }
    return .answer(
      method: String(decoding: words[0], as: UTF8.self), target: String(decoding: path, as: UTF8.self))
  }
}
