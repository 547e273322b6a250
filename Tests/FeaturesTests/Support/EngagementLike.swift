import Events
import Features
import TestNumbers

private func attribute(_ name: String, _ type: AttributeType) -> AttributeDeclaration {
  AttributeDeclaration(name: name, type: type, position: somewhere)
}

private let real = AttributeType.number(decimals: 6, minimum: -1e9, maximum: 1e9)
private let devices = AttributeType.category(["mobile", "desktop", "tablet"])
private let topics = AttributeType.category([
  "tech", "food", "travel", "fitness", "fashion", "gaming", "music", "art", "sports", "business", "education",
  "lifestyle",
])

/// A feature set of the size and shape of the engagement pipeline: 47 columns over a dozen event types.
func engagementLike() -> FeatureSetDeclaration {
  func event(_ name: String, _ attributes: [AttributeDeclaration] = []) -> EventTypeDeclaration {
    EventTypeDeclaration(name: name, attributes: attributes, position: somewhere)
  }
  return FeatureSetDeclaration(
    profile: [
      attribute("age", real), attribute("gender", .category(["female", "male", "nonbinary"])),
      attribute("location", .category(["CA", "NY", "TX", "WA"])),
      attribute("account_type", .category(["free", "premium"])), attribute("network_centrality", real),
      attribute("followers", real), attribute("email", .text),
    ],
    events: [
      event("login", [attribute("device", devices)]),
      event("session", [attribute("duration_min", real), attribute("scroll_depth", real)]),
      event("message", [attribute("sentiment", real), attribute("response_hours", real)]),
      event("post", [attribute("category", topics), attribute("sentiment", real)]),
      event(
        "post_stats", [attribute("reactions", real), attribute("comments", real), attribute("shares", real)]),
      event("notification", [attribute("clicked", .flag)]), event("ad", [attribute("clicked", .flag)]),
      event("swipe", [attribute("liked", .flag), attribute("matched", .flag)]),
      event("connection"), event("referral"), event("profile_view"), event("event_joined"),
      event("gig_application"),
      event("gig_listed"), event("gig_closed"), event("transaction", [attribute("amount", real)]),
      event("job_rating", [attribute("stars", real)]), event("feature_used", [attribute("name", .text)]),
    ],
    features: engagementFeatures.map {
      FeatureDeclaration(name: $0.0, expression: $0.1, isColumn: true, labels: [], position: somewhere)
    }, idleTTL: nil)
}

private let engagementFeatures: [(String, String)] = [
  ("age", "profile.age"), ("gender", "profile.gender"), ("location", "profile.location"),
  ("account_type", "profile.account_type"), ("avg_daily_logins", "count(login, 30d) / 30"),
  ("avg_session_duration_min", "mean(session.duration_min, 30d)"),
  ("messages_per_day", "count(message, 30d) / 30"),
  ("events_joined_month", "count(event_joined, 30d)"), ("new_connections_month", "count(connection, 30d)"),
  ("influencer_follow_score", "clamp(log2(1 + profile.followers) / 20, 0, 1)"),
  ("days_since_last_login", "days_since(login)"), ("trend", "slope(count(any), 7d)"),
  ("churn_risk_score", "clamp(days_since_last_login / 30 - trend / 10, 0, 1)"),
  ("avg_reactions_per_post", "mean(post_stats.reactions, 30d)"),
  ("avg_comments_per_post", "mean(post_stats.comments, 30d)"), ("posts_per_week", "count(post, 7d)"),
  ("avg_scroll_depth", "mean(session.scroll_depth, 30d)"),
  ("notification_click_rate", "mean(notification.clicked, 30d)"),
  ("device_type", "mode(login.device, 30d)"), ("time_of_day", "bucket(peak_hour(any, 30d), 6, 12, 18)"),
  ("group_participation", "ratio(count(event_joined, 30d), count(any, 30d))"),
  ("premium_usage_rate", "ratio(count(feature_used, 30d), count(session, 30d))"),
  ("ads_engagement", "mean(ad.clicked, 30d)"), ("social_influence", "log2(1 + sum(post_stats.shares, 30d))"),
  ("match_success_rate", "mean(swipe.matched, 30d)"), ("profile_views_week", "count(profile_view, 7d)"),
  ("gig_applications_month", "count(gig_application, 30d)"), ("gigs_active", "gauge(gig_listed, gig_closed)"),
  ("revenue_month", "sum(transaction.amount, 30d)"),
  ("virality", "ratio(sum(post_stats.shares, 30d), sum(post_stats.reactions, 30d))"),
  ("like_ratio", "mean(swipe.liked, 30d)"), ("job_rating", "mean(job_rating.stars)"),
  ("total_connections", "count(connection)"), ("avg_sentiment", "mean(message.sentiment, 30d)"),
  ("category_primary", "mode(post.category, 90d)"), ("network_centrality", "profile.network_centrality"),
  ("since_first_transaction", "days_since_first(transaction)"),
  ("response_time", "mean(message.response_hours, 30d)"),
  ("peak_hour", "peak_hour(any, 30d)"), ("diversity", "entropy(post.category, 90d)"),
  ("referrals", "count(referral)"),
  ("consistency", "active_days(login, 30d)"), ("features_used", "distinct(feature_used.name, 30d)"),
  ("influence_tier", "bucket(profile.followers, 1000, 10000, 100000)"),
  ("trust", "least(1, count(job_rating) / 20)"),
  ("logins_x_session", "avg_daily_logins * avg_session_duration_min"),
  ("match_x_views", "match_success_rate * profile_views_week"),
]

