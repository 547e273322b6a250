import Dataflow
import Glibc

/// A process of its own that reads one batch for a source; ended with this object.
///
/// Its records come through a pipe: the process waits while nobody reads them, so that memory here is bounded by what is taken at once.
final class BatchReader {
  /// How it goes on.
  enum Answer: Equatable {
    /// Records are there, or may come.
    case open
    /// Everything was given; the next offset.
    case done(Int64)
    /// Nobody can make records of what lies there.
    case unreadable(Range<Int64>, why: String)
    case failed(String)
  }

  private var process: pid_t = 0
  private var input: Int32 = -1
  private var output: Int32 = -1
  /// What was read and not yet given.
  private var bytes: [UInt8] = []
  private var place = 0
  private var answer = Answer.open
  /// Records that were given last; they live until the next call.
  private var given: [UInt8] = []
  /// What one read gives.
  private let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: readBytes, alignment: 1)

  /// Bytes that one call takes from the pipe, unless a record is larger.
  private static let takenBytesMax = 8 << 20
  private static let readBytes = 1 << 18

  /// Starts the program. nil: it cannot be started.
  init?(_ command: [String], _ request: BatchRequest) {
    guard let program = command.first else { return nil }
    guard let toChild = Self.makePair() else { return nil }
    guard let fromChild = Self.makePair() else {
      for descriptor in toChild { close(descriptor) }
      return nil
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, toChild[0], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    Self.closeOthers(in: &actions)
    var arguments = command.map { strdup($0) } + [nil]
    var variables = Self.environment.map { strdup($0) } + [nil]
    let code = posix_spawn(&process, program, &actions, nil, &arguments, &variables)
    for text in arguments + variables { free(text) }
    posix_spawn_file_actions_destroy(&actions)
    close(toChild[0])
    close(fromChild[1])
    input = toChild[1]
    output = fromChild[0]
    guard code == 0 else {
      process = 0
      end()
      return nil
    }
    _ = fcntl(output, F_SETFL, O_NONBLOCK)
    // What has ended already is found by its answer, which is none.
    Self.send(request.encoded, to: input)
  }

  deinit {
    end()
    piece.deallocate()
  }

  /// This process' variables; the process has a limit of address space, of which each thread would reserve much for itself.
  private static var environment: [String] {
    var found = ["MALLOC_ARENA_MAX=1"]
    var place = environ
    while let text = place.pointee {
      found.append(String(cString: text))
      place += 1
    }
    return found
  }

  /// A socket can be written to without a signal that would end this process, should the other one be gone.
  private static func send(_ bytes: [UInt8], to socket: Int32) {
    var place = 0
    while place < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        Glibc.send(
          socket, raw.baseAddress.map { $0 + place }, bytes.count - place, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      place += count
    }
  }

  /// Two connected sockets, closed on exec from the beginning: another thread may be starting a process, which would keep this one's
  /// input open.
  private static func makePair() -> [Int32]? {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    return socketpair(AF_UNIX, type, 0, &ends) == 0 ? ends : nil
  }

  /// Connections that a library does not close on exec are not the process' to keep open. glibc has this since 2.34, but not among what
  /// Swift sees of it.
  private static func closeOthers(in actions: inout posix_spawn_file_actions_t) {
    typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    guard let found = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
    _ = unsafeBitCast(found, to: CloseFrom.self)(&actions, STDERR_FILENO + 1)
  }

  /// Ends the process.
  func end() {
    if input >= 0 { close(input) }
    if output >= 0 { close(output) }
    input = -1
    output = -1
    guard process > 0 else { return }
    kill(process, SIGKILL)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    process = 0
  }

  /// Takes up to `limit` records of the partition; waits at most `timeoutMs` for the first. They live until the next call.
  func take(into batch: RecordBatch, partition: Int32, limit: Int, timeoutMs: Int) -> Answer {
    given = []
    var waitMs = Int32(clamping: timeoutMs)
    var records: [Range<Int>] = []
    while true {
      while records.count < limit, let record = nextRecord() { records.append(record) }
      if answer != .open || records.count >= limit || place >= Self.takenBytesMax { break }
      guard fill(waitMs: records.isEmpty ? waitMs : 0) else { break }
      waitMs = 0
    }
    guard !records.isEmpty else { return answer }
    // What was taken stays where it is; the rest is the beginning of what comes.
    given = bytes
    bytes = Array(given[place...])
    place = 0
    given.withUnsafeBytes { raw in
      for record in records { batch.records.append(Self.record(raw, record, partition)) }
    }
    return .open
  }

  /// The place of the next whole record; nil: there is none yet, or another answer has come.
  private func nextRecord() -> Range<Int>? {
    let left = bytes.count - place
    guard answer == .open, left > 0 else { return nil }
    return bytes.withUnsafeBytes { raw in
      switch BatchFrame.Kind(rawValue: raw[place]) {
      case .record:
        guard left >= BatchFrame.recordHeadBytes else { return nil }
        let whole = BatchFrame.recordHeadBytes + Self.lengths(raw, place).reduce(0) { $0 + max($1, 0) }
        guard left >= whole else { return nil }
        defer { place += whole }
        return place..<place + whole
      case .done: if left >= 9 { answer = .done(BatchFrame.number(raw, place + 1)) }
      case .unreadable:
        if let why = Self.text(raw, place + 17) {
          let from: Int64 = BatchFrame.number(raw, place + 1)
          let until: Int64 = BatchFrame.number(raw, place + 9)
          answer = from < until ? .unreadable(from..<until, why: why) : .failed("its process names no range")
        }
      case .failed: if let why = Self.text(raw, place + 1) { answer = .failed(why) }
      case nil: answer = .failed("its process answers with something else")
      }
      return nil
    }
  }

  private static func lengths(_ raw: UnsafeRawBufferPointer, _ place: Int) -> [Int] {
    (0..<3).map { Int(BatchFrame.number(raw, place + 18 + 4 * $0) as Int32) }
  }

  private static func text(_ raw: UnsafeRawBufferPointer, _ place: Int) -> String? {
    guard raw.count >= place + 4 else { return nil }
    let count = Int(BatchFrame.number(raw, place) as UInt32)
    guard raw.count >= place + 4 + count else { return nil }
    return String(decoding: raw[(place + 4)..<(place + 4 + count)], as: UTF8.self)
  }

  private static func record(
    _ raw: UnsafeRawBufferPointer, _ range: Range<Int>, _ partition: Int32
  ) -> RawRecord {
    var start = range.lowerBound + BatchFrame.recordHeadBytes
    let fields = lengths(raw, range.lowerBound).map { count in
      guard count >= 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
      defer { start += count }
      return UnsafeRawBufferPointer(rebasing: raw[start..<start + count])
    }
    return RawRecord(
      partition: partition, offset: BatchFrame.number(raw, range.lowerBound + 1),
      ingestTimeMs: BatchFrame.number(raw, range.lowerBound + 9), key: fields[0], value: fields[1],
      contentType: ContentType(rawValue: raw[range.lowerBound + 17]) ?? .unknown,
      signature: fields[2].baseAddress == nil ? nil : fields[2])
  }

  /// Reads more. Returns false when nothing is there, or nothing comes any more.
  private func fill(waitMs: Int32) -> Bool {
    var watched = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&watched, 1, waitMs) > 0 else { return false }
    let count = Glibc.read(output, piece.baseAddress, piece.count)
    if count > 0 { bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[..<count])) }
    if count == 0 && answer == .open {
      answer = .failed("its process has ended: it may have needed more memory than it may have")
    }
    return count > 0
  }
}
