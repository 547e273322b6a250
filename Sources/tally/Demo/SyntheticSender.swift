import Configuration
import Dataflow
import Foundation
import Kafka
import Synchronization
import Synthetic

/// Produces synthetic records to a topic; waits when the queue is full.
final class SyntheticSender {
  private let producer: KafkaProducer
  private let topic: KafkaTopic
  private let topicName: String
  private let homes: KeyHomes

  /// A sender; the topic is made by the broker when it allows that. Throws `Failure`.
  init(_ configuration: KafkaConfiguration, topic name: String, partitioner: Partitioner = .murmur2) throws {
    let admin = try KafkaAdmin(configuration)
    defer { admin.close() }
    let count = try admin.metadata(topic: name, timeoutMs: 10_000)?.partitionCount ?? 1
    homes = KeyHomes(partitioner, partitionCount: count)
    producer = try KafkaProducer(configuration, partitioner: partitioner.librdkafkaName)
    topic = try producer.topic(name)
    topicName = name
  }

  /// Queues one record.
  func send(_ record: SyntheticRecord) throws {
    let contentType: StaticString =
      switch record.contentType {
      case .json: "application/json"
      case .protobuf: "application/x-protobuf"
      default: "text/plain"
      }
    let type = UnsafeRawBufferPointer(start: contentType.utf8Start, count: contentType.utf8CodeUnitCount)
    let isPlain = record.contentType == .unspecified
    try Self.withBytes(record.key) { key in
      try Self.withBytes(record.value) { value in
        try withUnsafePointer(to: KafkaHeader("content-type", type)) { header in
          let headers = UnsafeBufferPointer(start: header, count: isPlain ? 0 : 1)
          try queue(
            key: key, value: value, headers: headers, partition: record.isMisplaced ? misplaced(key) : -1)
        }
      }
    }
  }

  private func queue(
    key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, headers: UnsafeBufferPointer<KafkaHeader>,
    partition: Int32
  ) throws {
    while true {
      do throws(KafkaError) {
        try producer.produce(to: topic, key: key, value: value, headers: headers, partition: partition)
        if producer.outstanding & 0xff == 0 { producer.poll(timeoutMs: 0) }
        return
      } catch {
        guard error.kind == .queueFull else {
          throw Failure("topic \(topicName): \(error)", reason: .kafkaUnavailable)
        }
        producer.poll(timeoutMs: 20)
      }
    }
  }

  /// Any partition but the one that the key belongs to.
  private func misplaced(_ key: UnsafeRawBufferPointer) -> Int32 {
    (homes.home(of: key) + 1) % homes.partitionCount
  }

  /// Takes acknowledgements for a while.
  func poll(milliseconds: Int) { producer.poll(timeoutMs: milliseconds) }

  /// Waits until everything is acknowledged. Throws `Failure` when a record was refused.
  func flush() throws {
    while !producer.flush(timeoutMs: 1000) {
      if let error = producer.takeError(), error.isFatal {
        throw Failure("topic \(topicName): \(error)", reason: .kafkaUnavailable)
      }
    }
    if let error = producer.takeDeliveryError() {
      throw Failure("topic \(topicName): \(error)", reason: .kafkaUnavailable)
    }
  }

  func close() { producer.close() }

  private static func withBytes(
    _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) rethrows {
    guard let bytes else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    try bytes.withUnsafeBytes { raw in
      // An empty array has no address, but an empty value is not a null value.
      if raw.baseAddress != nil { return try body(raw) }
      try withUnsafeBytes(of: UInt8(0)) { try body(UnsafeRawBufferPointer(rebasing: $0[..<0])) }
    }
  }
}

/// A flag that a signal sets.
final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  func set() { flag.store(true, ordering: .relaxed) }
  var isSet: Bool { flag.load(ordering: .relaxed) }
}

/// Keeps to a rate by waiting.
struct Pace {
  private let nanosPerEvent: Double
  private let clock = SystemClock()
  private let start: UInt64
  private var count = 0.0

  /// `eventsPerSecond` 0: no waiting.
  init(eventsPerSecond: Double) {
    nanosPerEvent = eventsPerSecond > 0 ? 1e9 / eventsPerSecond : 0
    start = clock.monotonicNanos()
  }

  /// Waits until the next event is due; `doing` is given the milliseconds to fill.
  mutating func wait(_ doing: (Int) -> Void) {
    guard nanosPerEvent > 0 else { return }
    count += 1
    let due = start &+ UInt64(count * nanosPerEvent)
    while true {
      let now = clock.monotonicNanos()
      guard now < due else { return }
      doing(0)
      let left = Int((due - now) / 1_000_000)
      if left > 0 { clock.sleep(milliseconds: min(left, 10)) } else { usleep(100) }
    }
  }
}
