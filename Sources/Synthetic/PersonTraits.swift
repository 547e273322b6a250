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
    satisfaction = Self.clamp(0.5 + 0.26 * random.normal() + (startsPremium ? 0.08 : 0), 0.02, 0.98)
    sentiment = Self.clamp(0.8 * satisfaction - 0.2 + 0.14 * random.normal(), -0.8, 0.9)
    responseHours = random.logNormal(median: 7 - 6 * satisfaction, deviation: 0.4)
    attraction = Self.clamp(0.12 + 0.3 * satisfaction * random.unit(), 0, 1)
    likes = random.uniform(0.15...0.85)
    // Contented and premium people come more often; matches bring people back.
    let drive = FixedMath.exp(
      1.2 * (satisfaction - 0.5) + 1.5 * (attraction - 0.2) + (startsPremium ? 1.2 : 0))
    // Some come many times a day, some once a week: people differ more than a person's days do.
    sessionsPerDay = Self.clamp(random.logNormal(median: 0.9, deviation: 2.5) * drive, 0.15, 14)
    pace = configuration.eventsPerCustomerDay / Person.nominalEventsPerDay
    sessionsPerDay *= pace
    sessionMinutes = random.logNormal(median: 4.5, deviation: 0.45)
    actionsPerMinute = random.logNormal(median: 0.48, deviation: 0.3)
    pushClicks = Self.clamp(0.5 * satisfaction * random.unit() + 0.05, 0.02, 0.7)
    adClicks = Self.clamp(0.02 + 0.1 * random.unit() * random.unit(), 0, 0.3)
    scrollDepth = Self.clamp(30 + 50 * satisfaction + 8 * random.normal(), 5, 98)
    virality = random.logNormal(median: 0.012, deviation: 0.8)
    rating = Self.clamp(3 + 2 * satisfaction + 0.3 * random.normal(), 1, 5)
    amountUSD = random.logNormal(median: 32, deviation: 0.35)
    chronotype = UInt8(random.pick([0.12, 0.22, 0.28, 0.38], total: 1))
    device = UInt8(random.pick([0.68, 0.24, 0.08], total: 1))
    category = UInt8(random.below(SyntheticWords.categories.count))
  }

  private mutating func drawActions(_ random: inout SeededRandom) {
    let purpose = Purpose.allCases[random.pick(Purpose.shares, total: 1)]
    isSeller = random.chance(purpose == .gigs ? 0.7 : 0.06)
    let trades = purpose == .gigs || random.chance(0.3)
    // Trade goes by the business that there is, not by how often one looks.
    let daily = sessionsPerDay / pace * sessionMinutes * actionsPerMinute
    let business = 4 / (2 + daily)
    for action in SessionAction.allCases {
      var weight = action.weight
      switch action {
      case .listing: weight = isSeller ? weight * business : 0
      case .transaction: weight = isSeller ? weight * business * 1.5 : trades ? weight * business : 0
      case .application: weight = trades || isSeller ? weight * business : 0
      case .premium: weight = startsPremium ? weight : weight * 0.05
      default: break
      }
      weight *= purpose.factor(action)
      actionWeights.append(weight * random.logNormal(median: 1, deviation: 0.35))
    }
    actionTotal = actionWeights.reduce(0, +)
  }

  /// Days that a life lasts on average.
  var meanLifeDays: Double {
    let square = satisfaction * satisfaction
    return 50 + 4000 * square * square
  }

  /// Probability that a post is of the favourite category by choice; else it is of any, the favourite among them.
  static let favouriteChance = 0.6

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

/// What people come for: the actions of their purpose are much of what they do.
private enum Purpose: Int, CaseIterable {
  case talk, look, show, gigs, network

  static let shares = [0.26, 0.25, 0.15, 0.22, 0.12]

  /// By how much it multiplies an action's weight.
  func factor(_ action: SessionAction) -> Double {
    switch action {
    case .message: self == .talk ? 6 : 1
    case .swipe, .group, .advertisement, .event: self == .look ? 6 : 1
    case .post: self == .show ? 6 : 1
    case .application, .listing, .transaction: self == .gigs ? 4 : 1
    case .connection, .referral: self == .network ? 6 : 1
    case .premium: 1
    }
  }
}
