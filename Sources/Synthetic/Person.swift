import Events

/// One invented person: a process that gives its events in order of time, endlessly.
///
/// Hidden causes: an activity that wanders (an autoregression of the logarithm, by the day), holidays, and
/// lives: each ends at a time whose hazard falls with satisfaction; activity and mood sink on the way there;
/// after a silence of more than 40 days a new life begins.
struct Person {
  /// Events a day and person at a pace of 1: measured over 3,000 people and 90 days.
  static let nominalEventsPerDay = 20.5

  let traits: PersonTraits
  /// Events given so far.
  private(set) var sequence: Int32 = 0
  var random: SeededRandom
  var pending: [RawEvent] = []
  var isPremium: Bool
  var openListings = 0
  var centrality: Double
  var influence: Double
  /// End of the last session.
  var clock: EventTime
  /// Activity and mood, 1: ordinary; by the day.
  private var drift = 0.0
  private var driftFactor = 1.0
  private var driftDay: Int
  private var holidayUntil = 0
  var lifeEnd: EventTime = 0
  var declineDays = 1.0
  private var nextChange: EventTime
  var head = 0
  var passive: RawEvent

  init(_ configuration: SyntheticConfiguration, number: Int) {
    random = SeededRandom(seed: configuration.seed, stream: UInt64(number))
    traits = PersonTraits(configuration, &random)
    isPremium = traits.startsPremium
    centrality = traits.centrality
    influence = traits.influence
    let spread = traits.joinsAfter == 0 ? EventTime(random.unit() * 6 * Double(Span.hour)) : 0
    clock = configuration.startTime + traits.joinsAfter + spread
    driftDay = Int(clock / Span.day)
    drift = 0.25 * random.normal()
    driftFactor = FixedMath.exp(drift)
    nextChange = clock + EventTime(random.exponential(mean: 25 * Double(Span.day)))
    passive = RawEvent(time: clock + Span.hour, kind: .notificationSent)
    beginLife(at: clock)
    pending.append(profile(.profileSnapshot, at: clock))
    planSession()
    drawPassive(after: clock + Span.hour)
  }

  /// Time of the next event.
  var nextTime: EventTime { min(pending[head].time, passive.time) }

  /// The next event and its number.
  mutating func next() -> (event: RawEvent, sequence: Int32) {
    defer { sequence += 1 }
    if passive.time < pending[head].time {
      let event = passive
      drawPassive(after: event.time)
      return (event, sequence)
    }
    let event = pending[head]
    head += 1
    if head == pending.count {
      pending.removeAll(keepingCapacity: true)
      head = 0
      planSession()
    }
    return (event, sequence)
  }

  /// 1 in ordinary times, sinking to 0 where a life ends, 0 in the silence after it.
  func vigour(at time: EventTime) -> Double {
    guard time < lifeEnd else { return 0 }
    return min(Double(lifeEnd - time) / (declineDays * Double(Span.day)), 1)
  }

  private mutating func beginLife(at time: EventTime) {
    lifeEnd = time + EventTime((1 + random.exponential(mean: traits.meanLifeDays)) * Double(Span.day))
    // One in four leaves from one day to the next.
    declineDays = random.chance(0.25) ? 1 : random.uniform(8...40)
  }

  /// Moves the clock to the next session and plans its events; never without any.
  mutating func planSession() {
    var rest = random.exponential(mean: 1)
    clock += Span.minute
    while true {
      if clock >= lifeEnd {
        clock = lifeEnd + EventTime((40 + random.exponential(mean: 120)) * Double(Span.day))
        beginLife(at: clock)
        break
      }
      let rate = hourlyRate(at: clock)
      let hourEnd = (clock / Span.hour + 1) * Span.hour
      let share = Double(hourEnd - clock) / Double(Span.hour)
      if rest < rate * share {
        clock += EventTime(rest / rate * Double(Span.hour))
        break
      }
      rest -= rate * share
      clock = hourEnd
    }
    guard clock >= nextChange else { return planEvents() }
    // Who changes something in the profile comes for it, or does it before leaving.
    let comesForIt = random.chance(0.2)
    if comesForIt { planProfileChange(at: clock - 30 * Span.second) }
    planEvents()
    if !comesForIt {
      clock += Span.second
      planProfileChange(at: clock)
    }
  }

  /// Sessions an hour.
  private mutating func hourlyRate(at time: EventTime) -> Double {
    let day = Int(time / Span.day)
    advance(to: day)
    let hour = Int(time / Span.hour) - day * 24
    let cycle =
      SyntheticCycles.hours[Int(traits.chronotype)][hour] * SyntheticCycles.weekdays[day % 7]
      * SyntheticCycles.seasons[(day % 365) * 12 / 365]
    let holiday = day < holidayUntil ? 0.05 : 1
    return traits.sessionsPerDay / 24 * driftFactor * cycle * holiday * vigour(at: time) + 1e-9
  }

  mutating func advance(to day: Int) {
    guard driftDay < day else { return }
    while driftDay < day {
      driftDay += 1
      drift = 0.96 * drift + 0.07 * random.normal()
      if driftDay >= holidayUntil, random.chance(0.003) {
        holidayUntil = driftDay + 3 + Int(random.exponential(mean: 9))
      }
    }
    driftFactor = FixedMath.exp(drift)
  }

  private mutating func planProfileChange(at time: EventTime) {
    nextChange = clock + EventTime(random.exponential(mean: 25 * Double(Span.day)))
    centrality = PersonTraits.clamp(centrality + 0.02 * random.normal(), 0, 1)
    influence = PersonTraits.clamp(influence + 0.02 * random.normal(), 0, 1)
    // Rates whose balance is 30 in 100.
    if random.chance(isPremium ? 0.035 : 0.015) { isPremium.toggle() }
    pending.append(profile(.profileChange, at: time))
  }

  private func profile(_ kind: SyntheticKind, at time: EventTime) -> RawEvent {
    RawEvent(
      time: time, kind: kind, code: isPremium ? 1 : 0, a: Int32(centrality * 10_000),
      b: Int32(influence * 10_000))
  }

  /// What happens without the person's doing: pushes, views, ratings; fewer for who is silent.
  private mutating func drawPassive(after time: EventTime) {
    let views = min(0.4 + 0.05 * Double(traits.connections).squareRoot(), 6) * (isPremium ? 1.5 : 1)
    let rates = [1.2, views, traits.isSeller ? 0.12 : 0]
    let total = rates[0] + rates[1] + rates[2]
    var at = time
    while true {
      at += EventTime(random.exponential(mean: Double(Span.day) / (total * traits.pace))) + 1
      let alive = vigour(at: at)
      switch random.pick(rates, total: total) {
      case 0:
        guard random.chance(alive > 0 ? 1 : 0.2) else { continue }
        passive = RawEvent(time: at, kind: .notificationSent)
      case 1:
        guard random.chance(0.15 + 0.85 * alive) else { continue }
        passive = RawEvent(time: at, kind: .profileViewed)
      default:
        guard random.chance(alive) else { continue }
        let rating = PersonTraits.clamp((traits.rating + 0.6 * random.normal()).rounded(), 1, 5)
        passive = RawEvent(time: at, kind: .jobRated, a: Int32(rating))
      }
      return
    }
  }
}
