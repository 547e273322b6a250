import Dataflow
import Glibc
import Kafka

/// Reads one batch that a source cannot read itself, in a process of its own with a limit of memory, and gives its records singly.
///
/// The request comes over standard input, answers go over standard output. A batch is left to nobody only where its codec refuses bytes
/// that match their checksum, or where it unpacks to more than the size asked for: both are functions of the bytes and that size. All
/// else (memory that is lacking, a wrong checksum, a format that is not known, no answer) is a failure. The process ends when its parent
/// does, since standard input ends then.
public enum BatchServer {
  /// Longest wait for the batch, seconds.
  private static let waitSecondsMax = 60
  private static let pollTimeoutMs = 200
  private static let wakesMax = 20
  private static let wakeAfterMs = 20
  /// Memory beside the unpacked batch: code, threads' stacks.
  private static let memoryBytesBeside: UInt64 = 3 << 30
  /// Address space that must have been free all the time for a failure to be the bytes' own.
  private static let memoryBytesSpare: UInt64 = 64 << 20
  /// Weight of a batch, in sizes that it may have: librdkafka keeps 300 bytes beside each record.
  private static let weightsOfSize: UInt64 = 4
  /// Longest line of the kernel's notes of this process, bytes.
  private static let noteBytesMax = 256

  /// Serves one request. Returns the exit code.
  public static func serve() -> Int32 {
    guard var request = BatchRequest(from: STDIN_FILENO) else { return 2 }
    endWithParent()
    goFirst()
    guard KafkaUnpackLimits.areInForce else {
      return fail("librdkafka is not a shared library here: nothing limits it")
    }
    request.unpackedBytesMax = min(
      max(request.unpackedBytesMax, 1), KafkaSourceConfiguration.unpackedBytesLimit)
    // zstd's buffer may be three times what it holds.
    let limit = memoryBytesBeside + (3 + weightsOfSize) * UInt64(request.unpackedBytesMax)
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

  /// Where memory is lacking the kernel ends this process, not its parent.
  private static func goFirst() {
    guard let file = fopen("/proc/self/oom_score_adj", "w") else { return }
    fputs("1000", file)
    fclose(file)
  }

  private static func fail(_ why: String) -> Int32 {
    var bytes = [BatchFrame.Kind.failed.rawValue]
    BatchFrame.append(why, to: &bytes)
    _ = bytes.withUnsafeBytes { BatchFrame.write($0, to: STDOUT_FILENO) }
    return 1
  }

  /// A consumer that fetches a single batch at a time: brokers give one, however large, and it has something to do until that is given.
  ///
  /// A batch that does not match its checksum is none of its producer's: another replica may have what it was.
  private static func consumer(_ request: BatchRequest, unpacking: KafkaUnpackLimits) throws(KafkaError)
    -> KafkaConsumer
  {
    var configuration = KafkaConfiguration(request.properties.map { ($0.name, $0.value) })
    // zstd's output is guessed, and the guess trebled: so much must be allowed for the limit to be what decides.
    let bytesMax = max(3 * request.unpackedBytesMax, Int64(KafkaSourceConfiguration.answerBytesMax))
    for (name, value) in [
      ("fetch.max.bytes", "1000"), ("message.max.bytes", "1000"), ("fetch.message.max.bytes", "1"),
      ("queued.min.messages", "1"), ("receive.message.max.bytes", "\(bytesMax)"), ("check.crcs", "true"),
    ] {
      configuration.set(name, value)
    }
    configuration.unpackLimits = unpacking
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
    let bytes = UInt64(request.unpackedBytesMax)
    let limits = KafkaUnpackLimits(
      batchBytesMax: bytes, batchWeightMax: weightsOfSize * bytes, answerWeightMax: .max)
    let consumer = try consumer(request, unpacking: limits)
    _ = KafkaUnpackLimits.takeRefusal()
    switch try look(consumer, request, at: request.from) {
    case .records: return try give(consumer)
    // Compaction has taken it meanwhile, or it is a transaction's that was aborted.
    case .end: return done(max(request.from, consumer.ends[request.partition] ?? 0))
    case .nothing: return fail("no broker has given it within \(waitSecondsMax) s")
    case .error(let error):
      let refusal = KafkaUnpackLimits.takeRefusal()
      guard error.isOfUnpacking else { return fail(error.description) }
      let peak = peakBytes()
      guard refusal != .noMemory, refusal != .answerFull, peak > 0, peak + memoryBytesSpare < memory else {
        return fail("memory may have been lacking")
      }
      let why =
        refusal == .batchTooLarge
        ? "it unpacks to more than \(request.unpackedBytesMax) bytes, or to more records than that allows"
        : "\(error.name): its bytes cannot be unpacked"
      return try tell(error, why, request)
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
      do throws(KafkaError) {
        try consumer.poll(limit: 1, timeoutMs: 0)
      } catch {
        // Small batches may come together; what is said of the next one is that one's.
        guard error.kind == .unreadable else { throw error }
        return done(next)
      }
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
  ///
  /// Whatever is packed is refused at once here, with the offset that tells batches apart: nothing needs to be unpacked for that.
  private static func tell(
    _ error: KafkaError, _ why: String, _ request: BatchRequest
  ) throws(KafkaError) -> Int32 {
    let batch = error.place?.offset ?? request.from
    let nothing = KafkaUnpackLimits(batchBytesMax: 0, batchWeightMax: 0, answerWeightMax: 0)
    let probe = try consumer(request, unpacking: nothing)
    let end = try probe.watermarks(request.partition, timeoutMs: waitSecondsMax * 1000).high
    func isInside(_ offset: Int64) throws(KafkaError) -> Bool? {
      guard offset < end else { return false }
      return switch try look(probe, request, at: offset) {
      case .records, .end: false
      case .error(let other): other.isOfUnpacking ? other.place?.offset == batch : nil
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
    BatchFrame.append(request.from, to: &bytes)
    BatchFrame.append(outside, to: &bytes)
    BatchFrame.append(why, to: &bytes)
    _ = bytes.withUnsafeBytes { BatchFrame.write($0, to: STDOUT_FILENO) }
    return 0
  }

  /// Largest address space that this process has had, bytes; 0: not known.
  private static func peakBytes() -> UInt64 {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: noteBytesMax)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.utf8.starts(with: "VmPeak:".utf8) else { continue }
      let digits = text.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      return (UInt64(String(decoding: digits, as: UTF8.self)) ?? 0) << 10
    }
    return 0
  }
}
