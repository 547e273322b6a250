import CEvents
import Dataflow
import Events
import Glibc

/// A score message of protobuf-c that is filled again and again; what all messages of a run share is set once.
final class PackedScore {
  /// Of a message; larger than any here.
  static let bytesMax = 4096
  private static let idBytesMax = 256

  private let score = UnsafeMutablePointer<Tally__Score>.allocate(capacity: 1)
  private let outputs: UnsafeMutablePointer<Tally__Output>
  private let decisions: UnsafeMutablePointer<Tally__Decision>
  private let labels: [[UnsafeMutablePointer<CChar>]]
  private let entityID = UnsafeMutablePointer<CChar>.allocate(capacity: idBytesMax + 1)
  private let eventID = UnsafeMutablePointer<CChar>.allocate(capacity: idBytesMax + 1)
  private let buffer: UnsafeMutablePointer<UInt8>

  /// Messages go to `buffer`, of `bytesMax`. Lives as long as the program: nothing is given back.
  init(_ context: ScoreContext, buffer: UnsafeMutablePointer<UInt8>) {
    self.buffer = buffer
    outputs = .allocate(capacity: context.outputNames.count)
    decisions = .allocate(capacity: context.decisionNames.count)
    let outputList = UnsafeMutablePointer<UnsafeMutablePointer<Tally__Output>?>.allocate(
      capacity: context.outputNames.count)
    let decisionList = UnsafeMutablePointer<UnsafeMutablePointer<Tally__Decision>?>.allocate(
      capacity: context.decisionNames.count)
    for index in context.outputNames.indices {
      tally__output__init(outputs + index)
      outputs[index].name = strdup(context.outputNames[index])
      outputs[index].model = strdup(context.modelNames[index])
      outputs[index].model_version = strdup(context.modelVersions[index])
      outputList[index] = outputs + index
    }
    for index in context.decisionNames.indices {
      tally__decision__init(decisions + index)
      decisions[index].name = strdup(context.decisionNames[index])
      decisionList[index] = decisions + index
    }
    labels = context.decisionLabels.map { $0.map { strdup($0) } }
    tally__score__init(score)
    score.pointee.pipeline = strdup(context.pipeline)
    score.pointee.topic = strdup(context.topic)
    score.pointee.definition = strdup(context.definition)
    (score.pointee.entity_id, score.pointee.event_id) = (entityID, eventID)
    (score.pointee.n_outputs, score.pointee.outputs) = (context.outputNames.count, outputList)
    (score.pointee.n_decisions, score.pointee.decisions) = (context.decisionNames.count, decisionList)
  }

  /// Takes a row's values. Ids are copied, as protobuf-c wants a zero byte behind them.
  func fill(_ index: Int, of batch: ScoredBatch) {
    let row = batch.rows[index]
    let record = batch.records[row.record]
    let event = batch.events.events[Int(row.event)]
    batch.events.withBytes(of: event.entityID) { Self.copy($0, to: entityID) }
    batch.events.withBytes(of: event.eventID) { Self.copy($0, to: eventID) }
    score.pointee.event_time_us = event.time
    score.pointee.as_of_us = row.asOf
    score.pointee.partition = record.partition
    score.pointee.offset = record.offset
    let values = batch.outputs.row(index)
    for column in 0..<score.pointee.n_outputs { outputs[column].value = values[column] }
    for column in labels.indices {
      let code = Int(batch.decisions[index * labels.count + column])
      if labels[column].isEmpty {
        decisions[column].value_case = TALLY__DECISION__VALUE_TRIGGERED
        decisions[column].triggered = code == 0 ? 0 : 1
      } else {
        decisions[column].value_case = TALLY__DECISION__VALUE_LABEL
        decisions[column].label = labels[column][code]
      }
    }
  }

  private static func copy(_ bytes: UnsafeRawBufferPointer, to text: UnsafeMutablePointer<CChar>) {
    precondition(bytes.count <= idBytesMax)
    if let base = bytes.baseAddress { memcpy(text, base, bytes.count) }
    text[bytes.count] = 0
  }

  /// Bytes of the message.
  var size: Int { tally__score__get_packed_size(score) }

  /// Writes the message over the one before; returns its bytes.
  func pack() -> Int { tally__score__pack(score, buffer) }

  /// The message.
  var packed: [UInt8] { Array(UnsafeBufferPointer(start: buffer, count: pack())) }
}
