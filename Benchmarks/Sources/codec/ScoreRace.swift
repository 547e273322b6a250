import CEvents
import Dataflow
import Events
import Sink

/// Who writes scores faster; both get a batch as the worker has it after deciding.
final class ScoreRace {
  private let batch: ScoredBatch
  private let encoder: ScoreEncoder
  private let reused: PackedScore
  /// One message for each row, filled beforehand.
  private let filled: [PackedScore]
  /// Of a message.
  private(set) var bytesMean = 0

  /// Three models and two decisions, as `pipelines/engagement.yaml` has them.
  private static let context = ScoreContext(
    pipeline: "engagement", topic: "events", definition: String(repeating: "a3cc70ef", count: 4),
    featureNames: ["f"],
    featureLabels: [[]], outputNames: ["engagement", "churn", "lifetime_value"],
    modelNames: ["engagement", "churn", "lifetime_value"],
    modelVersions: ["122ad3b9e48cd833", "3d97d0a0968da9ae", "2b21f30059f20d2d"],
    decisionNames: ["engagement_category", "intervene"], decisionLabels: [["high", "medium", "low"], []],
    tableFeatures: [])

  init(_ events: [SampleEvent]) {
    let context = Self.context
    let batch = ScoredBatch(
      context: context, events: EventBatch(symbols: SymbolTable()), capacityRows: events.count)
    for (index, event) in events.enumerated() {
      batch.events.begin()
      let eventID = Self.append(event.eventID, batch)
      let entityID = Self.append(event.entityID, batch)
      batch.events.commit(
        kind: .engagement, type: 0, eventID: eventID, entityID: entityID, source: .empty, time: event.time)
      let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      batch.records.records.append(
        RawRecord(
          partition: 3, offset: 1_000_000 + Int64(index), ingestTimeMs: event.time / 1000, key: nothing,
          value: nothing,
          contentType: .protobuf))
      batch.rows.append(
        ScoredRow(event: Int32(index), record: Int32(index), asOf: event.time, toTopic: true, toTable: true))
      _ = batch.features.appendRow()
      let outputs = batch.outputs.appendRow()
      for column in context.outputNames.indices {
        outputs[column] = Float(index % 997 + 1) / Float(column + 1000)
      }
      batch.decisions += [Int32(index % 3), Int32(index % 2)]
    }
    self.batch = batch
    encoder = ScoreEncoder(context, encoding: .protobuf)
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: PackedScore.bytesMax)
    reused = PackedScore(context, buffer: buffer)
    filled = events.indices.map { row in
      let score = PackedScore(context, buffer: buffer)
      score.fill(row, of: batch)
      return score
    }
  }

  private static func append(_ text: String, _ batch: ScoredBatch) -> ByteSlice {
    var text = text
    return text.withUTF8 { batch.events.append(UnsafeRawBufferPointer($0)) }
  }

  /// Every byte is the same.
  func check() throws {
    var total = 0
    for row in batch.rows.indices {
      encoder.encodeScore(row, of: batch)
      reused.fill(row, of: batch)
      total += encoder.bytes.count
      guard reused.packed == encoder.bytes, filled[row].packed == encoder.bytes else {
        throw Difference(description: "codec: score \(row) is written differently")
      }
    }
    bytesMean = total / batch.rows.count
  }

  var contestants: [Contestant] {
    [
      Contestant(name: "Tally, from the batch") { [batch, encoder] in
        var total = 0
        for row in 0..<batch.rows.count {
          encoder.encodeScore(row, of: batch)
          total += encoder.bytes.count
        }
        return total
      },
      Contestant(name: "protobuf-c, from the batch") { [batch, reused] in
        var total = 0
        for row in 0..<batch.rows.count {
          reused.fill(row, of: batch)
          precondition(reused.size <= PackedScore.bytesMax)
          total += reused.pack()
        }
        return total
      },
      Contestant(name: "protobuf-c, packing alone") { [filled] in
        var total = 0
        for score in filled { total += score.pack() }
        return total
      },
    ]
  }
}
