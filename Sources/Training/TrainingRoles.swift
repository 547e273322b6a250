internal import Dataflow
internal import Events

/// A model's rows by what they are for.
struct TrainingRoles {
  /// Share of the entities to learn from that stop training instead, where the rows held back calibrate.
  static let stopShare = 0.125
  /// Parts of the rows held back: each is measured with what was fitted on the others.
  static let folds = 5

  /// Places in the set.
  let learning: [Int]
  let stopping: [Int]
  let heldBack: [Int]
  let learn: Sample
  let stop: Sample
  let held: Sample
  /// For each row held back, the number of its entity and the fold that this belongs to.
  let heldEntities: [Int]
  let heldFolds: [Int]
  /// Whether training stops by other rows than those held back.
  let stopsApart: Bool

  /// `stopsApart`: whether it should, if there are entities enough.
  init(
    _ set: TrainingSet, _ split: TrainingSplit, label: Int?, weight: Int?, stopsApart wanted: Bool,
    seed: UInt64
  ) {
    func share(_ row: Int) -> Double { Self.share(of: set.rows[row].entity, seed: seed) }
    let apart = wanted ? split.training.filter { share($0) < Self.stopShare } : []
    stopsApart = !apart.isEmpty && apart.count < split.training.count
    stopping = stopsApart ? apart : split.heldBack
    learning = stopsApart ? split.training.filter { share($0) >= Self.stopShare } : split.training
    heldBack = split.heldBack
    learn = Sample(set, label: label, weight: weight, rows: learning)
    held = Sample(set, label: label, weight: weight, rows: heldBack)
    stop = stopsApart ? Sample(set, label: label, weight: weight, rows: stopping) : held
    var numbers: [Hash128: Int] = [:]
    heldEntities = heldBack.map { row in
      let entity = set.rows[row].entity
      return numbers[entity]
        ?? {
          numbers[entity] = numbers.count; return numbers.count - 1
        }()
    }
    heldFolds = heldBack.map { Int(share($0) * Double(Self.folds)) }
  }

  /// Where an entity lies between 0 and 1, told apart from the draw that decides whether it is held back.
  private static func share(of entity: Hash128, seed: UInt64) -> Double {
    var words = (entity.high, entity.low, ~seed)
    let mixed = withUnsafeBytes(of: &words) { Hash128(of: $0) }
    return Double(mixed.low >> 11) * 0x1p-53
  }

  /// Places among the rows held back: those of each fold, and all others.
  func folds() -> [(inside: [Int], outside: [Int])] {
    (0..<Self.folds).map { fold in
      (
        heldFolds.indices.filter { heldFolds[$0] == fold }, heldFolds.indices.filter { heldFolds[$0] != fold }
      )
    }.filter { !$0.inside.isEmpty }
  }
}
