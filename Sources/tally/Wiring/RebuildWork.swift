import Metrics
import Configuration
import Dataflow
import Ingest
import Operations

/// Workers without models and sinks that apply a part of the log to the states of a generation.
struct RebuildWork {
  private let settings: Settings
  private let pipeline: LoadedPipeline
  private let work: GenerationWork

  init(_ settings: Settings, _ pipeline: LoadedPipeline, _ work: GenerationWork) {
    var own = settings
    own.generation = work.generation
    own.workers = min(settings.workers, work.partitions.count)
    self.settings = own
    self.pipeline = pipeline
    self.work = work
  }

  /// Returns the number of records read; nil: it was stopped. Throws what a worker failed with.
  func run() throws -> UInt64? {
    let partitionCount = try settings.partitionCount()
    let plan = WorkerPlan(
      source: { worker in
        let share = work.partitions.enumerated().filter { $0.offset % settings.workers == worker }
        var part = LogPart(partitions: Set(share.map(\.element)))
        for (_, partition) in share { part.until[partition] = work.until[partition] }
        return try TopicLogSource(settings.sourceConfiguration(group: "tally-rebuild"), part)
      },
      homes: work.homes,
      store: { try settings.makeStore(pipeline, partitionCount: partitionCount) },
      scorer: nil, modelSet: work.modelSet,
      models: { try PipelineModels.knowledge(settings, pipeline, $0) }, table: { _ in nil },
      topic: { _, _ in nil }, guarantee: nil)
    let run = try PipelineRun(settings, pipeline, plan)
    guard try BoundedRun(run, what: "rebuild", total: work.total).watch() else { return nil }
    return UInt64(run.metrics.read)
  }
}
