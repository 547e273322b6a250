public import Dataflow

/// How models are trained.
public struct TrainingOptions: Equatable, Sendable {
  /// What goes before what a model's pipeline says: `trees`, `depth`, `eta` and `earlyStopping`.
  public var recipe = TrainingDeclaration()
  /// Share of the entities that is held back.
  public var heldBackShare = 0.2
  /// A split by time, too; nil: by entities alone.
  public var timeSplit: TimeSplit?
  /// Decides the split and whatever the library draws.
  public var seed: UInt64 = 42
  /// Threads; the trees can depend on it in the last digits. libgomp's threads spin while they wait for each
  /// other: on a busy machine two take four times as long as one, unless `OMP_WAIT_POLICY=passive` is in the
  /// environment.
  public var threads = 1
  /// Features that a report lists.
  public var topFeatures = 10

  /// Trees at most, where nobody says how many.
  public static let treesDefault = 500

  package init() {}
}
