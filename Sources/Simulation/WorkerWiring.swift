public import Dataflow
import Events
public import Features

/// The neighbours of a simulated worker.
public struct SimulatedNeighbours {
  /// Where records come from.
  public let source: any RecordSource
  /// Makes events of records.
  public let decoder: any RecordDecoder
  /// Where states lie.
  public let store: any StateStore
  /// Makes outputs of feature rows.
  public let scorer: any RowScorer
  /// Makes decisions of outputs.
  public let decider: any Decider
  /// Where messages go; transactional when the life promises exactly once.
  public let topic: any TopicSink
  /// Where rows go.
  public let table: any TableSink
  /// Simulated time.
  public let clock: any Clock
  /// Whom to tell.
  public let recorder: any Recorder
}

/// What all workers of all runs have in common.
public struct SimulatedPipeline: Sendable {
  /// The features.
  public let program: FeatureProgram
  /// What scores have in common.
  public let context: ScoreContext
  /// Hash of the model set, as the partition record has it.
  public let modelSet = "1"
  /// The generation in which states begin.
  public let generation: UInt64 = 1

  /// Throws when the features cannot be compiled.
  public init() throws {
    let somewhere = SourcePosition(line: 1, column: 1)
    let amount = AttributeDeclaration(
      name: "amount", type: .number(decimals: 2, minimum: -1e6, maximum: 1e6), position: somewhere)
    let features = [
      ("n", "count(any)"), ("n1", "count(any, 1d)"), ("d", "decayed(any, 1d)"), ("h", "peak_hour(any, 7d)"),
      ("r", "active_days(any, 7d)"), ("s", "mean(buy.amount, 7d)"), ("l", "last(buy.amount)"),
    ]
    program = try FeatureProgram(
      FeatureSetDeclaration(
        profile: [], events: [EventTypeDeclaration(name: "buy", attributes: [amount], position: somewhere)],
        features: features.map {
          FeatureDeclaration(
            name: $0.0, expression: $0.1, isColumn: true, labels: [], position: somewhere)
        }, idleTTL: nil))
    context = ScoreContext(
      pipeline: "simulated", topic: "events", definition: program.definitionHash.hex,
      featureNames: program.columnNames, featureLabels: program.columnLabels, outputNames: ["sum"],
      modelNames: ["sum"], modelVersions: ["1"], decisionNames: ["large"], decisionLabels: [[]],
      tableFeatures: [])
  }
}

/// A partition record as far as the simulation looks into it.
public struct SimulatedStanding: Equatable, Sendable {
  /// W.
  public var nextOffset: Int64
  /// Where the states began.
  public var firstOffset: Int64
  /// The generation that has taken over; 0: none.
  public var successor: UInt64
  /// Whether states are neither being removed nor being made anew.
  public var isWhole: Bool
  /// Whether C moves with the topic's transactions.
  public var isExactlyOnce: Bool
  /// Records read, events scored, duplicates, erasures.
  public var counts: [UInt64]
  /// Dead letters by `DeadLetterReason.index`.
  public var deadLettered: [UInt64]
  /// What is left out.
  public var leftOut: LeftOutRanges

  /// A standing with every field given.
  public init(
    nextOffset: Int64, firstOffset: Int64, successor: UInt64, isWhole: Bool, isExactlyOnce: Bool,
    counts: [UInt64],
    deadLettered: [UInt64], leftOut: LeftOutRanges
  ) {
    self.nextOffset = nextOffset
    self.firstOffset = firstOffset
    self.successor = successor
    self.isWhole = isWhole
    self.isExactlyOnce = isExactlyOnce
    self.counts = counts
    self.deadLettered = deadLettered
    self.leftOut = leftOut
  }
}

/// Where a partition stands, as whoever orders something sees it.
public struct SimulatedFacts {
  /// Partition.
  public var partition: Int32
  /// The store's record.
  public var record: [UInt8]
  /// C.
  public var committed: CommittedOffset?
  /// T.
  public var table: Int64?
  /// What the table knows to be left out.
  public var tableLeftOut: LeftOutRanges
  /// The log's bounds.
  public var bounds: LogBounds
  /// The log's number of partitions.
  public var partitionCount: Int32
}

/// A worker that is ready to run.
public struct SimulatedWorker {
  /// Works until it is stopped; throws what the worker throws.
  public let run: () throws -> Void
  /// Asks it to stop.
  public let stop: () -> Void

  /// A worker.
  public init(run: @escaping () throws -> Void, stop: @escaping () -> Void) {
    self.run = run
    self.stop = stop
  }
}

/// How the worker that is looked at is put among simulated neighbours, since this module knows only ports.
public struct WorkerWiring: Sendable {
  /// Makes a worker of a life.
  public let worker: @Sendable (LifePlan, SimulatedPipeline, SimulatedNeighbours) -> SimulatedWorker
  /// Reads a stored partition record; nil: it cannot be read.
  public let standing: @Sendable ([UInt8]) -> SimulatedStanding?
  /// What ends a generation and begins the next.
  public typealias Succession =
    @Sendable (_ record: [UInt8], _ from: [UInt8], _ generation: UInt64, _ until: Int64) -> (
      ended: [UInt8], begun: [UInt8]
    )?

  /// The record with another generation as its successor; and the record that this one begins with, made of an earlier one,
  /// whose states are to be caught up to an offset without scoring again.
  public let succession: Succession
  /// The record with an order to leave a range out; nil: it is refused.
  public let skip: @Sendable (SimulatedFacts, LeftOut) -> [UInt8]?

  /// A wiring.
  public init(
    worker: @escaping @Sendable (LifePlan, SimulatedPipeline, SimulatedNeighbours) -> SimulatedWorker,
    standing: @escaping @Sendable ([UInt8]) -> SimulatedStanding?,
    succession: @escaping Succession, skip: @escaping @Sendable (SimulatedFacts, LeftOut) -> [UInt8]?
  ) {
    self.worker = worker
    self.standing = standing
    self.succession = succession
    self.skip = skip
  }
}
