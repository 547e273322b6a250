import Operations
import Configuration
import Dataflow
import FeatureStore
import Features
import Ingest
import Pipeline
import Registry
import Scorer

#if WITHOUT_GUARANTEES
  import Unpromised
#endif

/// What the workers of a run, a rebuild and a replay have in different ways: where records come from, where states, rows
/// and messages go. Each closure is called once per worker.
struct WorkerPlan {
  /// A worker's records.
  var source: (_ worker: Int) throws -> any RecordSource
  /// Where the log's entities live.
  var homes: KeyHomes
  /// A worker's connection to states and records; nil: no state is kept, and the records lie beside the group's offsets.
  var store: (() throws -> any StateStore)?
  /// A worker's models; nil: events are applied and not scored.
  var scorer: (() throws -> any RowScorer)?
  /// Hash of the model set that the process begins with, for partition records.
  var modelSet: String
  /// A worker's sets of models, by its scorer of the first one.
  var models: (any RowScorer) throws -> any ModelSets
  /// A worker's table; nil: none.
  var table: (ScoreContext) throws -> (any TableSink)?
  /// A worker's topics; nil: none.
  var topic: (ScoreContext, _ worker: Int) throws -> (any TopicSink)?
  /// What is promised of the topic; nil: only states are made.
  var guarantee: DeliveryGuarantee? = .effectivelyOnce
  /// Loads sets of models that are proposed; nil: none can be.
  var loader: ModelSetLoader?

  /// The plan of `tally run`: a member of the group, the settings' store, table and topics.
  static func live(_ settings: Settings, _ pipeline: LoadedPipeline) throws -> WorkerPlan {
    let partitions = try settings.partitionCount()
    let sqlite = try settings.openSQLite()
    let group = settings.groupName(of: pipeline)
    let access = Deployment(settings, pipeline)
    let homes = try access.homes(partitions, records: access.recordsInForce(partitions))
    let models = try PipelineModels(settings, pipeline, .live)
    let store: () throws -> any StateStore = {
      let store = try settings.makeStore(pipeline, partitionCount: partitions)
      try store.connect()
      #if WITHOUT_GUARANTEES
        return UncomparedStore(store)
      #else
        return store
      #endif
    }
    return WorkerPlan(
      source: { _ in try KafkaSource(settings.sourceConfiguration(group: group)) },
      homes: homes, store: pipeline.program.keepsState ? store : nil,
      scorer: { ForestScorer(models.first) }, modelSet: models.first.modelSet.hashHex, models: models.sets,
      table: { try settings.makeTable($0, sqlite: sqlite) },
      topic: {
        let topic = try settings.makeTopicSink($0, partitions: partitions, worker: $1)
        #if WITHOUT_GUARANTEES
          return UnawaitedTopic(topic)
        #else
          return topic
        #endif
      },
      guarantee: settings.delivery, loader: models.loader)
  }

  /// Makes and checks all that a worker needs; on an error, what was made is closed. `names` counts what is dropped because nobody
  /// declares it.
  func makeWorker(
    _ number: Int, _ settings: Settings, _ pipeline: LoadedPipeline, recorder: any Recorder,
    names: NameCounter? = nil, stop: StopSignal, onBatch: @escaping (ScoredBatch) -> Void
  ) throws -> Worker {
    var made: [() -> Void] = []
    do {
      let scorer = try scorer?() ?? Unscored()
      let decider: any Decider = self.scorer == nil ? Unscored() : try pipeline.makeDecider()
      let context = pipeline.context(topic: settings.topic, scorer: scorer, decider: decider)
      let store = try store?()
      made.append { store?.close() }
      let table = try table(context)
      made.append { table?.close() }
      let topic = try topic(context, number)
      made.append { topic?.close() }
      let source = try source(number)
      made.append { source.close() }
      let ports = WorkerPorts(
        source: source, decoder: try settings.makeDecoder(pipeline, homes: homes, names: names),
        store: store, scorer: scorer,
        decider: decider, topic: topic, table: table, clock: SystemClock(), recorder: recorder,
        models: try models(scorer))
      let cache = StateCache(pipeline.program, settings)
      var configuration = settings.worker
      configuration.guarantee = guarantee
      return Worker(
        identity: pipeline.identity(
          generation: settings.firstGeneration(of: pipeline), modelSet: modelSet,
          partitioner: homes.partitioner),
        program: pipeline.program, context: context, ports: ports, cache: cache,
        configuration: configuration, stop: stop, onBatch: onBatch)
    } catch {
      for close in made { close() }
      throw error
    }
  }
}

extension StateCache {
  /// A worker's share of the settings' memory; nil: no state is kept.
  fileprivate convenience init?(_ program: FeatureProgram, _ settings: Settings) {
    guard program.keepsState else { return nil }
    self.init(
      program: program, entriesMax: max(1, settings.cacheEntries / settings.workers),
      bytesMax: max(1 << 16, settings.cacheBytes / settings.workers))
  }
}

/// No models and no decisions: for making states only.
private final class Unscored: RowScorer, Decider {
  let outputNames: [String] = []
  let modelVersions: [String] = []
  let decisionNames: [String] = []
  let decisionLabels: [[String]] = []

  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws { outputs.resize(rows: rows.rows) }
  func decide(
    _ outputs: FloatMatrix, carried: RowMatrix<Double>, thresholds: [Float], into decisions: inout [Int32]
  ) {}
}
