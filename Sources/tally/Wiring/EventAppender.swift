import Dataflow
import Operations
import Configuration
import Foundation
import Kafka

/// Appends records to the topic that the pipeline reads: ticks, erasures, dead letters once more.
final class EventAppender: EventAppending {
  private let producer: KafkaProducer
  private let topic: KafkaTopic
  private let name: String

  /// Longest wait for the brokers' acknowledgements, milliseconds.
  private static let acknowledgeMaxMs = 30_000

  /// Connects a producer (idempotent, acknowledged by all replicas). Throws `Failure`.
  init(_ settings: Settings) throws {
    name = settings.topic
    do {
      producer = try KafkaProducer(
        settings.kafkaConfiguration(), partitioner: settings.librdkafkaPartitioner)
      topic = try producer.topic(settings.topic)
    } catch { throw Failure("kafka \(settings.brokers): \(error)", reason: .kafkaUnavailable) }
  }

  /// Queues a record where its key belongs; on `partition`, where one is given (not -1) or there is no key. Headers' values are text. Throws `RecordTooLarge`,
  /// then nothing is queued, and `Failure`.
  func append(
    key: [UInt8]?, value: [UInt8]?, headers: [(name: StaticString, value: String)], partition: Int32
  ) throws {
    try Self.withBytes(key) { key in
      try Self.withBytes(value) { value in
        try withHeaders(headers[...], []) { headers in
          try queue(partition: partition, key: key, value: value, headers: headers)
        }
      }
    }
  }

  /// Waits until all records are acknowledged. Throws `Failure` when one was refused or the brokers do not answer.
  func flush() throws {
    let deadline = Date().addingTimeInterval(Double(Self.acknowledgeMaxMs) / 1000)
    while !producer.flush(timeoutMs: 500) {
      if let error = producer.takeError(), error.isFatal {
        throw Failure("topic \(name): \(error)", reason: .kafkaUnavailable)
      }
      guard Date() < deadline else { throw noAnswer }
    }
    if let error = producer.takeDeliveryError() {
      throw Failure("topic \(name): \(error)", reason: .kafkaUnavailable)
    }
  }

  private var noAnswer: Failure {
    Failure(
      "topic \(name): no acknowledgement within \(Self.acknowledgeMaxMs / 1000) s; are the brokers up?",
      reason: .kafkaUnavailable)
  }

  /// Closes; what is not acknowledged may be lost.
  func close() { producer.close() }

  private func queue(
    partition: Int32, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, headers: [KafkaHeader]
  ) throws {
    let deadline = Date().addingTimeInterval(Double(Self.acknowledgeMaxMs) / 1000)
    while true {
      do throws(KafkaError) {
        try headers.withUnsafeBufferPointer { headers throws(KafkaError) in
          try producer.produce(to: topic, key: key, value: value, headers: headers, partition: partition)
        }
        return
      } catch {
        if error.kind == .tooLarge {
          throw RecordTooLarge(
            description: "topic \(name): \(error); see message.max.bytes (-X) and the topic's")
        }
        guard error.kind == .queueFull else {
          throw Failure("topic \(name): \(error)", reason: .kafkaUnavailable)
        }
        guard Date() < deadline else { throw noAnswer }
        producer.poll(timeoutMs: 20)
      }
    }
  }

  private func withHeaders(
    _ rest: ArraySlice<(name: StaticString, value: String)>, _ done: [KafkaHeader],
    _ body: ([KafkaHeader]) throws -> Void
  ) throws {
    guard let first = rest.first else { return try body(done) }
    var text = first.value
    try text.withUTF8 { bytes in
      try withHeaders(
        rest.dropFirst(), done + [KafkaHeader(first.name, UnsafeRawBufferPointer(bytes))], body)
    }
  }

  /// nil is null, empty is empty.
  private static func withBytes(
    _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard let bytes else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    try (bytes.isEmpty ? [0] : bytes).withUnsafeBytes {
      try body(UnsafeRawBufferPointer(rebasing: $0[..<bytes.count]))
    }
  }
}
