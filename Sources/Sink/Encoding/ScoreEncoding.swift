public import Dataflow
import Events

/// Writes scores and dead letters as proto/scores.proto has them into one reused buffer. Row code; one thread.
///
/// What all messages of a run share is written once, when the encoder is made.
public final class ScoreEncoder {
  /// What was written last.
  public internal(set) var bytes: [UInt8] = []
  /// How values are written.
  public let encoding: TopicEncoding
  let pipeline: String
  let topic: String
  let definition: String
  let modelVersions: [String]
  let outputCount: Int
  var pieces = EncodingPieces()
  /// Pieces of a score in the order in which they are written: beginning, between, before the outputs, end.
  var frame: [Int] = []
  /// For each output: what stands before and behind its value.
  var outputs: [(head: Int, tail: Int)] = []
  /// For each decision: the piece of code 0, and the number of codes; pieces of later codes follow.
  var decisions: [(first: Int, count: Int)] = []

  /// An encoder for all batches with this context.
  public init(_ context: ScoreContext, encoding: TopicEncoding) {
    self.encoding = encoding
    pipeline = context.pipeline
    topic = context.topic
    definition = context.definition
    modelVersions = context.modelVersions
    outputCount = context.outputNames.count
    bytes.reserveCapacity(1 << 12)
    switch encoding {
    case .json: prepareJSON(context)
    case .protobuf: prepareProtobuf(context)
    }
  }

  /// Whether this encoder fits a batch's context: another model set needs another encoder.
  public func fits(_ context: ScoreContext) -> Bool {
    modelVersions == context.modelVersions && definition.utf8.elementsEqual(context.definition.utf8)
  }

  /// Writes the score of row `index` of the batch to `bytes`.
  public func encodeScore(_ index: Int, of batch: ScoredBatch) {
    let row = batch.rows[index]
    let record = batch.records[row.record]
    let event = batch.events.events[Int(row.event)]
    switch encoding {
    case .json: encodeJSON(row, index, record, event, batch)
    case .protobuf: encodeProtobuf(row, index, record, event, batch)
    }
  }

  /// The piece that says the row's decision; nil: a code without a meaning.
  func decisionPiece(_ column: Int, _ row: Int, _ batch: ScoredBatch) -> Int? {
    let code = Int(batch.decisions[row * decisions.count + column])
    return code >= 0 && code < decisions[column].count ? decisions[column].first + code : nil
  }
}

extension ScoreEncoder {
  /// More than any score of this context takes, key included, in bytes: names and words as if all of their bytes were escaped, the
  /// longest ids.
  static func scoreBytesMax(_ context: ScoreContext) -> Int {
    func text(_ text: String) -> Int { 6 * text.utf8.count + 16 }
    let number = 32
    var total = 2048 + 14 * DecodedIDs.bytesMax
    for name in [context.pipeline, context.topic, context.definition] + context.modelNames
      + context.modelVersions
    {
      total += text(name)
    }
    for name in context.outputNames { total += text(name) + number }
    for (name, labels) in zip(context.decisionNames, context.decisionLabels) {
      total += text(name) + (labels.map(text).max() ?? number)
    }
    return total
  }

  /// What decoders let through.
  private enum DecodedIDs { static let bytesMax = 256 }
}
