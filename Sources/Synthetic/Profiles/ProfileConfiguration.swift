/// How `profile_json` stands in a record.
public enum ProfileForm: String, CaseIterable, Sendable {
  /// As an object.
  case object
  /// As a text that holds the object's JSON.
  case text
}

/// What a population of profiles is made from.
public struct ProfileConfiguration: Sendable, Equatable {
  /// The years that a population can be of.
  public static let asOfYears = 2015...2080
  /// How many profiles there are; numbers go from 0.
  public static let countMax = 900_000_000

  /// Decides everything.
  public var seed: UInt64
  /// The year whose middle is the present: ages, tenures and careers end there.
  public var asOfYear: Int
  /// How `profile_json` is written.
  public var form: ProfileForm

  /// A population.
  public init(seed: UInt64 = 1, asOfYear: Int = 2026, form: ProfileForm = .object) {
    precondition(Self.asOfYears.contains(asOfYear))
    self.seed = seed
    self.asOfYear = asOfYear
    self.form = form
  }
}
