/// What can be wrong with a profile; at most one thing is.
enum ProfileMistake: Int, CaseIterable {
  /// None.
  case none
  case graduationBeforeBirth
  case graduationFarAhead
  /// A job's year with two digits, as 19.
  case startYearShort
  /// A job's year with a digit too many, as 20199.
  case startYearLong
  /// Some of the numbers are texts, as "84".
  case numberAsText
  /// Some of the numbers are words.
  case numberAsWords
  /// The job title is a list.
  case titleAsList
  case negativeTenure
  case birthYearAhead
  /// The level in another case.
  case levelCase
  /// The level is a word that nobody declared.
  case levelUnknown
  case industryUnknown
  case emailUnknown
  case jobsNull
  /// The jobs are an object.
  case jobsObject
  /// One of the jobs is null.
  case nullAmongJobs
  /// The skills are one text.
  case skillsAsText
  case hugeConnections
  /// In the text form the text breaks off; the object form cannot be wrong in this way.
  case brokenText

  /// Out of 100,000 profiles; where the field is missing, nothing is seen of it.
  var rate: Int {
    switch self {
    case .none: 0
    case .graduationBeforeBirth, .graduationFarAhead, .negativeTenure: 200
    case .startYearShort, .startYearLong, .titleAsList: 150
    case .numberAsText: 500
    case .numberAsWords, .skillsAsText: 100
    case .birthYearAhead, .levelCase, .levelUnknown, .jobsNull: 300
    case .industryUnknown, .emailUnknown: 200
    case .jobsObject, .nullAmongJobs, .hugeConnections: 50
    case .brokenText: 5
    }
  }

  static let total = 100_000

  /// The mistake at each place of 0..<total.
  private static let places: [ProfileMistake] = {
    var places: [ProfileMistake] = []
    for mistake in allCases { for _ in 0..<mistake.rate { places.append(mistake) } }
    return places
  }()

  static func draw(_ random: inout SeededRandom) -> ProfileMistake {
    let place = random.below(total)
    return place < places.count ? places[place] : .none
  }
}
