public import Events

/// What became of a person after a moment: a row of the labels file.
public struct SyntheticLabel: Sendable, Equatable {
  /// Number of the person, from 0.
  public let customer: Int
  /// The moment: features may use events before it.
  public let time: EventTime
  /// Use in the 24 hours after it, 0–1: half for minutes m, as 1 − e^(−m/30), half for deeds n, as 1 −
  /// e^(−n/15).
  public let engagementNextDay: Double
  /// Whether the person does not log in in the 30 days after it.
  public let churns: Bool
  /// What the person has brought until 180 days after it: 0.50 for each day of use with a premium account, a
  /// tenth of sales, a twentieth of purchases, 0.20 for each advertisement clicked; at most 10,000.
  public let lifetimeValueUSD: Double

  /// Head of the labels file.
  public static let csvHeader = "entity_id,label_time_us,engagement_next_day,churn_30_day,lifetime_value_usd"

  /// Appends the row of the labels file with a line break.
  public func appendCSV(to bytes: inout [UInt8]) {
    SyntheticEvent.append(customer: customer, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    Decimal.append(time, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    Decimal.append(Int64((engagementNextDay * 10_000).rounded()), decimals: 4, to: &bytes)
    SyntheticEvent.append(churns ? ",1," : ",0,", to: &bytes)
    Decimal.append(Int64((lifetimeValueUSD * 100).rounded()), decimals: 2, to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }
}

/// The labels of a history, person by person in order of time; made anew from the seed, beyond the history's
/// end as far as they look ahead.
///
/// A person has a moment a week in the second half of the history, at an hour and a weekday of its own. A
/// moment counts when the person came at least a week before it and has logged in in the 30 days before it:
/// nobody needs to be told that who is long gone is gone.
public struct SyntheticLabels: Sequence, IteratorProtocol, Sendable {
  private let configuration: SyntheticConfiguration
  private var customer = 0
  private var ready: [SyntheticLabel] = []

  /// The labels of the history that `configuration` describes.
  public init(_ configuration: SyntheticConfiguration) { self.configuration = configuration }

  /// The next label; nil after the last person's.
  public mutating func next() -> SyntheticLabel? {
    while ready.isEmpty && customer < configuration.customers {
      var future = Future(configuration, customer: customer)
      ready = future.labels().reversed()
      customer += 1
    }
    return ready.popLast()
  }
}

extension SyntheticLog {
  /// The labels of the whole history, wherever this log stands.
  public func labels() -> SyntheticLabels { SyntheticLabels(configuration) }
}

/// One person's moments and what follows them.
private struct Future {
  private static let week = 7 * Span.day
  private static let churnSilence = 30 * Span.day
  private static let valueHorizon = 180 * Span.day

  private struct Moment {
    var time: EventTime
    var lastLogin: EventTime = 0
    var nextLogin: EventTime = .max
    var minutes = 0.0
    var deeds = 0
    var value = 0.0
  }

  private let customer: Int
  private var person: Person
  private let born: EventTime
  private var moments: [Moment] = []
  private var value = 0.0
  private var lastLogin: EventTime = 0
  private var isPremium = false
  private var premiumDay: EventTime = -1
  private var passed = 0
  private var valued = 0

  init(_ configuration: SyntheticConfiguration, customer: Int) {
    self.customer = customer
    person = Person(configuration, number: customer)
    born = person.nextTime
    var random = SeededRandom(seed: configuration.seed ^ 0x6c61_6265_6c73, stream: UInt64(customer))
    let half = configuration.startTime + EventTime(configuration.days) * Span.day / 2
    var time = configuration.endTime - EventTime(random.below(7 * 24 * 3600)) * Span.second
    while time >= half {
      moments.append(Moment(time: time))
      time -= Self.week
    }
    moments.reverse()
  }

  mutating func labels() -> [SyntheticLabel] {
    guard let last = moments.last else { return [] }
    while person.nextTime < last.time + Self.valueHorizon { take(person.next().event) }
    pass(until: .max)
    return moments.compactMap { moment in
      guard moment.time >= born + Self.week, moment.time - moment.lastLogin <= Self.churnSilence else {
        return nil
      }
      let used = 1 - FixedMath.exp(-moment.minutes / 30)
      let did = 1 - FixedMath.exp(-Double(moment.deeds) / 15)
      return SyntheticLabel(
        customer: customer, time: moment.time, engagementNextDay: (used + did) / 2,
        churns: moment.nextLogin - moment.time >= Self.churnSilence,
        lifetimeValueUSD: min(moment.value, 10_000))
    }
  }

  private mutating func take(_ event: RawEvent) {
    pass(until: event.time)
    engage(event)
    switch event.kind {
    case .login:
      for index in moments.indices where moments[index].time <= event.time {
        moments[index].nextLogin = min(moments[index].nextLogin, event.time)
      }
      lastLogin = event.time
      let day = event.time / Span.day
      if isPremium && day != premiumDay { value += 0.5 }
      premiumDay = day
    case .profileSnapshot, .profileChange: isPremium = event.code == 1
    case .transaction: value += Double(event.a) / 100 * (event.code == 0 ? 0.1 : 0.05)
    case .adClicked: value += 0.2
    default: break
    }
  }

  /// Notes at each moment, and at its horizon, what had been until then.
  private mutating func pass(until time: EventTime) {
    while passed < moments.count && moments[passed].time <= time {
      moments[passed].lastLogin = lastLogin
      passed += 1
    }
    while valued < moments.count && moments[valued].time + Self.valueHorizon <= time {
      moments[valued].value = value
      valued += 1
    }
  }

  /// Adds the event to the moment whose next day it falls on.
  private mutating func engage(_ event: RawEvent) {
    guard let first = moments.first, event.time >= first.time, event.kind.isDeed else { return }
    let index = Int((event.time - first.time) / Self.week)
    guard index < moments.count, event.time < moments[index].time + Span.day else { return }
    moments[index].deeds += 1
    if event.kind == .session { moments[index].minutes += Double(event.a) / 100 }
  }
}
