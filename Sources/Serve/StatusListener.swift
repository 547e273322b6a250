internal import Glibc
internal import Synchronization

/// Serves short answers over HTTP/1.1, a request a connection: one thread of low priority, sockets that never block, memory that is
/// bounded by the number of connections. A client has one deadline for everything; when there are too many, the oldest goes.
final class StatusListener: Sendable {
  /// Connections at once.
  static let connectionsMax = 64

  /// What a request gets.
  struct Answer {
    var status: Int
    var type: String
    var body: String
  }

  let port: UInt16
  private let socket: Int32
  /// Ends the wait of the thread: a byte in the pipe.
  private let pipe: (read: Int32, write: Int32)
  private let requestSeconds: Double
  private let answer: @Sendable (_ path: String) -> Answer?
  private let isStopped = Mutex(false)

  /// Below the workers', which have 0; not so far that a machine with much else to do would starve it.
  private static let niceness: Int32 = 2
  private static let backlog: Int32 = 128
  /// Pause when accepting fails, as while the process has no file descriptor left, milliseconds.
  private static let againMs: Int32 = 200

  /// Listens; `run` serves. `answer` gives what a path has; nil: nothing. Throws the text of what is wrong with the address.
  init(
    host: in_addr, port wanted: UInt16, requestSeconds: Double,
    answer: @escaping @Sendable (_ path: String) -> Answer?
  ) throws(StatusProblem) {
    self.answer = answer
    self.requestSeconds = requestSeconds
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else { throw StatusProblem() }
    for end in ends { Self.prepare(end) }
    pipe = (ends[0], ends[1])
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    Self.prepare(socket)
    var on: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = wanted.bigEndian
    address.sin_addr = host
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (listening, descriptor) = (Self.backlog, socket)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bare in
        bind(descriptor, bare, size) == 0 && listen(descriptor, listening) == 0
          && getsockname(descriptor, bare, &size) == 0
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    guard isBound else {
      let problem = StatusProblem()
      close(socket)
      close(pipe.read)
      close(pipe.write)
      throw problem
    }
  }

  /// Neither blocks nor goes to programs that are started.
  private static func prepare(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  }

  /// Ends `run`; connections under way are cut off.
  func stop() {
    isStopped.withLock { $0 = true }
    _ = Glibc.write(pipe.write, [1], 1)
  }

  /// Serves until it is stopped; for a thread of its own.
  func run() {
    // Linux takes 0 for the thread that calls.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
    var clients: [Box] = []
    var number: UInt64 = 0
    while !isStopped.withLock({ $0 }) {
      var waiting = [pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0)]
      waiting.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0))
      for client in clients {
        waiting.append(
          pollfd(
            fd: client.connection.descriptor, events: Int16(client.connection.isWriting ? POLLOUT : POLLIN),
            revents: 0))
      }
      let isFailing = poll(&waiting, nfds_t(waiting.count), wait(for: clients)) < 0 && errno != EINTR
      if isFailing { poll(nil, 0, Self.againMs) }
      for (index, client) in clients.enumerated() where waiting[index + 2].revents != 0 { serve(client) }
      let now = ContinuousClock.now
      clients.removeAll { $0.isOver || $0.connection.deadline <= now }
      if waiting[1].revents != 0 { accept(into: &clients, &number) }
    }
    clients.removeAll()
    close(socket)
    close(pipe.read)
    close(pipe.write)
  }

  /// Milliseconds until the first deadline; -1: there is none.
  private func wait(for clients: [Box]) -> Int32 {
    guard let first = clients.lazy.map({ $0.connection.deadline }).min() else { return -1 }
    return Int32(clamping: Int64(max(0, (first - .now) / .milliseconds(1)).rounded(.up)))
  }

  private func accept(into clients: inout [Box], _ number: inout UInt64) {
    while true {
      let client = Glibc.accept(socket, nil, nil)
      guard client >= 0 else {
        if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS {
          // Whoever waits longest gives its place.
          if clients.isEmpty { poll(nil, 0, Self.againMs) } else { clients.removeFirst() }
        }
        return
      }
      Self.prepare(client)
      if clients.count >= Self.connectionsMax { clients.removeFirst() }
      number += 1
      clients.append(
        Box(StatusConnection(client, number: number, deadline: .now + .seconds(requestSeconds))))
    }
  }

  private func serve(_ client: Box) {
    var need = client.connection.isWriting ? client.connection.write() : client.connection.read()
    if case .answer(let method, let target) = need {
      client.connection.reply(response(method, target))
      need = client.connection.write()
    }
    if case .end = need { client.isOver = true }
  }

  private func response(_ method: String, _ target: String) -> [UInt8] {
    let found: Answer
    switch method {
    case "GET", "HEAD":
      found = answer(target) ?? Answer(status: 404, type: "text/plain; charset=utf-8", body: "not found\n")
    case "":
      found = Answer(
        status: 400, type: "text/plain; charset=utf-8",
        body: "a request has a head of at most \(StatusConnection.headBytesMax) bytes\n")
    default: found = Answer(status: 405, type: "text/plain; charset=utf-8", body: "GET or HEAD\n")
    }
    let head = """
      HTTP/1.1 \(found.status) \(Self.words[found.status] ?? "-")\r
      Content-Type: \(found.type)\r
      Content-Length: \(found.body.utf8.count)\r
      Connection: close\r
      \r

      """
    return Array(head.utf8) + (method == "HEAD" ? [] : Array(found.body.utf8))
  }

  private static let words = [
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable",
  ]

  /// A connection, which cannot be copied, in a list.
  private final class Box {
    var connection: StatusConnection
    var isOver = false

    init(_ connection: consuming StatusConnection) { self.connection = connection }
  }
}

/// Why an address cannot be had: the system's words.
struct StatusProblem: Error {
  let text: String

  /// What the last call failed with.
  init() { text = String(cString: strerror(errno)) }
}
