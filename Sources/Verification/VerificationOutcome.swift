/// How a verification ended.
public enum VerificationOutcome: String, Sendable, Encodable {
  /// All that was compared is equal, and the log reached back to where everything of it began.
  case equal
  /// Something differs.
  case different
  /// All that could be compared is equal; for the rest the log no longer has what it came from.
  case equalAsFarAsTheLogReaches = "equal-as-far-as-the-log-reaches"

  /// What the program ends with.
  public var exitCode: Int32 {
    switch self {
    case .equal: 0
    case .different: 1
    case .equalAsFarAsTheLogReaches: 3
    }
  }

  /// For readers.
  var text: String {
    switch self {
    case .equal: "equal"
    case .different: "different"
    case .equalAsFarAsTheLogReaches: "equal as far as the log reaches"
    }
  }
}

/// What was not compared, and why.
public struct LeftOut: Equatable, Sendable, Encodable {
  /// `people`, or a comparison's `what`.
  public let what: String
  /// Why.
  public let why: String
  /// How many.
  public let count: Int

  /// `12 entities (whose first events …)`, `3 rows of scores (of other models)`.
  var text: String {
    let things = what == "people" ? "entities" : what == "states" ? what : "rows of \(what)"
    return "\(count) \(things) (\(why))"
  }
}
