public import Events

/// One scored event of a batch.
public struct ScoredRow {
  /// Position in `ScoredBatch.events`.
  public var event: Int32
  /// Position in `ScoredBatch.records`.
  public var record: Int32
  /// The entity's watermark after the event.
  public var asOf: EventTime
  /// Whether it goes to the topic (its offset is not below C).
  public var toTopic: Bool
  /// Whether it goes to the table (its offset is not below T).
  public var toTable: Bool

  /// Positions are those of the batch that the row is appended to.
  public init(event: Int32, record: Int32, asOf: EventTime, toTopic: Bool, toTable: Bool) {
    self.event = event
    self.record = record
    self.asOf = asOf
    self.toTopic = toTopic
    self.toTable = toTable
  }
}

/// One record that cannot be scored; its bytes are in `ScoredBatch.records`.
public struct DeadLetter {
  /// Position in `ScoredBatch.records`.
  public var record: Int32
  /// Why.
  public var reason: DeadLetterReason
  /// More, for readers; never contains data of the record's value.
  public var detail: String
  /// The entity id that the value names, which the key need not be; empty: none could be read.
  public var entityID: [UInt8]
  /// Whether it goes to the topic.
  public var toTopic: Bool
  /// Whether it goes to the table.
  public var toTable: Bool

  /// What the letter keeps of its record's value; `baseAddress == nil`: nothing.
  public func value(of record: RawRecord) -> UnsafeRawBufferPointer {
    reason.keepsValue ? record.value : UnsafeRawBufferPointer(start: nil, count: 0)
  }

  package init(
    record: Int32, reason: DeadLetterReason, detail: String, entityID: [UInt8] = [], toTopic: Bool,
    toTable: Bool
  ) {
    self.record = record
    self.reason = reason
    self.detail = detail
    self.entityID = entityID
    self.toTopic = toTopic
    self.toTable = toTable
  }
}

/// An erasure of the batch: rows and letters of its entity that lie before it in the log go from the table.
///
/// Those in the same batch have `toTable == false`; those that the table has are the sink's to delete, before it adds the
/// batch's.
public struct Erasure {
  /// Position in `ScoredBatch.events`: names the entity.
  public var event: Int32
  /// Whether it is to be done in the table.
  public var toTable: Bool

  package init(event: Int32, toTable: Bool) {
    self.event = event
    self.toTable = toTable
  }
}

/// What every score of a run has in common.
public struct ScoreContext: Sendable {
  /// Pipeline name.
  public var pipeline: String
  /// Topic that events are read from.
  public var topic: String
  /// Hash of the definition, 32 hex digits.
  public var definition: String
  /// Feature names, in column order.
  public var featureNames: [String]
  /// For each feature: the words for its codes; empty for numbers.
  public var featureLabels: [[String]]
  /// Output names, in column order: of the models, then of numbers that are made of them.
  public var outputNames: [String]
  /// Model of each output; empty: none.
  public var modelNames: [String]
  /// Version of each output's model.
  public var modelVersions: [String]
  /// Decision names (without clamps), in column order.
  public var decisionNames: [String]
  /// For each decision: labels by code; empty: a trigger, whose code is 0 or 1.
  public var decisionLabels: [[String]]
  /// Columns of the features that the table carries.
  public var tableFeatures: [Int]
  /// Views that the table's database has.
  public var views: [TableView]
  /// Values that a row carries to its decisions.
  public var carriedCount: Int
  /// Whether there are states, so that all records of an entity lie on one partition.
  public var keepsState: Bool

  /// A context with every field given.
  public init(
    pipeline: String, topic: String, definition: String, featureNames: [String], featureLabels: [[String]],
    outputNames: [String], modelNames: [String], modelVersions: [String], decisionNames: [String],
    decisionLabels: [[String]], tableFeatures: [Int], views: [TableView] = [], carriedCount: Int = 0,
    keepsState: Bool = true
  ) {
    self.pipeline = pipeline
    self.topic = topic
    self.definition = definition
    self.featureNames = featureNames
    self.featureLabels = featureLabels
    self.outputNames = outputNames
    self.modelNames = modelNames
    self.modelVersions = modelVersions
    self.decisionNames = decisionNames
    self.decisionLabels = decisionLabels
    self.tableFeatures = tableFeatures
    self.views = views
    self.carriedCount = carriedCount
    self.keepsState = keepsState
  }
}

/// A batch on its way from the source to the sinks. Reused; one thread.
public final class ScoredBatch {
  /// What all rows share.
  public private(set) var context: ScoreContext
  /// Records as they came.
  public let records: RecordBatch
  /// Decoded events.
  public let events: EventBatch
  /// Scored events in the order of the log; row `i` has features, outputs and decisions in row `i` of the matrices.
  public var rows: [ScoredRow] = []
  /// Feature rows.
  public let features: FloatMatrix
  /// What rows carry to their decisions.
  public let carried: RowMatrix<Double>
  /// Outputs after clamping.
  public let outputs: FloatMatrix
  /// Decision codes, row by row; `context.decisionNames.count` columns.
  public var decisions: [Int32] = []
  /// Records that cannot be scored.
  public var deadLetters: [DeadLetter] = []
  /// Erasures in the order of the log.
  public var erasures: [Erasure] = []
  /// Wall-clock time of scoring, microseconds UTC: for headers and columns outside every digest.
  public var scoredAtMicros: Int64 = 0

  /// An empty batch with room for `capacityRows`.
  public init(context: ScoreContext, events: EventBatch, capacityRows: Int) {
    self.context = context
    self.events = events
    records = RecordBatch()
    features = FloatMatrix(columns: context.featureNames.count, capacityRows: capacityRows)
    carried = RowMatrix(columns: context.carriedCount, capacityRows: capacityRows)
    outputs = FloatMatrix(columns: context.outputNames.count, capacityRows: capacityRows)
    rows.reserveCapacity(capacityRows)
  }

  /// Says which models' versions score the rows that come: those of the outputs of models, in column order.
  public func use(modelVersions versions: [String]) {
    // Numbers that are made of outputs are of no model.
    let all = versions + repeatElement("", count: max(0, context.outputNames.count - versions.count))
    if all != context.modelVersions { context.modelVersions = all }
  }

  /// Forgets rows and letters; records and events are their owners' to empty.
  public func removeAll() {
    rows.removeAll(keepingCapacity: true)
    decisions.removeAll(keepingCapacity: true)
    deadLetters.removeAll(keepingCapacity: true)
    erasures.removeAll(keepingCapacity: true)
    features.removeAll()
    carried.removeAll()
    outputs.removeAll()
  }
}
