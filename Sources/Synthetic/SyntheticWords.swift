/// The words of the invented world; those of attributes are the vocabularies of `pipelines/engagement.yaml`.
enum SyntheticWords {
  static let source: StaticString = "synthetic"
  static let devices: [StaticString] = ["mobile", "desktop", "tablet"]
  static let genders: [StaticString] = ["M", "F", "Other"]
  static let categories: [StaticString] = [
    "tech", "food", "travel", "fitness", "fashion", "gaming", "music", "art", "sports", "business",
    "education",
    "lifestyle",
  ]
  static let premiumFeatures: [StaticString] = [
    "boost", "super_like", "filters", "read_receipts", "incognito", "support", "analytics", "themes",
  ]

  /// US states and their share of the population, thousandths.
  static let states: [(code: StaticString, weight: Double)] = [
    ("AL", 15), ("AK", 2), ("AZ", 22), ("AR", 9), ("CA", 117), ("CO", 18), ("CT", 11), ("DE", 3), ("DC", 2),
    ("FL", 67), ("GA", 33), ("HI", 4), ("ID", 6), ("IL", 38), ("IN", 21), ("IA", 10), ("KS", 9), ("KY", 14),
    ("LA", 14), ("ME", 4), ("MD", 18), ("MA", 21), ("MI", 30), ("MN", 17), ("MS", 9), ("MO", 19), ("MT", 3),
    ("NE", 6), ("NV", 10), ("NH", 4), ("NJ", 28), ("NM", 6), ("NY", 59), ("NC", 32), ("ND", 2), ("OH", 35),
    ("OK", 12), ("OR", 13), ("PA", 39), ("RI", 3), ("SC", 16), ("SD", 3), ("TN", 21), ("TX", 90), ("UT", 10),
    ("VT", 2), ("VA", 26), ("WA", 23), ("WV", 5), ("WI", 18), ("WY", 2),
  ]
  static let stateWeights = states.map(\.weight)
  static let stateWeightTotal = stateWeights.reduce(0, +)

  static let firstNames: [StaticString] = [
    "Ada", "Alan", "Amara", "Bela", "Carla", "Chen", "Dalia", "Dario", "Edith", "Emre", "Fatima", "Felix",
    "Grace",
    "Hana", "Hugo", "Ines", "Ivan", "Jonas", "Kaya", "Lena", "Luis", "Mara", "Milo", "Nadia", "Noor", "Olga",
    "Omar",
    "Petra", "Quinn", "Rosa", "Sami", "Tara", "Timo", "Uma", "Vera", "Wanda", "Yara", "Zeno",
  ]
  static let lastNames: [StaticString] = [
    "Abbott", "Baker", "Castillo", "Dvorak", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen",
    "Kowalski",
    "Larsen", "Moreau", "Nakamura", "Okafor", "Petrov", "Quist", "Rossi", "Silva", "Tanaka", "Usman", "Vogel",
    "Weber", "Xu", "Yilmaz", "Zhang",
  ]
}

/// When people use the app: weights whose mean is 1.
enum SyntheticCycles {
  /// By UTC hour, for people of the night, the morning, the day and the evening.
  static let hours: [[Double]] = [
    normalized([
      9, 9, 8, 7, 6, 4, 3, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 6, 7, 8, 9,
    ]),
    normalized([
      1, 1, 1, 1, 2, 5, 9, 12, 12, 10, 8, 7, 6, 5, 4, 4, 4, 4, 4, 4, 3, 3, 2, 1,
    ]),
    normalized([
      1, 1, 1, 1, 1, 1, 2, 3, 5, 7, 8, 9, 11, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
    ]),
    normalized([
      3, 2, 1, 1, 1, 1, 1, 2, 3, 3, 3, 4, 4, 4, 4, 5, 6, 8, 10, 12, 12, 11, 8, 5,
    ]),
  ]
  /// By day of the week, from Thursday, the day of 1970-01-01.
  static let weekdays = normalized([1.0, 1.12, 1.3, 1.25, 0.85, 0.85, 0.9])
  /// By thirtieth of a year: more in winter.
  static let seasons = normalized([1.1, 1.08, 1.04, 1, 0.96, 0.92, 0.9, 0.9, 0.94, 1, 1.06, 1.1])

  private static func normalized(_ weights: [Double]) -> [Double] {
    let mean = weights.reduce(0, +) / Double(weights.count)
    return weights.map { $0 / mean }
  }
}