/// A person who is active on half of the days, in two hours of such a day.
struct Person {
  private var random: SeededGenerator
  private var today: EventTime = 20_000
  private var number = 0

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// The next day's events.
  mutating func day() -> [TestEvent] {
    today += 1
    if number == 0 { return [profile()] }
    guard random.chance(50) else { return [] }
    var events: [TestEvent] = []
    for hour in [9, 20] {
      for minute in 0..<(4 + random.below(8)) {
        events.append(event(today * Span.day + EventTime(hour) * Span.hour + EventTime(minute) * Span.minute))
      }
    }
    return events
  }

  private mutating func profile() -> TestEvent {
    number += 1
    return TestEvent(
      kind: .profileSnapshot, id: "p", time: today * Span.day,
      attributes: [
        ("age", .integer(33)), ("gender", .text("female")), ("location", .text("CA")),
        ("account_type", .text("premium")), ("network_centrality", .real(0.031)),
        ("followers", .integer(2500)),
      ])
  }

  mutating func event(_ time: EventTime) -> TestEvent {
    number += 1
    var event = TestEvent(type: "", id: "e\(number)", time: time)
    let unit = Double(random.below(1000)) / 1000
    switch random.below(14) {
    case 0, 1:
      (event.type, event.attributes) = ("login", [("device", .text(random.pick(["mobile", "desktop"])))])
    case 2, 3:
      (event.type, event.attributes) = (
        "session", [("duration_min", .real(40 * unit)), ("scroll_depth", .real(unit))]
      )
    case 4, 5:
      (event.type, event.attributes) = (
        "message", [("sentiment", .real(unit)), ("response_hours", .real(24 * unit))]
      )
    case 6:
      (event.type, event.attributes) = ("post", [("category", .text(random.pick(["tech", "food", "art"])))])
    case 7:
      (event.type, event.attributes) = (
        "post_stats", [("reactions", .integer(9)), ("comments", .integer(2)), ("shares", .integer(1))]
      )
    case 8: (event.type, event.attributes) = ("notification", [("clicked", .flag(random.chance(50)))])
    case 9: (event.type, event.attributes) = ("swipe", [("liked", .flag(true)), ("matched", .flag(false))])
    case 10:
      (event.type, event.attributes) = ("feature_used", [("name", .text("feature-\(random.below(9))"))])
    case 11: event.type = random.pick(["connection", "profile_view", "referral", "event_joined"])
    case 12: (event.type, event.attributes) = ("transaction", [("amount", .real(50 * unit))])
    default: (event.type, event.attributes) = ("ad", [("clicked", .flag(false))])
    }
    return event
  }
}
