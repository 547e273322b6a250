/// Which rounds of a model's trees count.
public enum CountedTrees: String, CaseIterable, Sendable {
  /// Those up to the file's `best_iteration`: what scikit-learn's wrappers predict with after early stopping.
  case best
  /// All of them: what `Booster.predict` uses.
  case all
}

/// What a reader of a model file has been told about it.
public struct ModelReading: Sendable {
  /// Which trees count; nil: a file in which it makes a difference is refused.
  public var trees: CountedTrees?
  /// Whether a file of a release that was never compared is read all the same, as the nearest one that was.
  public var acceptsRelease: Bool

  /// Told nothing, unless said otherwise.
  public init(trees: CountedTrees? = nil, acceptsRelease: Bool = false) {
    self.trees = trees
    self.acceptsRelease = acceptsRelease
  }
}
