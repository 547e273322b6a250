import Dataflow
import Events

/// Where a record stands in the log.
struct LogPlace: Hashable, Comparable {
  var partition: Int32
  var offset: Int64

  static func < (a: LogPlace, b: LogPlace) -> Bool {
    (a.partition, a.offset) < (b.partition, b.offset)
  }
}

/// What was said of a record: a score with all its bits, or why there is none.
enum Outcome: Equatable {
  /// As-of time, features, outputs, decisions, and the set of models that made them.
  case score([UInt32])
  case letter(DeadLetterReason)

  init(_ batch: ScoredBatch, row: Int) {
    let asOf = UInt64(bitPattern: batch.rows[row].asOf)
    var bits: [UInt32] = [UInt32(truncatingIfNeeded: asOf), UInt32(truncatingIfNeeded: asOf >> 32)]
    bits.reserveCapacity(16)
    let features = batch.features.row(row)
    for column in 0..<batch.features.columns { bits.append(features[column].bitPattern) }
    let outputs = batch.outputs.row(row)
    for column in 0..<batch.outputs.columns { bits.append(outputs[column].bitPattern) }
    let decisions = batch.context.decisionNames.count
    for column in 0..<decisions { bits.append(UInt32(bitPattern: batch.decisions[row * decisions + column])) }
    for version in batch.context.modelVersions { bits.append(UInt32(version.prefix(8), radix: 16) ?? .max) }
    self = .score(bits)
  }
}

/// A message of the topic of scores.
struct Message {
  var place: LogPlace
  var outcome: Outcome
  /// Who wrote it.
  var life: Int

  /// The messages of a batch.
  static func of(_ batch: ScoredBatch, life: Int) -> [Message] {
    var messages: [Message] = []
    messages.reserveCapacity(batch.rows.count + batch.deadLetters.count)
    for index in batch.rows.indices where batch.rows[index].toTopic {
      let record = batch.records[batch.rows[index].record]
      messages.append(
        Message(
          place: LogPlace(partition: record.partition, offset: record.offset),
          outcome: Outcome(batch, row: index), life: life))
    }
    for letter in batch.deadLetters where letter.toTopic {
      let record = batch.records[letter.record]
      messages.append(
        Message(
          place: LogPlace(partition: record.partition, offset: record.offset),
          outcome: .letter(letter.reason), life: life))
    }
    return messages
  }
}

/// The topic of scores as readers of committed messages see it.
final class OutputTopic {
  /// Written outside of transactions.
  private(set) var plain: [Message] = []
  /// Written by transactions that were committed.
  private(set) var committed: [Message] = []

  func append(_ messages: some Sequence<Message>) { plain.append(contentsOf: messages) }
  func commit(_ messages: [Message]) { committed.append(contentsOf: messages) }
}

/// The topic without transactions: messages are visible as soon as a broker has them, acknowledged or not.
final class SimulatedTopic: TopicSink {
  private let life: Life
  private var queued: [Message] = []
  private var sends = 0

  init(_ life: Life) { self.life = life }

  func send(_ batch: ScoredBatch) throws {
    try life.read("send", of: .broker) {}
    queued.append(contentsOf: Message.of(batch, life: life.number))
    sends += 1
    if life.world.plan.neighbourBugs.has(.commitBeforeSinks) { try commitEarly(batch) }
    // Some are under way before anybody waits for them.
    var draw = life.world.draw(for: life, -sends)
    deliver(draw.below(queued.count + 1))
  }

  /// The planted bug: C moves before anybody has the batch.
  private func commitEarly(_ batch: ScoredBatch) throws {
    var next: [Int32: Int64] = [:]
    for record in batch.records.records { next[record.partition] = record.offset + 1 }
    let marks = next.map { OffsetMark(partition: $0.key, offset: $0.value, firstOffset: 0) }
    let (group, id, generation) = (life.world.group, life.member.id, life.member.generation)
    _ = try life.change("commit", of: .broker) { group.commit(marks, id: id, generation: generation) }
  }

  private func deliver(_ count: Int) {
    life.world.topic.append(queued.prefix(count))
    queued.removeFirst(count)
  }

  func flush(timeoutMs: Int) throws -> Bool {
    let (topic, messages) = (life.world.topic, queued)
    do {
      try life.change("flush", of: .broker, "\(messages.count) messages") { topic.append(messages) }
    } catch is PortError {
      // The producer tries again by itself, and brokers drop what they have: at worst it comes later.
      try life.listen(Int64(timeoutMs) * 1000)
      return false
    }
    queued.removeAll(keepingCapacity: true)
    return true
  }

  func close() {}
}
