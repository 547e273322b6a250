import Dataflow
import Events
import Features

/// What the log says of one entity of the sample.
final class SampledEntity {
  let id: [UInt8]
  let state: EntityState
  /// The partition that the entity belongs to; of one without events, where something else of theirs was found.
  let partition: Int32
  /// Whether the log has an event of the entity.
  var hasEvents = false
  /// Whether the state began anew after a silence.
  var hasBegunAnew = false
  /// Scores that the table must have, in the order of the log.
  private(set) var scores: [ExpectedScore] = []
  private let keepsState: Bool
  private var bits: [UInt32] = []
  /// The latest score, with the bits of all columns; nil: none, or erased.
  private(set) var latest: (score: ExpectedScore, bits: [UInt32])?
  /// ScorePlace and ingest time of the last event that changed the state.
  var lastOffset: Int64 = -1
  var lastIngestMs: Int64 = -1
  /// What the store has.
  var check: StateCheck?
  /// Whether the states were equal as far as events go; nil: not compared.
  var isWhole: Bool?

  init(_ id: [UInt8], partition: Int32, program: FeatureProgram) {
    self.id = id
    self.partition = partition
    keepsState = program.keepsState
    state = EntityState(program)
    state.partition = partition
  }

  /// Adds a score with the bits of all columns; `keeps`: the table `scores` is compared at its offset, with the first
  /// `width` columns.
  func add(_ score: ExpectedScore, _ all: [UInt32], keeps: Bool, width: Int) {
    if isLatest(score) { latest = (score, all) }
    guard keeps else { return }
    scores.append(score)
    bits.append(contentsOf: all[..<width])
  }

  /// By the rule of the table: the last one of the log, or, where nothing is kept of the entity, that of the latest as-of time.
  private func isLatest(_ score: ExpectedScore) -> Bool {
    guard !keepsState, let latest = latest?.score else { return true }
    return (score.asOf, score.partition, score.offset) >= (latest.asOf, latest.partition, latest.offset)
  }

  /// Bits of a kept score.
  func bits(of index: Int, width: Int) -> ArraySlice<UInt32> { bits[(index * width)..<((index + 1) * width)] }

  /// Forgets all scores, as an erasure does.
  func erase() {
    scores = []
    bits = []
    latest = nil
  }
}

/// A stored state that is to be compared when the log was read up to its W.
struct StateCheck {
  var next: Int64
  /// nil: the store has none.
  var stored: [UInt8]?
}
