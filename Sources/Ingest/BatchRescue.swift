import Dataflow
import Kafka

/// Batches that a source's consumer cannot read: each is read by a process of its own, while the other partitions go on.
///
/// Its partition is paused meanwhile. One thread; call `end`.
final class BatchRescue {
  private struct Case {
    /// The offset that the consumer's error named, and the first record that is wanted.
    let named: Int64
    var next: Int64
    var hasGiven = false
    var reader: BatchReader?
    /// When it is tried again; nil: it is under way.
    var retryAt: ContinuousClock.Instant?
    var backoff: Duration
  }

  private let configuration: KafkaSourceConfiguration
  private var cases: [Int32: Case] = [:]
  /// Where to read on behind batches, until somebody asks.
  private var resumed: [Int32: Int64] = [:]
  /// Sizes of partitions that have one of their own.
  private var bounds: [Int32: Int64] = [:]
  /// Batches that a codec refused, and how often in a row.
  private var refused: [Int32: (offset: Int64, count: Int)] = [:]
  /// Processes that are done with; the records that they gave last live until the next poll.
  private var last: [BatchReader] = []

  private static let firstBackoff = Duration.seconds(5)
  private static let backoffMax = Duration.seconds(60)
  /// How often a batch may find no room beside the others of its answer, before it is read alone.
  private static let refusalsMax = 2

  init(_ configuration: KafkaSourceConfiguration) { self.configuration = configuration }

  /// Whether any partition waits.
  var isActive: Bool { !cases.isEmpty }

  /// Partitions that wait; their delivery is stopped.
  var partitions: [Int32] { cases.keys.sorted() }

  /// Whether a process is at work, so that a poll should not wait for others.
  var isReading: Bool { cases.values.contains { $0.retryAt == nil } }

  func bound(unpackedBytes: Int64, of partition: Int32) { bounds[partition] = unpackedBytes }

  /// Forgets everything, and ends the processes: partitions are assigned anew.
  func end() {
    for partition in partitions { forget(partition) }
    resumed.removeAll()
    refused.removeAll()
  }

  private func forget(_ partition: Int32) {
    guard let reader = cases.removeValue(forKey: partition)?.reader else { return }
    reader.end()
    last.append(reader)
  }

  /// Takes a batch over which the consumer has refused. `next`: the first record that is wanted.
  func begin(_ error: KafkaError, next: Int64, _ consumer: KafkaConsumer) throws(KafkaError) {
    guard let place = error.place, cases[place.partition] == nil else { return }
    if error.isOfUnpacking {
      let before = refused[place.partition]
      let count = before?.offset == place.offset ? before?.count ?? 0 : 0
      refused[place.partition] = (place.offset, count + 1)
      // librdkafka asks for it again by itself.
      if count < Self.refusalsMax { return }
    }
    refused[place.partition] = nil
    try consumer.pause([place.partition])
    cases[place.partition] = Case(
      named: place.offset, next: max(next, 0), retryAt: ContinuousClock.now, backoff: Self.firstBackoff)
  }

  /// What has come of the batches; nil: nothing yet. Records live until the next call.
  func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int) -> PollOutcome? {
    last.removeAll()
    for partition in cases.keys.sorted() {
      guard var one = cases[partition] else { continue }
      if let retryAt = one.retryAt {
        guard ContinuousClock.now >= retryAt else { continue }
        start(&one, partition)
        cases[partition] = one
      }
      guard let reader = one.reader else {
        return stuck(partition, "no process could be started that reads it")
      }
      switch reader.take(into: batch, partition: partition, limit: limit, timeoutMs: timeoutMs) {
      case .open:
        guard let last = batch.records.last else { continue }
        cases[partition]?.next = last.offset + 1
        cases[partition]?.hasGiven = true
        return .records
      case .done(let next):
        guard next > one.next || one.hasGiven else {
          return stuck(partition, "its process has found nothing")
        }
        goOn(partition, at: max(next, one.next))
      case .unreadable(let range, let why):
        goOn(partition, at: range.upperBound)
        return .unreadable(
          partition: partition, from: range.lowerBound, until: range.upperBound, why: why)
      case .failed(let why):
        return stuck(partition, why)
      }
    }
    return nil
  }

  private func start(_ one: inout Case, _ partition: Int32) {
    one.retryAt = nil
    let properties = (try? configuration.kafka().properties) ?? []
    one.reader = BatchReader(
      configuration.batchReader,
      BatchRequest(
        topic: configuration.topic, partition: partition, from: one.next, named: one.named,
        unpackedBytesMax: bounds[partition] ?? configuration.unpackedBytesMax, properties: properties))
  }

  private func stuck(_ partition: Int32, _ why: String) -> PollOutcome {
    let one = cases[partition]
    one?.reader?.end()
    cases[partition]?.reader = nil
    cases[partition]?.retryAt = ContinuousClock.now + (one?.backoff ?? Self.backoffMax)
    cases[partition]?.backoff = min((one?.backoff ?? Self.backoffMax) * 2, Self.backoffMax)
    return .stuck(partition: partition, from: one?.next ?? 0, until: nil, why: why)
  }

  /// The batch is done with: its source reads on behind it.
  private func goOn(_ partition: Int32, at next: Int64) {
    forget(partition)
    resumed[partition] = next
  }

  /// Takes the offsets at which the source is to read on, by partition; their delivery is still stopped.
  func takeResumed() -> [Int32: Int64] {
    defer { resumed.removeAll() }
    return resumed
  }
}
