public import Dataflow

/// The neighbours of a worker, as ports.
public struct WorkerPorts {
  /// Where records come from.
  public var source: any RecordSource
  /// Makes events of records.
  public var decoder: any RecordDecoder
  /// Where states and partition records lie; nil: no state is kept, and the records lie beside the group's offsets.
  public var store: (any StateStore)?
  /// Makes outputs of feature rows, with the models that the process began with.
  public var scorer: any RowScorer
  /// The sets of models that promotions may put in force.
  public var models: any ModelSets
  /// Makes decisions of outputs.
  public var decider: any Decider
  /// Where messages go; nil: nowhere.
  public var topic: (any TopicSink)?
  /// Where rows go; nil: nowhere.
  public var table: (any TableSink)?
  /// The machine's clock.
  public var clock: any Clock
  /// Whom to tell.
  public var recorder: any Recorder

  /// The ports, all given; `models` nil: the scorer stands for all sets.
  public init(
    source: any RecordSource, decoder: any RecordDecoder, store: (any StateStore)?, scorer: any RowScorer,
    decider: any Decider, topic: (any TopicSink)?, table: (any TableSink)?, clock: any Clock,
    recorder: any Recorder, models: (any ModelSets)? = nil
  ) {
    self.source = source
    self.decoder = decoder
    self.store = store
    self.scorer = scorer
    self.models = models ?? OneModelSet(scorer)
    self.decider = decider
    self.topic = topic
    self.table = table
    self.clock = clock
    self.recorder = recorder
  }
}
