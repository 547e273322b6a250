import Dataflow
import Glibc
import Kafka

/// Reads one batch that a source cannot read itself, in a process of its own with a limit of memory, and gives its records singly.
///
/// The request comes over standard input, answers go over standard output. librdkafka unpacks zstd only up to
/// `receive.message.max.bytes`, which is larger here; what it cannot unpack even so is decided by the batch's bytes and that size alone,
/// as long as no memory was lacking. The process ends when its parent does, since standard input ends then.
public enum BatchServer {
  /// Longest wait for the batch, seconds.
  private static let waitSecondsMax = 60
  private static let pollTimeoutMs = 200
  private static let wakesMax = 20
  private static let wakeAfterMs = 20
  /// Memory beside the unpacked batch: code, threads' stacks, records' notes.
  private static let memoryBytesBeside: UInt64 = 3 << 30
  /// Address space that must have been free all the time for a failure to be the bytes' own.
  private static let memoryBytesSpare: UInt64 = 64 << 20
  /// To tell batches apart nothing needs to be unpacked.
  private static let probeBytesMax: Int64 = 2 << 20

  /// Serves one request. Returns the exit code.
  public static func serve() -> Int32 {
    guard let request = BatchRequest(from: STDIN_FILENO) else { return 2 }
    endWithParent()
    let limit = memoryBytesBeside + 3 * UInt64(clamping: request.unpackedBytesMax)
    var bound = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t(limit))
    guard setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &bound) == 0 else {
      return fail("its process cannot be limited")
    }
    do throws(KafkaError) {
      return try read(request, memory: limit)
    } catch {
      return fail(error.description)
    }
  }

  /// Nobody writes to standard input any more: it ends when the parent is gone.
  private static func endWithParent() {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        var byte: UInt8 = 0
        while Glibc.read(STDIN_FILENO, &byte, 1) != 0 {}
        _exit(0)
      }, nil)
  }

  private static func fail(_ why: String) -> Int32 {
    var bytes = [BatchFrame.Kind.failed.rawValue]
    BatchFrame.append(why, to: &bytes)
    _ = bytes.withUnsafeBytes { BatchFrame.write($0, to: STDOUT_FILENO) }
    return 1
  }

  /// A consumer that fetches a single batch at a time: brokers give one, however large, and it has something to do until that is given.
  private static func consumer(_ request: BatchRequest, bytesMax: Int64) throws(KafkaError) -> KafkaConsumer {
    var configuration = KafkaConfiguration(request.properties.map { ($0.name, $0.value) })
    for (name, value) in [
      ("fetch.max.bytes", "1000"), ("message.max.bytes", "1000"), ("fetch.message.max.bytes", "1"),
      ("queued.min.messages", "1"), ("receive.message.max.bytes", "\(min(bytesMax, 2_000_000_000))"),
    ] {
      configuration.set(name, value)
    }
    return try KafkaConsumer(configuration, topic: request.topic)
  }

  /// What a consumer finds at an offset.
  private enum Finding {
    case records
    case end
    case error(KafkaError)
    case nothing
  }

  private static func look(
    _ consumer: KafkaConsumer, _ request: BatchRequest, at offset: Int64
  ) throws(KafkaError) -> Finding {
    try consumer.assign([KafkaPosition(partition: request.partition, offset: offset)])
    let deadline = ContinuousClock.now + .seconds(waitSecondsMax)
    var wakesLeft = wakesMax
    while ContinuousClock.now < deadline {
      // After `assign` librdkafka's threads may sleep for a second.
      if wakesLeft > 0 { consumer.wake([request.partition]) }
      let waitMs = wakesLeft > 0 ? wakeAfterMs : pollTimeoutMs
      wakesLeft -= 1
      do throws(KafkaError) {
        try consumer.poll(limit: 1, timeoutMs: waitMs)
      } catch {
        if error.kind == .unreadable && error.place?.partition == request.partition { return .error(error) }
        guard error.isRetriable else { throw error }
      }
      if !consumer.messages.isEmpty { return .records }
      if consumer.ends[request.partition] != nil { return .end }
    }
    return .nothing
  }

  private static func read(_ request: BatchRequest, memory: UInt64) throws(KafkaError) -> Int32 {
    // zstd's output is guessed, and the guess trebled: up to three times the size are tried, so that no smaller batch is refused.
    let consumer = try consumer(request, bytesMax: 3 * request.unpackedBytesMax)
    switch try look(consumer, request, at: request.from) {
    case .records: return try give(consumer)
    // Compaction has taken it meanwhile, or it is a transaction's that was aborted.
    case .end: return done(max(request.from, consumer.ends[request.partition] ?? 0))
    case .nothing: return fail("no broker has given it within \(waitSecondsMax) s")
    case .error(let error):
      let peak = peakBytes()
      guard peak > 0, peak + memoryBytesSpare < memory else { return fail("memory may have been lacking") }
      return try tell(error, request)
    }
  }

  /// Gives all records that came with the first one: a batch.
  private static func give(_ consumer: KafkaConsumer) throws(KafkaError) -> Int32 {
    // The whole batch lies in the queue, and nothing is fetched while it does.
    var left = consumer.queuedCount
    var next: Int64 = 0
    while true {
      for message in consumer.messages {
        var record = RawRecord(message)
        record.signature = message.header(ControlKey.header)
        next = record.offset + 1
        let head = BatchFrame.head(record)
        let isWritten =
          head.withUnsafeBytes { BatchFrame.write($0, to: STDOUT_FILENO) }
          && [record.key, record.value, record.signature].allSatisfy {
            $0.map { BatchFrame.write($0, to: STDOUT_FILENO) } ?? true
          }
        guard isWritten else { return 0 }
      }
      guard left > 0 else { return done(next) }
      try consumer.poll(limit: 1, timeoutMs: 0)
      guard !consumer.messages.isEmpty else { return done(next) }
      left -= 1
    }
  }

  private static func done(_ next: Int64) -> Int32 {
    var bytes = [BatchFrame.Kind.done.rawValue]
    BatchFrame.append(next, to: &bytes)
    _ = bytes.withUnsafeBytes { BatchFrame.write($0, to: STDOUT_FILENO) }
    return 0
  }

  /// Finds where the batch ends: the first offset at which something else is found. By doubling steps, then halving.
  private static func tell(_ error: KafkaError, _ request: BatchRequest) throws(KafkaError) -> Int32 {
    let batch = error.place?.offset ?? request.from
    let probe = try consumer(request, bytesMax: probeBytesMax)
    let end = try probe.watermarks(request.partition, timeoutMs: waitSecondsMax * 1000).high
    func isInside(_ offset: Int64) throws(KafkaError) -> Bool? {
      guard offset < end else { return false }
      return switch try look(probe, request, at: offset) {
      case .records, .end: false
      case .error(let other): other.place?.offset == batch
      case .nothing: nil
      }
    }
    var inside = max(request.from, batch)
    var outside = inside + 1
    var step: Int64 = 1
    while true {
      guard let found = try isInside(outside) else { return fail("its end was not found") }
      guard found else { break }
      inside = outside
      step *= 2
      outside = inside + step
    }
    while outside - inside > 1 {
      let middle = inside + (outside - inside) / 2
      guard let found = try isInside(middle) else { return fail("its end was not found") }
      if found { inside = middle } else { outside = middle }
    }
    var bytes = [BatchFrame.Kind.unreadable.rawValue]
    BatchFrame.append(outside, to: &bytes)
    BatchFrame.append(
      "\(error.name): its bytes cannot be unpacked, or only to more than \(request.unpackedBytesMax) bytes",
      to: &bytes)
    _ = bytes.withUnsafeBytes { BatchFrame.write($0, to: STDOUT_FILENO) }
    return 0
  }

  /// Largest address space that this process has had, bytes; 0: not known.
  private static func peakBytes() -> UInt64 {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.utf8.starts(with: "VmPeak:".utf8) else { continue }
      let digits = text.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      return (UInt64(String(decoding: digits, as: UTF8.self)) ?? 0) << 10
    }
    return 0
  }
}
