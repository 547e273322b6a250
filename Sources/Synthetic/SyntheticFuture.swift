import Events

/// One person's moments and what follows them.
struct Future {
  private static let week = 7 * Span.day
  private static let churnSilence = 30 * Span.day
  static let valueHorizon = 180 * Span.day

  private struct Moment {
    var time: EventTime
    var lastLogin: EventTime = 0
    var nextLogin: EventTime = .max
    var nextAction: SyntheticAction?
    var minutes = 0.0
    var deeds = 0
    var value = 0.0
  }

  private let customer: Int
  private var person: Person
  private let born: EventTime
  private var moments: [Moment]
  private var value = 0.0
  private var lastLogin: EventTime = 0
  private var isPremium = false
  private var premiumDay: EventTime = -1
  private var passed = 0
  private var valued = 0
  /// Moments whose next action is known.
  private var acted = 0

  init(_ configuration: SyntheticConfiguration, customer: Int) {
    self.customer = customer
    person = Person(configuration, number: customer)
    born = person.nextTime
    moments = Self.times(configuration, customer: customer).map { Moment(time: $0) }
  }

  /// What may become of a person who stands at a moment and came long before: `value` counts from there.
  init(of person: Person, customer: Int, at time: EventTime) {
    self.customer = customer
    self.person = person
    born = 0
    moments = [Moment(time: time)]
    isPremium = person.isPremium
    lastLogin = time
  }

  /// The moments of a person: those that count are found on the way.
  static func times(_ configuration: SyntheticConfiguration, customer: Int) -> [EventTime] {
    var random = SeededRandom(seed: configuration.seed ^ 0x6c61_6265_6c73, stream: UInt64(customer))
    let half = configuration.startTime + EventTime(configuration.days) * Span.day / 2
    var times: [EventTime] = []
    var time = configuration.endTime - EventTime(random.below(7 * 24 * 3600)) * Span.second
    while time >= half {
      times.append(time)
      time -= Self.week
    }
    return times.reversed()
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
        lifetimeValueUSD: min(moment.value, 10_000), nextAction: moment.nextAction,
        interest: person.traits.category)
    }
  }

  private mutating func take(_ event: RawEvent) {
    pass(until: event.time)
    engage(event)
    if acted < passed, let action = SyntheticAction(event.kind) {
      while acted < passed {
        if event.time < moments[acted].time + Self.valueHorizon { moments[acted].nextAction = action }
        acted += 1
      }
    }
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
