import Events

/// A job that a person has had; moments are years with their fraction.
struct ProfileJob {
  var start: Double
  /// Nil: goes on.
  var end: Double?
  var company: UInt8
  var role: UInt8
  var city: UInt8
}

/// What is true of an invented person: a hidden age, and what it and chance have made of the person.
///
/// Cohorts are told by age, so that another as-of year moves the whole world with it.
struct ProfileLife {
  /// The present: the middle of the as-of year.
  let now: Double
  private(set) var age = 0.0
  private(set) var birth = 0.0
  /// Luck and talent, standard normal.
  private(set) var ability = 0.0
  private(set) var education = 0
  private(set) var graduation = 0.0
  var careerStart = 0.0
  var industry = 0
  var level = 0
  var isEmployed = false
  var tenureMonths = 0.0
  /// Newest first, as profiles list them.
  var jobs: [ProfileJob] = []
  /// Positions in `ProfileWords.skills`.
  var skills: [UInt8] = []
  var connections = 0
  var emailProvider = 0
  var companySize = 0
  var createdYear = 0
  var certificationCount = 0
  var recommendations = 0

  init(asOfYear: Int) {
    now = Double(asOfYear) + 0.5
    jobs.reserveCapacity(32)
    skills.reserveCapacity(64)
  }

  var birthYear: Int { Int(birth.rounded(.down)) }
  var asOfYear: Int { Int(now) }

  /// Years since the career began; negative for who has none yet.
  var experience: Double { now - careerStart }

  /// Becomes another person.
  mutating func draw(_ random: inout SeededRandom) {
    age = Self.drawAge(&random)
    birth = now - age
    ability = random.normal()
    industry = random.pick(Self.industryWeights, total: Self.industryTotal)
    drawEducation(&random)
    drawCareer(&random)
    drawTraits(&random)
    drawSkills(&random)
  }

  /// The first draw of a person, so that the age can be had alone.
  static func drawAge(_ random: inout SeededRandom) -> Double {
    let bracket = random.pick(ageWeights, total: ageTotal)
    let from = ageFrom[bracket]
    return from + random.unit() * (ageFrom[bracket + 1] - from)
  }

  private mutating func drawEducation(_ random: inout SeededRandom) {
    let cohort = age < 30 ? 0 : age < 45 ? 1 : age < 60 ? 2 : 3
    education = random.pick(Self.educationWeights[cohort], total: 100)
    if ability > 1.2 && education < 3 && random.chance(0.4) { education += 1 }
    while education > 0 && Self.graduationAge[education] > age + 1.5 { education -= 1 }
    let usual = Self.graduationAge[education] + Self.graduationSpread[education] * random.normal()
    var graduatedAt = usual
    let isLate = random.chance(Self.lateChance[education])
    if isLate { graduatedAt += 1 + random.exponential(mean: Self.lateYears) }
    if graduatedAt > age + 1.5 { graduatedAt = age + 1.5 * random.unit() }
    graduation = birth + graduatedAt
    // Who graduates late has worked before; some of the others have, too.
    var startsAt = (isLate ? min(usual, graduatedAt) : graduatedAt) + random.exponential(mean: Self.gapYears)
    if random.chance(0.2) { startsAt -= random.uniform(0.5...4) }
    if random.chance(0.08) { startsAt += random.exponential(mean: 5) }
    careerStart = birth + max(startsAt, 15.5 + random.unit())
  }

  // The working population with a profile, by age.
  private static let ageFrom: [Double] = [16, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 86]
  private static let ageWeights: [Double] = [
    28, 105, 150, 155, 135, 115, 95, 80, 62, 42, 20, 9, 3, 1,
  ]
  private static let ageTotal = ageWeights.reduce(0, +)
  private static let industryWeights: [Double] = [
    18, 10, 12, 9, 9, 10, 6, 7, 4, 5, 5, 2, 2, 3, 3,
  ]
  private static let industryTotal = industryWeights.reduce(0, +)
  /// By cohort: of younger people more have studied; per cent.
  private static let educationWeights: [[Double]] = [
    [24, 12, 42, 18, 4], [22, 12, 40, 21, 5], [32, 13, 33, 17, 5], [42, 12, 27, 13, 6],
  ]
  // Years of age at graduation, by education, and how far people are from them.
  private static let graduationAge: [Double] = [18.2, 20.8, 22.6, 25, 30]
  private static let graduationSpread: [Double] = [0.9, 1.6, 1.8, 2.4, 3.1]
  private static let lateChance: [Double] = [0.05, 0.2, 0.14, 0.22, 0.3]
  private static let lateYears = 5.5
  private static let gapYears = 1.2
}
