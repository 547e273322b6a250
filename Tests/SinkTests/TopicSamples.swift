import CEvents
import Dataflow
import Events
import Synchronization

/// A scored batch for encoders and topic sinks, with values that can be told apart.
enum TopicSamples {
  static func context(models: [String] = ["v1", "v2"]) -> ScoreContext {
    ScoreContext(
      pipeline: "engagement", topic: "events", definition: String(repeating: "0123456789abcdef", count: 2),
      featureNames: ["f"], featureLabels: [[]], outputNames: ["engagement_score", "churn \"risk\""],
      modelNames: ["engagement", "churn"], modelVersions: models, decisionNames: ["category", "intervene"],
      decisionLabels: [["low", "medium", "hi\"gh"], []], tableFeatures: [])
  }

  /// `count` rows; row i: entity "ci", event "ei", outputs i/8 and 0 - i/3; the last row's are not finite.
  static func batch(rows count: Int, context: ScoreContext = context()) -> ScoredBatch {
    let batch = ScoredBatch(context: context, events: EventBatch(symbols: SymbolTable()), capacityRows: count)
    batch.scoredAtMicros = 1_767_225_600_123_456
    for index in 0..<count {
      batch.events.begin()
      let eventID = append("e\(index)\n\"é", batch)
      let entityID = append("c\(index)", batch)
      batch.events.commit(
        kind: .engagement, type: 0, eventID: eventID, entityID: entityID, source: .empty,
        time: 1_767_225_600_000_000 + Int64(index))
      batch.records.records.append(record(offset: Int64(index) * 1000, key: nil, value: nil))
      batch.rows.append(
        ScoredRow(
          event: Int32(index), record: Int32(index), asOf: 1_767_225_600_000_000 + Int64(index) * 7,
          toTopic: true,
          toTable: true))
      _ = batch.features.appendRow()
      let outputs = batch.outputs.appendRow()
      let isLast = index == count - 1
      // Never -0, which protobuf-c leaves out and we keep.
      let values = [isLast ? .nan : Float(index) / 8, isLast ? .infinity : 0 - Float(index) / 3]
      for column in context.outputNames.indices { outputs[column] = values[column] }
      let codes = [Int32(index % 3), Int32(index % 2)]
      batch.decisions += codes.prefix(context.decisionNames.count)
    }
    return batch
  }

  private static func append(_ text: String, _ batch: ScoredBatch) -> ByteSlice {
    var text = text
    return text.withUTF8 { batch.events.append(UnsafeRawBufferPointer($0)) }
  }

  /// Addresses of what lives forever: what is known is no leak.
  private static let kept = Mutex<[UInt]>([])

  /// A record whose key and value live forever.
  static func record(offset: Int64, key: [UInt8]?, value: [UInt8]?, partition: Int32 = 3) -> RawRecord {
    func immortal(_ bytes: [UInt8]?) -> UnsafeRawBufferPointer {
      guard let bytes else { return UnsafeRawBufferPointer(start: nil, count: 0) }
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
      copy.copyBytes(from: bytes)
      kept.withLock { $0.append(UInt(bitPattern: copy.baseAddress)) }
      return UnsafeRawBufferPointer(rebasing: copy[..<bytes.count])
    }
    return RawRecord(
      partition: partition, offset: offset, ingestTimeMs: 1_767_225_600_001, key: immortal(key),
      value: immortal(value), contentType: .unspecified)
  }

  /// Adds a dead letter about a record with this key and value.
  static func addLetter(
    _ reason: DeadLetterReason, key: [UInt8]?, value: [UInt8]?, to batch: ScoredBatch, toTopic: Bool = true
  ) {
    batch.records.records.append(record(offset: 77, key: key, value: value))
    batch.deadLetters.append(
      DeadLetter(
        record: Int32(batch.records.records.count - 1), reason: reason, detail: "a detail", toTopic: toTopic,
        toTable: true))
  }

  /// The C string that protobuf-c has.
  static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }
}

/// A score as protobuf-c reads it, in Swift's values.
struct ReadScore: Equatable {
  var pipeline = ""
  var entityID = ""
  var eventID = ""
  var time: Int64 = 0
  var asOf: Int64 = 0
  var topic = ""
  var partition: Int32 = 0
  var offset: Int64 = 0
  var definition = ""
  var names: [String] = []
  var values: [Float] = []
  var models: [String] = []
  var decisions: [String] = []
  /// The same message packed again by protobuf-c.
  var packed: [UInt8] = []

  /// Unpacks with protobuf-c; nil: malformed.
  init?(_ bytes: [UInt8]) {
    guard let score = tally__score__unpack(nil, bytes.count, bytes) else { return nil }
    defer { tally__score__free_unpacked(score, nil) }
    let value = score.pointee
    pipeline = TopicSamples.text(value.pipeline)
    entityID = TopicSamples.text(value.entity_id)
    eventID = TopicSamples.text(value.event_id)
    (time, asOf) = (value.event_time_us, value.as_of_us)
    topic = TopicSamples.text(value.topic)
    (partition, offset) = (value.partition, value.offset)
    definition = TopicSamples.text(value.definition)
    for index in 0..<value.n_outputs {
      guard let output = value.outputs[index] else { return nil }
      names.append(TopicSamples.text(output.pointee.name))
      values.append(output.pointee.value)
      models.append(
        TopicSamples.text(output.pointee.model) + "@" + TopicSamples.text(output.pointee.model_version))
    }
    for index in 0..<value.n_decisions {
      guard let decision = value.decisions[index] else { return nil }
      let name = TopicSamples.text(decision.pointee.name)
      switch decision.pointee.value_case {
      case TALLY__DECISION__VALUE_LABEL:
        decisions.append("\(name)=\(TopicSamples.text(decision.pointee.label))")
      case TALLY__DECISION__VALUE_TRIGGERED: decisions.append("\(name)=\(decision.pointee.triggered != 0)")
      default: decisions.append("\(name)?")
      }
    }
    packed = [UInt8](repeating: 0, count: tally__score__get_packed_size(score))
    _ = tally__score__pack(score, &packed)
  }
}
