/// How a version does beside the one that it is to replace.
public enum MetricComparison: Equatable, Sendable {
  /// Not worse by more than the margin; says how they compare.
  case notWorse(String)
  /// Worse by more than the margin; says by how much.
  case worse(String)
  /// They were not measured on the same rows, or not by the same figure; says why.
  case unknown(String)

  /// Figures by which versions are compared: the first that both have. All but AUC are better when they are lower.
  private static let figures = ["auc", "pinball", "rmse", "log_loss"]

  /// Compares two versions on the rows that both held back: by AUC where both have it (worse: lower by more than `margin`), else by
  /// pinball loss, RMSE or log loss (worse: higher by more than `margin` times the current one's).
  public init(_ candidate: VersionMetadata, beside current: VersionMetadata, margin: Double) {
    func without(_ metadata: VersionMetadata) -> String {
      "version \(metadata.version) has no figures of its own"
    }
    guard let held = candidate.data?.heldBackDigest, !candidate.metrics.isEmpty else {
      self = .unknown(without(candidate))
      return
    }
    guard let other = current.data?.heldBackDigest, !current.metrics.isEmpty else {
      self = .unknown(without(current))
      return
    }
    guard held == other else {
      self = .unknown("versions \(candidate.version) and \(current.version) were measured on different rows")
      return
    }
    let common = Self.figures.first { candidate.metrics[$0] != nil && current.metrics[$0] != nil }
    guard let metric = common, let new = candidate.metrics[metric], let old = current.metrics[metric],
      new.isFinite, old.isFinite
    else {
      self = .unknown("versions \(candidate.version) and \(current.version) have no figure in common")
      return
    }
    let text = "\(metric) \(new), that of \(current.version) is \(old), on the same rows held back"
    let isWorse = metric == "auc" ? new < old - margin : new > old + margin * old.magnitude
    self = isWorse ? .worse(text) : .notWorse(text)
  }
}
