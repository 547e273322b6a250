package import Configuration
package import Dataflow
import Events
import Foundation
import Ingest
import Kafka

/// Copies a topic's records into another topic, each to the partition that its key belongs to.
///
/// Every copy says in a header where it came from, so that a copy that was interrupted, or that shall take in what has come since, goes
/// on behind what is there: records of a source partition lie in the order of their offsets on each partition of the new topic.
package struct TopicCopy {
  package let settings: Settings
  package let report: any OperationReport
  package let from: String
  package let to: String

  package init(settings: Settings, report: any OperationReport, from: String, to: String) {
    self.settings = settings
    self.report = report
    self.from = from
    self.to = to
  }

  /// What was done.
  package struct Outcome {
    /// Records that were copied now, and that had been before.
    package var copied: Int64 = 0
    package var before: Int64 = 0
    /// Of those copied now: on another partition, or without a key.
    package var movedHome: Int64 = 0
    package var withoutKey: Int64 = 0
    /// Offsets of `from` whose records were gone before they were copied.
    package var goneBefore: Int64 = 0
  }

  private static let header: StaticString = "tally-copied-from"
  private static let pollTimeoutMs = 500
  /// Wait between tries of what the brokers did not answer, seconds.
  private static let retrySeconds = 0.2
  /// Longest wait for the brokers' answers and acknowledgements, milliseconds.
  private static let acknowledgeMaxMs = 30_000

  /// Copies up to the end that `from` has now. Throws `Failure` and `PortError`.
  package func run(homes: KeyHomes) throws -> Outcome {
    var known = CopiedRecords()
    let ends = try look(into: &known, homes)
    var outcome = Outcome()
    outcome.before = known.records
    let starts = known.starts(targets: homes.partitionCount)
    let source = try open(from, at: starts)
    defer { source.close() }
    for (index, bounds) in source.bounds.enumerated() {
      outcome.goneBefore += max(0, bounds.low - (starts[Int32(index)] ?? known.end(of: Int32(index))))
    }
    var kafka = settings.kafkaConfiguration()
    // A record that is refused must end the copy: what lies behind it would hide that it is missing.
    kafka.set("enable.gapless.guarantee", "true")
    let producer = try KafkaProducer(kafka)
    defer { producer.close() }
    let topic = try producer.topic(to)
    let progress = report.begin(
      "copy: \(from) to \(to)", total: source.bounds.reduce(0) { $0 + $1.high - $1.low })
    while let message = try answered(source.next) {
      progress.advance()
      for target in Self.targets(of: message, homes) {
        guard message.offset > known.last[CopyLane(message.partition, target)] ?? -1 else { continue }
        try send(message, to: topic, partition: target, producer)
        outcome.copied += 1
        if message.key.isEmpty {
          outcome.withoutKey += 1
        } else if target != message.partition {
          outcome.movedHome += 1
        }
      }
    }
    try flush(producer)
    progress.finish("records")
    try checkAlone(ends, outcome.copied)
    return outcome
  }

  /// Where a record belongs in the copy: a promotion of models to every partition, of which the first one counts.
  private static func targets(of message: KafkaMessage, _ homes: KeyHomes) -> [Int32] {
    if message.key.isEmpty { return [message.partition % homes.partitionCount] }
    guard !isPromotion(message) else { return Array(0..<homes.partitionCount) }
    return [homes.home(of: message.key)]
  }

  private static func isPromotion(_ message: KafkaMessage) -> Bool {
    message.key.elementsEqual(Promotion.entityID.utf8)
  }

  // MARK: What is there already

  /// Reads which records the new topic has. Returns its ends. Throws `Failure` when some are no copies, or not where this copy would
  /// put them.
  private func look(into known: inout CopiedRecords, _ homes: KeyHomes) throws -> [Int32: Int64] {
    var from: [Int32: Int64] = [:]
    // A copy that was killed may have had records on their way: look until nothing more has come.
    while try look(into: &known, from: &from, homes) {}
    return from
  }

  /// Returns whether there was anything to look at.
  private func look(
    into known: inout CopiedRecords, from: inout [Int32: Int64], _ homes: KeyHomes
  ) throws -> Bool {
    let copies = try open(to, at: from)
    defer { copies.close() }
    let total = copies.bounds.enumerated().reduce(Int64(0)) {
      $0 + max(0, $1.element.high - max($1.element.low, from[Int32($1.offset)] ?? 0))
    }
    guard total > 0 else {
      for (index, bounds) in copies.bounds.enumerated() { from[Int32(index)] = bounds.high }
      return false
    }
    let progress = report.begin("copy: looking at what \(to) has", total: total)
    while let message = try answered(copies.next) {
      guard let place = message.header(Self.header).flatMap(Self.place) else {
        throw Failure(
          "topic \(to): the record at \(message.partition)/\(message.offset) is not a copy: name a topic that is new or holds "
            + "only what tally copy wrote", reason: .copyMixed)
      }
      guard place.topic == self.from else {
        throw Failure(
          "topic \(to): the record at \(message.partition)/\(message.offset) was copied from the topic \(place.topic), not from "
            + "\(self.from)", reason: .copyMixed)
      }
      try checkHome(message, homes)
      let lane = CopyLane(place.partition, message.partition)
      guard place.offset > known.last[lane] ?? -1 else {
        throw Failure(
          "topic \(to): the record at \(message.partition)/\(message.offset) is there twice: two copies were made at once, or one "
            + "while another was being killed; copy into a new topic", reason: .copyMixed)
      }
      known.last[lane] = place.offset
      known.records += 1
      progress.advance()
    }
    progress.finish("records")
    for (index, bounds) in copies.bounds.enumerated() { from[Int32(index)] = bounds.high }
    return true
  }

  /// Throws `Failure` when a copy lies elsewhere than its key belongs: what was copied under another setting cannot be gone on with.
  private func checkHome(_ message: KafkaMessage, _ homes: KeyHomes) throws {
    guard !message.key.isEmpty, !Self.targets(of: message, homes).contains(message.partition) else { return }
    throw Failure(
      "topic \(to): the record at \(message.partition)/\(message.offset) was copied with another kafka.partitioner, or before the "
        + "topic's number of partitions was changed: "
        + homes.explanation(of: message.key, on: message.partition)
        + "; go on as it was begun, or copy into a new topic", reason: .copyMixed)
  }

  /// Throws `Failure` when the topic holds more than this copy has added to it. `ends`: before.
  private func checkAlone(_ ends: [Int32: Int64], _ copied: Int64) throws {
    let now = try answered { try MergedTopic.bounds(configuration(of: to)) }
    let added = now.enumerated().reduce(Int64(0)) { $0 + $1.element.high - (ends[Int32($1.offset)] ?? 0) }
    guard added != copied else { return }
    throw Failure(
      "topic \(to): \(added) records were added while \(copied) were copied: somebody else writes to it, or copies into it; "
        + "let nobody else, and copy into a new topic", reason: .copyMixed)
  }

  /// Opens a topic, which may have been made a moment ago.
  private func open(_ topic: String, at offsets: [Int32: Int64]) throws -> MergedTopic {
    try answered { try MergedTopic(configuration(of: topic), from: offsets) }
  }

  /// Tries again what the brokers cannot answer yet. Throws `PortError`.
  private func answered<Result>(_ body: () throws -> Result) throws -> Result {
    let deadline = Date().addingTimeInterval(Double(Self.acknowledgeMaxMs) / 1000)
    while true {
      do {
        return try body()
      } catch let error as PortError where error.code == .unavailable && Date() < deadline {
        Thread.sleep(forTimeInterval: Self.retrySeconds)
      }
    }
  }

  /// Reads `TOPIC/PARTITION/OFFSET`.
  private static func place(
    _ text: UnsafeRawBufferPointer
  ) -> (topic: String, partition: Int32, offset: Int64)? {
    let parts = String(decoding: text, as: UTF8.self).split(separator: "/")
    guard parts.count == 3, let partition = Int32(parts[1]), let offset = Int64(parts[2]) else { return nil }
    return (String(parts[0]), partition, offset)
  }

  // MARK: Sending

  private func send(
    _ message: KafkaMessage, to topic: KafkaTopic, partition: Int32, _ producer: KafkaProducer
  ) throws {
    let place = Array("\(from)/\(message.partition)/\(message.offset)".utf8)
    let deadline = Date().addingTimeInterval(Double(Self.acknowledgeMaxMs) / 1000)
    while true {
      do throws(KafkaError) {
        try place.withUnsafeBufferPointer { bytes throws(KafkaError) in
          try producer.produce(
            copyOf: message, to: topic, partition: partition, adding: Self.header,
            UnsafeRawBufferPointer(bytes))
        }
        if producer.outstanding & 0xff == 0 { try check(producer) }
        return
      } catch {
        guard error.kind == .queueFull else {
          throw Failure(
            "topic \(to): the record at \(message.partition)/\(message.offset) of \(from): \(error)"
              + (error.kind == .tooLarge
                ? "; see message.max.bytes (-X) and the topic's max.message.bytes" : ""),
            reason: error.kind == .tooLarge ? .recordTooLarge : .kafkaRefused)
        }
        guard Date() < deadline else { throw noAnswer }
        producer.poll(timeoutMs: 20)
      }
    }
  }

  /// Takes acknowledgements; throws when a record was refused: those behind it must not follow.
  private func check(_ producer: KafkaProducer) throws(KafkaError) {
    producer.poll(timeoutMs: 0)
    if let error = producer.takeDeliveryError() { throw error }
  }

  private func flush(_ producer: KafkaProducer) throws {
    let deadline = Date().addingTimeInterval(Double(Self.acknowledgeMaxMs) / 1000)
    while !producer.flush(timeoutMs: Self.pollTimeoutMs) {
      if let error = producer.takeError(), error.isFatal {
        throw Failure("topic \(to): \(error)", reason: .kafkaUnavailable)
      }
      guard Date() < deadline else { throw noAnswer }
    }
    if let error = producer.takeDeliveryError() {
      throw Failure("topic \(to): \(error)", reason: .kafkaUnavailable)
    }
  }

  private var noAnswer: Failure {
    Failure(
      "topic \(to): no acknowledgement within \(Self.acknowledgeMaxMs / 1000) s; are the brokers up? Started again, the copy "
        + "goes on where it stood", reason: .kafkaUnavailable)
  }

  private func configuration(of topic: String) -> KafkaSourceConfiguration {
    var own = settings
    own.topic = topic
    return own.sourceConfiguration(group: "tally-copy")
  }
}
