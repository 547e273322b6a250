import Events

/// How well the labels of a history can be foretold at best.
///
/// At each label's moment everything hidden about the person is known (the traits, the drift of the activity, the decline
/// that has begun, what a session underway still brings); only what is drawn later is drawn anew, `futures`
/// times. How much these futures differ is what no model can know. Models see events only and reach less.
public struct SyntheticCeiling: Sendable, Equatable {
  /// Moments looked at.
  public private(set) var moments = 0
  /// Greatest R² of `engagement_next_day`: 1 − the variance among futures over the variance of labels.
  public private(set) var engagementRSquared = 0.0
  /// Greatest R² of `lifetime_value_usd`.
  public private(set) var lifetimeValueRSquared = 0.0
  /// Share of churners among the moments.
  public private(set) var churnShare = 0.0
  /// Greatest area under the curve of `churn_30_day`, by the share of futures in which the person churns.
  public private(set) var churnAUC = 0.0
  /// Greatest share of right answers for `next_action`, by the action that most futures begin with.
  public private(set) var nextActionAccuracy = 0.0
  /// Share of the commonest `next_action`, which one reaches without knowing anything.
  public private(set) var nextActionCommonest = 0.0
  /// Greatest share of right answers for `content_interest` from the posts before the moment: the mean
  /// probability of the likeliest interest (all of the evidence there is; the hidden truth itself is 1).
  public private(set) var contentInterestAccuracy = 0.0

  /// Looks at all labels of the history that `configuration` describes, with so many futures, at least 2, of each.
  ///
  /// Each future is 180 days of a life.
  public init(_ configuration: SyntheticConfiguration, futures: Int) {
    precondition(futures >= 2)
    var totals = CeilingTotals()
    for customer in 0..<configuration.customers {
      totals.add(configuration, customer: customer, futures: futures)
    }
    moments = totals.churn.count
    guard moments > 0 else { return }
    engagementRSquared = totals.engagement.rSquared
    lifetimeValueRSquared = totals.value.rSquared
    churnShare = Double(totals.churn.filter(\.churns).count) / Double(moments)
    churnAUC = totals.churnAUC
    let acted = Double(totals.actions.values.reduce(0, +))
    nextActionAccuracy = Double(totals.actionsRight) / max(acted, 1)
    nextActionCommonest = Double(totals.actions.values.max() ?? 0) / max(acted, 1)
    contentInterestAccuracy = totals.interest / Double(moments)
  }
}

/// A label's values over all moments, and how much the futures of each differ.
private struct Spread {
  private var count = 0.0
  private var mean = 0.0
  private var squares = 0.0
  private var within = 0.0

  /// Adds a moment's label and those of its futures.
  mutating func add(_ label: Double, futures: [Double]) {
    count += 1
    let difference = label - mean
    mean += difference / count
    squares += difference * (label - mean)
    let middle = futures.reduce(0, +) / Double(futures.count)
    within += futures.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / Double(futures.count - 1)
  }

  var rSquared: Double { squares > 0 ? 1 - within / squares : 0 }
}

private struct CeilingTotals {
  var engagement = Spread()
  var value = Spread()
  var churn: [(share: Double, churns: Bool)] = []
  var actions: [SyntheticAction: Int] = [:]
  var actionsRight = 0
  var interest = 0.0

  mutating func add(_ configuration: SyntheticConfiguration, customer: Int, futures: Int) {
    var forks = Forks(configuration, customer: customer, futures: futures)
    while let fork = forks.next() {
      add(fork.label, fork.futures)
      interest += Self.likeliest(fork.posts)
    }
  }

  private mutating func add(_ label: SyntheticLabel, _ futures: [SyntheticLabel]) {
    engagement.add(label.engagementNextDay, futures: futures.map(\.engagementNextDay))
    value.add(label.lifetimeValueUSD, futures: futures.map(\.lifetimeValueUSD))
    churn.append((Double(futures.filter(\.churns).count) / Double(futures.count), label.churns))
    guard let action = label.nextAction else { return }
    actions[action, default: 0] += 1
    var votes: [SyntheticAction: Int] = [:]
    for future in futures { if let drawn = future.nextAction { votes[drawn, default: 0] += 1 } }
    let likeliest = SyntheticAction.allCases.max { votes[$0, default: 0] < votes[$1, default: 0] }
    if likeliest == action { actionsRight += 1 }
  }

  /// Probability of the likeliest interest after so many posts of each category.
  private static func likeliest(_ posts: [Int]) -> Double {
    let most = posts.max() ?? 0
    let other = (1 - PersonTraits.favouriteChance) / Double(posts.count)
    let ratio = FixedMath.log((PersonTraits.favouriteChance + other) / other)
    return 1 / posts.reduce(0) { $0 + FixedMath.exp(max(Double($1 - most) * ratio, -600)) }
  }

  /// Share of pairs of a churner and a stayer that the shares of futures put in order; ties count half.
  var churnAUC: Double {
    let sorted = churn.sorted { $0.share < $1.share }
    var below = 0.0
    var ordered = 0.0
    var index = 0
    while index < sorted.count {
      var end = index
      var stayers = 0.0
      var churners = 0.0
      while end < sorted.count && sorted[end].share == sorted[index].share {
        if sorted[end].churns { churners += 1 } else { stayers += 1 }
        end += 1
      }
      ordered += churners * (below + stayers / 2)
      below += stayers
      index = end
    }
    let pairs = below * (Double(sorted.count) - below)
    return pairs > 0 ? ordered / pairs : 0.5
  }
}

/// A person's moments with some futures of each: what became of the person, and what might have.
struct Forks: IteratorProtocol {
  struct Fork {
    var label: SyntheticLabel
    var futures: [SyntheticLabel]
    /// Posts before the moment, by category.
    var posts: [Int]
  }

  private let futures: Int
  private var labels: ArraySlice<SyntheticLabel>
  private var person: Person
  /// The person before the last event of the latest plan.
  private var before: Person
  private var posts = [Int](repeating: 0, count: SyntheticWords.categories.count)
  private var random: SeededRandom

  init(_ configuration: SyntheticConfiguration, customer: Int, futures: Int) {
    self.futures = futures
    var future = Future(configuration, customer: customer)
    labels = future.labels()[...]
    person = Person(configuration, number: customer)
    before = person
    random = SeededRandom(seed: configuration.seed ^ 0x6365_696c, stream: UInt64(customer))
  }

  mutating func next() -> Fork? {
    guard let label = labels.popFirst() else { return nil }
    while person.nextTime < label.time {
      if person.plansNext { before = person }
      let event = person.next().event
      if event.kind == .post { posts[Int(event.code)] += 1 }
    }
    var drawn: [SyntheticLabel] = []
    for _ in 0..<futures {
      let seed = SeededRandom(seed: random.bits(), stream: 0)
      let other =
        person.isUnderway
        ? person.withAnotherLife(after: label.time, seed) : before.withAnotherSession(after: label.time, seed)
      var future = Future(of: other, customer: label.customer, at: label.time)
      drawn += future.labels()
    }
    return Fork(label: label, futures: drawn, posts: posts)
  }
}
