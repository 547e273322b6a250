/// How a version does beside the one that it is to replace.
public enum MetricComparison: Equatable, Sendable {
  /// Not worse by more than the margin; says how they compare.
  case notWorse(String)
  /// Worse by more than the margin; says by how much.
  case worse(String)
  /// They were not measured on the same rows, or not by the same figure; says why.
  case unknown(String)

  /// Compares two versions on the rows that both held back: by AUC where both have it (worse: lower by more than `margin`), else by
  /// RMSE (worse: higher by more than `margin` times the current one's).
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
    let isBinary = candidate.metrics["auc"] != nil && current.metrics["auc"] != nil
    let metric = isBinary ? "auc" : "rmse"
    guard let new = candidate.metrics[metric], let old = current.metrics[metric], new.isFinite, old.isFinite
    else {
      self = .unknown("versions \(candidate.version) and \(current.version) have no figure in common")
      return
    }
    let text = "\(metric) \(new), that of \(current.version) is \(old), on the same rows held back"
    let isWorse = isBinary ? new < old - margin : new > old + margin * old.magnitude
    self = isWorse ? .worse(text) : .notWorse(text)
  }
}
