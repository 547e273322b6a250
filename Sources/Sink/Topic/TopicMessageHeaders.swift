import Dataflow
import Events
import Kafka

/// Headers of the messages under way, in memory of their own; numbers are written as decimal digits. Row code.
final class TopicMessageHeaders {
  private let list: UnsafeMutablePointer<KafkaHeader>
  private let digits: UnsafeMutableRawPointer
  private let topic: UnsafeMutableRawBufferPointer
  private var reasons = EncodingPieces()
  private let reason: UnsafeMutableRawPointer

  private enum Slot: Int { case contentType, scoredAt, reason, topic, partition, offset, valueBytes }
  private static let count = 7
  private static let scoreCount = 2
  private static let digitsMax = 20
  private static let reasonBytesMax = 32

  init(contentType: StaticString, topic name: String) {
    list = .allocate(capacity: Self.count)
    digits = .allocate(byteCount: Self.count * Self.digitsMax, alignment: 1)
    reason = .allocate(byteCount: Self.reasonBytesMax, alignment: 1)
    topic = .allocate(byteCount: max(name.utf8.count, 1), alignment: 1)
    topic.copyBytes(from: name.utf8)
    for reason in DeadLetterReason.allCases { _ = reasons.add(Array(reason.rawValue.utf8)) }
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    let names: [StaticString] = [
      "content-type", "scored-at-us", "reason", "source-topic", "source-partition", "source-offset",
      "value-bytes",
    ]
    for (index, name) in names.enumerated() { (list + index).initialize(to: KafkaHeader(name, none)) }
    list[Slot.contentType.rawValue].value = UnsafeRawBufferPointer(
      start: contentType.utf8Start, count: contentType.utf8CodeUnitCount)
    list[Slot.topic.rawValue].value = UnsafeRawBufferPointer(rebasing: topic[..<name.utf8.count])
  }

  deinit {
    list.deinitialize(count: Self.count)
    list.deallocate()
    digits.deallocate()
    reason.deallocate()
    topic.deallocate()
  }

  /// Headers of a score.
  var score: UnsafeBufferPointer<KafkaHeader> { UnsafeBufferPointer(start: list, count: Self.scoreCount) }

  /// Headers of a dead letter.
  var deadLetter: UnsafeBufferPointer<KafkaHeader> { UnsafeBufferPointer(start: list, count: Self.count) }

  /// The moment of scoring, microseconds UTC.
  func setScoredAt(_ micros: Int64) { set(.scoredAt, micros) }

  /// What the letter is about.
  func setRecord(_ record: RawRecord, reason why: DeadLetterReason) {
    set(.partition, Int64(record.partition))
    set(.offset, record.offset)
    set(.valueBytes, Int64(record.value.count))
    list[Slot.reason.rawValue].value = reasons.withBytes(why.index) { bytes in
      let count = min(bytes.count, Self.reasonBytesMax)
      reason.copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(reason), byteCount: count)
      return UnsafeRawBufferPointer(start: reason, count: count)
    }
  }

  private func set(_ place: Slot, _ value: Int64) {
    let field = digits + place.rawValue * Self.digitsMax
    var at = Self.digitsMax
    var rest = value.magnitude
    repeat {
      at -= 1
      field.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: at, as: UInt8.self)
      rest /= 10
    } while rest > 0
    if value < 0 {
      at -= 1
      field.storeBytes(of: UInt8(ascii: "-"), toByteOffset: at, as: UInt8.self)
    }
    list[place.rawValue].value = UnsafeRawBufferPointer(start: field + at, count: Self.digitsMax - at)
  }
}
