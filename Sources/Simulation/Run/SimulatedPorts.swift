import Dataflow

/// The neighbours of a simulated worker.
struct SimulatedPorts {
  let source: any RecordSource
  let decoder: any RecordDecoder
  /// nil: no state is kept.
  let store: (any StateStore)?
  let scorer: any RowScorer
  let models: any ModelSets
  let decider: any Decider
  /// Transactional when the life promises exactly once.
  let topic: any TopicSink
  /// nil: there is none yet.
  let table: (any TableSink)?
  /// Simulated time.
  let clock: any Clock
  let recorder: any Recorder
}
