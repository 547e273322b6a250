public import Dataflow

/// Where a pipeline without any position begins.
public enum StartAt: String, CaseIterable, Sendable {
  /// At the first record that the log still has.
  case earliest
  /// Behind the last record.
  case latest
}

/// What to do when the store does not know what was scored: a partition's record is gone, or older than the group's offset.
public enum OnLostState: String, CaseIterable, Sendable {
  /// Rebuild the states from the log, as far as they are missing; scores that were given are not given again.
  case rebuild
  /// Stop with an error.
  case refuse
}

/// Everything known of a partition when it is acquired.
public struct PartitionFacts: Sendable {
  /// Partition.
  public var partition: Int32
  /// The store's record; nil: none.
  public var record: PartitionRecord?
  /// C; nil: none.
  public var committed: CommittedOffset?
  /// The generation before, as it stood when this one took over from it; nil: there was none.
  public var before: FormerGeneration?
  /// T; nil: none or no table.
  public var table: Int64?
  /// What the table knows to be left out.
  public var tableLeftOut: LeftOutRanges
  /// The log's bounds.
  public var bounds: LogBounds
  /// The log's identity.
  public var log: LogIdentity
  /// Whether the record lies beside C, because no state is kept: then W is C.
  public var isRecordBesideOffset: Bool

  /// Facts.
  public init(
    partition: Int32, record: PartitionRecord?, committed: CommittedOffset?, before: FormerGeneration? = nil,
    table: Int64?, tableLeftOut: LeftOutRanges = LeftOutRanges(), bounds: LogBounds, log: LogIdentity,
    isRecordBesideOffset: Bool = false
  ) {
    self.partition = partition
    self.record = record
    self.committed = committed
    self.before = before
    self.table = table
    self.tableLeftOut = tableLeftOut
    self.bounds = bounds
    self.log = log
    self.isRecordBesideOffset = isRecordBesideOffset
  }

  /// `W 5, T 5, C none, log 0..<9`, for errors.
  var positions: String {
    func text(_ offset: Int64?) -> String { offset.map(String.init) ?? "none" }
    return "W \(text(record?.nextOffset)), T \(text(table)), C \(text(committed?.offset)), "
      + "log \(bounds.low)..<\(bounds.high)"
  }
}

/// What this program runs with.
public struct PipelineIdentity: Equatable, Sendable {
  /// Pipeline name.
  public var name: String
  /// Store generation.
  public var generation: UInt64
  /// Hash of what the state means, hex.
  public var stateHash: String
  /// Hash of the model set, hex.
  public var modelSet: String
  /// How the log's producers spread keys.
  public var partitioner: Partitioner

  package init(
    name: String, generation: UInt64, stateHash: String, modelSet: String, partitioner: Partitioner = .murmur2
  ) {
    self.name = name
    self.generation = generation
    self.stateHash = stateHash
    self.modelSet = modelSet
    self.partitioner = partitioner
  }
}

/// Where and how to go on with a partition.
public struct Acquisition: Equatable, Sendable {
  /// The record to go on from (W inside).
  public var record: PartitionRecord
  /// Whether the record must be put into the store before anything is read.
  public var isNew: Bool
  /// Whether C must be moved up to W before that.
  public var commitsFirst = false
  /// Emit to the topic from this offset on.
  public var topicFrom: Int64
  /// Emit to the table from this offset on.
  public var tableFrom: Int64
  /// Offset to read from: W, or W − 1 to compare that record with the fingerprint first.
  public var readFrom: Int64
}
