import Events

/// What makes a person: fixed at birth, drawn from seed and number alone.
struct PersonTraits: Sendable {
  // Profile.
  var age: Int32 = 0
  var gender: UInt8 = 0
  var state: UInt8 = 0
  var firstName: UInt8 = 0
  var lastName: UInt8 = 0
  var startsPremium = false
  /// Connections made before the log begins: a power law.
  var connections: Int32 = 0
  var centrality = 0.0
  var influence = 0.0
  // Hidden causes.
  /// Asked rate of events over the nominal one.
  var pace = 1.0
  /// Sessions a day in an ordinary week.
  var sessionsPerDay = 0.0
  var sessionMinutes = 0.0
  var actionsPerMinute = 0.0
  /// 0–1: makes people stay.
  var satisfaction = 0.0
  var sentiment = 0.0
  var responseHours = 0.0
  var likes = 0.0
  var attraction = 0.0
  var pushClicks = 0.0
  var adClicks = 0.0
  var scrollDepth = 0.0
  var virality = 0.0
  var rating = 0.0
  var amountUSD = 0.0
  var isSeller = false
  var chronotype: UInt8 = 0
  var device: UInt8 = 0
  var category: UInt8 = 0
  /// Weights of `SessionAction`.
  var actionWeights: [Double] = []
  var actionTotal = 0.0
  /// Microseconds after the history's start; 0: was there before.
  var joinsAfter: EventTime = 0

  init(_ configuration: SyntheticConfiguration, _ random: inout SeededRandom) {
    drawProfile(&random)
    drawTemper(configuration, &random)
    drawActions(&random)
    if random.chance(0.2) {
      joinsAfter = EventTime(random.unit() * Double(configuration.days) * Double(Span.day)) + Span.hour
    }
  }

  private mutating func drawProfile(_ random: inout SeededRandom) {
    var years = 0.0
    repeat { years = 32 + 10 * random.normal() } while years < 18 || years >= 66
    age = Int32(years)
    gender = random.chance(0.03) ? 2 : (random.chance(0.5) ? 0 : 1)
    state = UInt8(random.pick(SyntheticWords.stateWeights, total: SyntheticWords.stateWeightTotal))
    firstName = UInt8(random.below(SyntheticWords.firstNames.count))
    lastName = UInt8(random.below(SyntheticWords.lastNames.count))
    startsPremium = random.chance(0.3)
    // Density ~ 1/x², so P(more than x) = 25/x.
    connections = Int32(min(25 / (1 - random.unit()), 250_000))
    let size = FixedMath.log(Double(connections)) / FixedMath.log(250_000)
    centrality = Self.clamp(size * 0.8 + 0.08 * random.normal(), 0, 1)
    influence = Self.clamp(0.6 * size + 0.15 + 0.12 * random.normal(), 0, 1)
  }

  private mutating func drawTemper(
    _ configuration: SyntheticConfiguration, _ random: inout SeededRandom
  ) {
    satisfaction = Self.clamp(0.5 + 0.2 * random.normal() + (startsPremium ? 0.08 : 0), 0.02, 0.98)
    sentiment = Self.clamp(0.6 * satisfaction - 0.1 + 0.2 * random.normal(), -0.8, 0.9)
    responseHours = random.logNormal(median: 6 - 4 * satisfaction, deviation: 0.6)
    attraction = Self.clamp(0.12 + 0.3 * satisfaction * random.unit(), 0, 1)
    likes = random.uniform(0.15...0.85)
    // Contented and premium people come more often; matches bring people back.
    let drive = FixedMath.exp(
      0.9 * (satisfaction - 0.5) + 1.2 * (attraction - 0.2) + (startsPremium ? 0.3 : 0))
    sessionsPerDay = min(random.logNormal(median: 1.7, deviation: 0.9) * drive, 14)
    pace = configuration.eventsPerCustomerDay / Person.nominalEventsPerDay
    sessionsPerDay *= pace
    sessionMinutes = random.logNormal(median: 7, deviation: 0.4)
    actionsPerMinute = random.logNormal(median: 0.42, deviation: 0.35)
    pushClicks = Self.clamp(0.5 * satisfaction * random.unit() + 0.05, 0.02, 0.7)
    adClicks = Self.clamp(0.02 + 0.1 * random.unit() * random.unit(), 0, 0.3)
    scrollDepth = Self.clamp(35 + 40 * satisfaction + 12 * random.normal(), 5, 98)
    virality = random.logNormal(median: 0.012, deviation: 0.8)
    rating = Self.clamp(3.2 + 1.6 * satisfaction + 0.4 * random.normal(), 1, 5)
    amountUSD = random.logNormal(median: 32, deviation: 0.6)
    chronotype = UInt8(random.pick([0.12, 0.22, 0.28, 0.38], total: 1))
    device = UInt8(random.pick([0.68, 0.24, 0.08], total: 1))
    category = UInt8(random.below(SyntheticWords.categories.count))
  }

  private mutating func drawActions(_ random: inout SeededRandom) {
    isSeller = random.chance(0.18)
    let trades = random.chance(0.45)
    for action in SessionAction.allCases {
      var weight = action.weight
      switch action {
      case .listing: weight = isSeller ? weight : 0
      case .transaction, .application: weight = trades || isSeller ? weight : 0
      case .premium: weight = startsPremium ? weight : weight * 0.05
      default: break
      }
      actionWeights.append(weight * random.logNormal(median: 1, deviation: 0.6))
    }
    actionTotal = actionWeights.reduce(0, +)
  }

  static func clamp(_ value: Double, _ low: Double, _ high: Double) -> Double { max(low, min(high, value)) }
}

/// What a person does within a session.
enum SessionAction: Int, CaseIterable {
  case message, post, swipe, group, advertisement, connection, application, listing, transaction, premium,
    event,
    referral

  /// How often, for the average person.
  var weight: Double {
    switch self {
    case .message: 3
    case .post: 0.5
    case .swipe: 0.7
    case .group: 0.6
    case .advertisement: 1.4
    case .connection: 0.35
    case .application: 0.12
    case .listing: 0.25
    case .transaction: 0.22
    case .premium: 1
    case .event: 0.12
    case .referral: 0.03
    }
  }
}
