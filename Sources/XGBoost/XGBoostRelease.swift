/// A release of XGBoost, as a model file names the one that wrote it.
public struct XGBoostRelease: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// The three numbers of a release.
  public let major, minor, patch: Int

  package init(_ major: Int, _ minor: Int, _ patch: Int = 0) {
    self.major = major
    self.minor = minor
    self.patch = patch
  }

  /// The releases from the first to the last whose files and predictions were compared with ours: the folders of
  /// Tests/ScorerTests/Models, which `make.py` there makes of any release.
  public static let compared = XGBoostRelease(1, 7)...XGBoostRelease(3, 4, 1)

  /// `3.4.1`.
  public var description: String { "\(major).\(minor).\(patch)" }

  /// In the order of their numbers.
  public static func < (left: XGBoostRelease, right: XGBoostRelease) -> Bool {
    (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
  }

  /// What a file says of itself; nil: nothing, or not three whole numbers.
  init?(file root: ModelValue) {
    guard case .numbers(let numbers)? = root["version"], numbers.count == 3 else { return nil }
    let parts = numbers.compactMap { Int(exactly: $0) }
    guard parts.count == 3, parts.allSatisfy({ (0...9_999).contains($0) }) else { return nil }
    self.init(parts[0], parts[1], parts[2])
  }
}
