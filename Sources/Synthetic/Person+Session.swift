import Events

extension Person {
  /// Plans the session that begins at `clock`, and moves `clock` to its end.
  mutating func planEvents() {
    let mood = 0.4 + 0.6 * vigour(at: clock)
    let begin = clock
    if random.chance(traits.pushClicks * mood) {
      pending.append(RawEvent(time: begin - 20 * Span.second, kind: .notificationSent))
      pending.append(RawEvent(time: begin - 2 * Span.second, kind: .notificationClicked))
    }
    let device = random.chance(0.85) ? traits.device : UInt8(random.below(SyntheticWords.devices.count))
    pending.append(RawEvent(time: begin, kind: .login, code: device))
    let minutes = PersonTraits.clamp(
      random.logNormal(median: traits.sessionMinutes, deviation: 0.3) * mood, 0.5, 240)
    let length = minutes * Double(Span.minute)
    let actions = random.poisson(mean: minutes * traits.actionsPerMinute)
    var at = begin
    for left in stride(from: actions, to: 0, by: -1) {
      // The rest of the time, cut into `left + 1` parts.
      let rest = max(Double(begin - at) + length, 0)
      at += EventTime(rest * (1 - root(random.unit(), left))) + 1
      act(at: at, mood: mood)
      at = pending[pending.count - 1].time
    }
    clock = max(begin + EventTime(length), (pending.last?.time ?? begin) + Span.second)
    let depth = PersonTraits.clamp(traits.scrollDepth * mood + 10 * random.normal(), 0, 100)
    pending.append(
      RawEvent(
        time: clock, kind: .session, a: Int32((Double(clock - begin) / Double(Span.minute) * 100).rounded()),
        b: Int32((depth * 10).rounded())))
  }

  /// u^(1/n): the least of n uniform points is 1 − that.
  private func root(_ u: Double, _ n: Int) -> Double {
    n == 1 ? u : FixedMath.exp(FixedMath.log(u + 1e-18) / Double(n))
  }

  private mutating func act(at time: EventTime, mood: Double) {
    guard let action = SessionAction(rawValue: random.pick(traits.actionWeights, total: traits.actionTotal))
    else { return }
    switch action {
    case .message: pending.append(message(at: time, mood: mood))
    case .post: pending.append(post(at: time, mood: mood))
    case .swipe: swipe(at: time)
    case .group: pending.append(RawEvent(time: time, kind: .groupActivity))
    case .advertisement: advertisement(at: time, mood: mood)
    case .connection: pending.append(RawEvent(time: time, kind: .connectionAdded))
    case .application: pending.append(RawEvent(time: time, kind: .gigApplicationSent))
    case .listing: listing(at: time)
    case .transaction: pending.append(transaction(at: time))
    case .premium:
      let most = isPremium ? SyntheticWords.premiumFeatures.count : 2
      pending.append(RawEvent(time: time, kind: .premiumFeatureUsed, code: UInt8(random.below(most))))
    case .event: pending.append(RawEvent(time: time, kind: .eventJoined))
    case .referral: pending.append(RawEvent(time: time, kind: .referral))
    }
  }

  private mutating func sentiment(mood: Double) -> Int32 {
    let value = traits.sentiment - 0.5 * (1 - mood) + 0.22 * random.normal()
    return Int32((PersonTraits.clamp(value, -0.8, 0.9) * 1000).rounded())
  }

  private mutating func message(at time: EventTime, mood: Double) -> RawEvent {
    var event = RawEvent(time: time, kind: .messageSent, a: sentiment(mood: mood), b: -1)
    if random.chance(0.6) {
      let hours = random.exponential(mean: traits.responseHours * (2 - mood))
      event.b = Int32((min(hours, 720) * 100).rounded())
    }
    return event
  }

  private mutating func post(at time: EventTime, mood: Double) -> RawEvent {
    let isFavourite = random.chance(PersonTraits.favouriteChance)
    let category = isFavourite ? traits.category : UInt8(random.below(SyntheticWords.categories.count))
    let reach = min(Double(traits.connections) * random.logNormal(median: 0.3, deviation: 0.7) + 5, 1e6)
    let reactions = reach * PersonTraits.clamp(random.logNormal(median: 0.05, deviation: 0.6), 0, 0.8)
    let comments = reactions * random.uniform(0.05...0.3)
    let shares = min(reach * traits.virality * random.uniform(0.5...1.5), reach)
    // The five numbers of a post share four fields: comments are kept as thousandths of reactions.
    let ratio = Int32(comments / max(reactions, 1) * 1000)
    return RawEvent(
      time: time, kind: .post, code: category, a: Int32(reach), b: Int32(reactions), c: Int32(shares),
      d: ratio << 16 | (sentiment(mood: mood) + 1000))
  }

  private mutating func swipe(at time: EventTime) {
    for index in 0...random.poisson(mean: 3) {
      let likes = random.chance(traits.likes)
      let at = time + EventTime(index * 4) * Span.second
      pending.append(RawEvent(time: at, kind: .swipe, code: likes ? 1 : 0))
      if likes && random.chance(traits.attraction) {
        pending.append(RawEvent(time: at + Span.second, kind: .match))
      }
    }
  }

  private mutating func advertisement(at time: EventTime, mood: Double) {
    pending.append(RawEvent(time: time, kind: .adShown))
    if random.chance(traits.adClicks * mood) {
      pending.append(RawEvent(time: time + 3 * Span.second, kind: .adClicked))
    }
  }

  private mutating func listing(at time: EventTime) {
    let opens = openListings == 0 || openListings < 6 && random.chance(0.55)
    openListings += opens ? 1 : -1
    pending.append(RawEvent(time: time, kind: opens ? .gigListingOpened : .gigListingClosed))
  }

  private mutating func transaction(at time: EventTime) -> RawEvent {
    let cents = min(random.logNormal(median: traits.amountUSD, deviation: 0.4) * 100, 1e6)
    let sells = traits.isSeller && random.chance(0.75)
    return RawEvent(
      time: time, kind: .transaction, code: sells ? 0 : 1, a: Int32(cents.rounded()),
      b: Int32(1 + random.poisson(mean: 0.4)))
  }
}
