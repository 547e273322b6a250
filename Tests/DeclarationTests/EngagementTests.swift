import Dataflow
import Declaration
import Events
import Features
import Foundation
import Testing

/// `pipelines/engagement.yaml`: the columns of the requirements' table, and features worked out by hand.
@Suite struct EngagementTests {
  private static func pipeline() throws -> PipelineDeclaration {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "pipelines/engagement.yaml")
    return try loadPipeline(yaml: String(contentsOf: file, encoding: .utf8))
  }

  /// The rows of the table in the requirements, section 3.1, less the id and the three targets; then section
  /// 4.4.
  private static let columns = """
    age gender location account_type avg_daily_logins avg_session_duration_min num_messages_sent_per_day
    num_events_joined_month num_new_connections_month influencer_follow_score days_since_last_login
    churn_risk_score avg_reactions_per_post avg_comments_per_post content_posts_per_week avg_scroll_depth_pct
    notification_click_rate device_type time_of_day_active friend_group_participation_score
    premium_feature_usage_rate avg_ads_engagement_rate social_influence_score match_success_rate
    profile_views_received_week gig_applications_sent_month gig_listings_active transaction_revenue_month
    content_virality_score swipe_like_ratio avg_job_completion_rating total_connections avg_sentiment_score
    content_category_primary network_centrality time_since_first_transaction_days response_time_avg_hours
    peak_activity_hour content_diversity_score referral_count session_consistency_score
    premium_features_used_count last_7_day_engagement_trend social_influence_tier trust_score
    logins_x_session_duration match_rate_x_profile_views
    """.split(whereSeparator: \.isWhitespace).map(String.init)

  @Test func itsColumnsAreThoseOfTheRequirementsInTheirOrder() throws {
    let pipeline = try Self.pipeline()
    #expect(Self.columns.count == 47)
    #expect(pipeline.features.features.filter(\.isColumn).map(\.name) == Self.columns)
    #expect(
      pipeline.models.map(\.name) == [
        "engagement", "churn", "lifetime_value", "lifetime_interval", "next_action", "content_interest",
        "unusual",
      ])
    #expect(
      pipeline.models.map(\.label) == [
        "engagement_next_day", "churn_30_day", "lifetime_value_usd", "lifetime_value_usd", "next_action",
        "content_interest", nil,
      ])
    // Whoever has trained only the first three runs with these.
    #expect(pipeline.models.map(\.isOptional) == [false, false, false, true, true, true, true])
    #expect(
      pipeline.tableFeatures == [
        "age", "location", "account_type", "social_influence_score", "transaction_revenue_month",
        "days_since_last_login", "churn_risk_score", "notification_click_rate",
      ])
  }

  @Test func itCompilesAndItsStateIsSmall() throws {
    let program = try FeatureProgram(try Self.pipeline().features)
    #expect(program.columnNames == Self.columns)
    let labels = Dictionary(uniqueKeysWithValues: zip(program.columnNames, program.columnLabels))
    #expect(labels["account_type"]?.prefix(2) == ["free", "premium"])
    #expect(labels["device_type"]?.prefix(3) == ["mobile", "desktop", "tablet"])
    #expect(labels["time_of_day_active"] == ["night", "morning", "afternoon", "evening"])
    #expect(labels["social_influence_tier"] == ["micro", "mid", "macro", "mega"])
    #expect(labels["avg_daily_logins"] == [])
    #expect(program.stateBytesEstimate.bytes < 8000, "\(program.stateBytesEstimate)")
  }

  @Test func nobodyHasNothing() throws {
    let person = try FeaturePerson(try Self.pipeline().features)
    person.engage("unheard_of", at: 100 * Span.day)
    let row = person.row(asOf: 100 * Span.day)
    for name in ["avg_daily_logins", "gig_listings_active", "transaction_revenue_month", "total_connections"]
    {
      #expect(row[name] == 0, "\(name)")
    }
    for name in [
      "age", "avg_session_duration_min", "days_since_last_login", "device_type", "swipe_like_ratio",
    ] {
      #expect(row[name]?.isNaN == true, "\(name)")
    }
    // Silent for no time, and the only day's event against a week that is a quarter of 28 days' one event.
    #expect(row["churn_risk_score"] == 0)
    #expect(row["social_influence_tier"] == 0)
  }

  @Test func purchasesAloneGiveSensibleFeatures() throws {
    let person = try FeaturePerson(try Self.pipeline().features)
    let start = 18_628 * Span.day
    person.engage("transaction", at: start, ["amount": .real(11.77), "quantity": .integer(1)])
    person.engage("transaction", at: start + 11 * Span.day, ["amount": .real(77), "quantity": .integer(5)])
    person.engage("transaction", at: start + 12 * Span.day, ["amount": .real(12), "role": .text("buyer")])
    person.engage("transaction", at: start + 13 * Span.day, ["amount": .real(9.5), "role": .text("seller")])
    var row = person.row(asOf: start + 13 * Span.day)
    #expect(row["transaction_revenue_month"] == Float(11.77 + 77 + 9.5))
    #expect(row["time_since_first_transaction_days"] == 13)
    #expect(row["churn_risk_score"] == 0)
    row = person.row(asOf: start + 41 * Span.day)
    #expect(row["transaction_revenue_month"] == 86.5)
    // Silent for 28 days: half of 1 − 2^−4, and nothing in the last week.
    #expect(row["churn_risk_score"] == Float(0.5 * (1 - 0.0625) + 0.5))
  }

  @Test func aBusyMonthByHand() throws {
    let person = try FeaturePerson(try Self.pipeline().features)
    let start = 20_000 * Span.day
    person.profile(
      at: start,
      [
        "age": .integer(34), "gender": .text("F"), "location": .text("CA"), "account_type": .text("premium"),
        "connections": .integer(1022), "network_centrality": .real(0.5), "email": .text("a@example.com"),
      ])
    for day in 0..<6 {
      let morning = start + EventTime(day) * Span.day + 8 * Span.hour
      person.engage("login", at: morning, ["device": .text(day < 4 ? "desktop" : "mobile")])
      person.engage(
        "session", at: morning + Span.minute, ["duration_min": .real(10), "scroll_depth_pct": .real(50)])
    }
    let evening = start + 5 * Span.day + 20 * Span.hour
    person.engage("connection_added", at: evening)
    person.engage("swipe", at: evening, ["liked": .flag(true)])
    person.engage("swipe", at: evening, ["liked": .flag(false)])
    person.engage("match", at: evening)
    person.engage("profile_viewed", at: evening)
    person.engage("message_sent", at: evening, ["sentiment": .real(0.5), "response_hours": .real(12)])
    person.engage(
      "post", at: evening,
      [
        "category": .text("travel"), "reactions": .integer(10), "comments": .integer(4),
        "shares": .integer(5),
        "reach": .integer(1023), "sentiment": .real(0.1),
      ])
    person.engage("notification_sent", at: evening)
    person.engage("notification_clicked", at: evening)
    person.engage("gig_listing_closed", at: evening)
    person.engage("job_rated", at: evening, ["rating": .integer(5)])
    person.engage("premium_feature_used", at: evening, ["feature": .text("boost")])
    let row = person.row(asOf: evening)
    let expected: [String: Float] = [
      "age": 34, "gender": 1, "location": 4, "account_type": 1, "avg_daily_logins": 0.2,
      "avg_session_duration_min": 10, "avg_scroll_depth_pct": 50, "device_type": 1, "time_of_day_active": 1,
      "peak_activity_hour": 8, "days_since_last_login": 0, "session_consistency_score": 0.2,
      "num_new_connections_month": 1, "total_connections": 1023, "social_influence_tier": 1,
      "social_influence_score": Float(20.0 / 34), "match_success_rate": 0.5, "swipe_like_ratio": 0.5,
      "profile_views_received_week": 1, "avg_sentiment_score": 0.3, "response_time_avg_hours": 12,
      "avg_reactions_per_post": 10, "avg_comments_per_post": 4, "content_posts_per_week": 1,
      "content_virality_score": Float(5.0 / 1023), "content_category_primary": 2,
      "content_diversity_score": 0,
      "notification_click_rate": 1, "gig_listings_active": 0, "avg_job_completion_rating": 5,
      "premium_features_used_count": 1, "premium_feature_usage_rate": Float(1.0 / 6),
      "network_centrality": 0.5,
      "num_messages_sent_per_day": Float(1.0 / 30), "logins_x_session_duration": 2,
      "match_rate_x_profile_views": 0.5,
    ]
    for (name, value) in expected { #expect(row[name] == value, "\(name)") }
    // Ratings are perfect, answers take a half-life: 0.4 + 0.3 · days/365 + 0.15.
    let days = Double(evening - (start + 8 * Span.hour)) / Double(Span.day)
    #expect(abs((row["trust_score"] ?? 0) - Float(0.55 + 0.3 * days / 365)) < 1e-6)
    #expect(row["last_7_day_engagement_trend"] ?? 0 > 0)
  }
}
