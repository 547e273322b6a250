/// Views for people and dashboards, over the outputs `engagement` and
/// `churn` and the features that they show. A view is made when all its columns are there.
struct TableViews {
  /// Names of all views.
  static let names = ["high_value_customers", "at_risk_customers", "model_performance"]

  private let types: [String: [String: String]]
  private let dialect: TableDialect

  /// `types`: each table's columns with their types.
  init(_ types: [String: [String: String]], _ dialect: TableDialect) {
    self.types = types
    self.dialect = dialect
  }

  /// The views that can be made now, by name.
  var definitions: [(name: String, select: String)] {
    [
      (Self.names[0], highValueCustomers), (Self.names[1], atRiskCustomers),
      (Self.names[2], modelPerformance),
    ].compactMap { name, select in select.map { (name, $0) } }
  }

  /// Premium people with high predicted engagement.
  private var highValueCustomers: String? {
    guard has("latest_scores", ["age", "location", "social_influence_score", "transaction_revenue_month"]),
      has("latest_scores", ["engagement"]), types["latest_scores"]?["account_type"] == "text"
    else { return nil }
    return """
      SELECT pipeline, entity_id AS customer_id, age, location, account_type,
        engagement AS predicted_engagement_score, social_influence_score, transaction_revenue_month, as_of
      FROM latest_scores
      WHERE engagement >= \(Self.high) AND account_type = 'premium'
      ORDER BY engagement DESC
      """
  }

  /// People with low predicted engagement or a high churn risk; predicted churn too where a model gives it.
  private var atRiskCustomers: String? {
    let columns = ["age", "location", "days_since_last_login", "churn_risk_score", "notification_click_rate"]
    guard has("latest_scores", columns + ["engagement"]) else { return nil }
    let churn = has("latest_scores", ["churn"]) ? ", churn AS predicted_churn" : ""
    return """
      SELECT pipeline, entity_id AS customer_id, age, location, days_since_last_login,
        engagement AS predicted_engagement_score, churn_risk_score, notification_click_rate, as_of\(churn)
      FROM latest_scores
      WHERE engagement < \(Self.atRisk) OR churn_risk_score > 0.5
      ORDER BY churn_risk_score DESC
      """
  }

  /// What each model version said. Errors need the actual score, which no event carries: this view
  /// summarises the predictions themselves.
  private var modelPerformance: String? {
    guard has("scores", ["engagement"]) else { return nil }
    let deviation =
      switch dialect {
      case .postgres: "stddev_samp(engagement)"
      case .sqlite:
        "sqrt(max(sum(engagement * engagement) - sum(engagement) * avg(engagement), 0) "
          + "/ nullif(count(engagement) - 1, 0))"
      }
    return """
      SELECT pipeline, model_versions AS model_version, count(*) AS total_predictions,
        avg(engagement) AS avg_score, \(deviation) AS stddev_score,
        min(engagement) AS min_score, max(engagement) AS max_score,
        sum(CASE WHEN engagement >= \(Self.high) THEN 1 ELSE 0 END) AS high_count,
        sum(CASE WHEN engagement >= \(Self.medium) AND engagement < \(Self.high) THEN 1 ELSE 0 END)
          AS medium_count,
        sum(CASE WHEN engagement < \(Self.medium) THEN 1 ELSE 0 END) AS low_count
      FROM scores
      GROUP BY pipeline, model_versions
      """
  }

  private func has(_ table: String, _ columns: [String]) -> Bool {
    columns.allSatisfy { types[table]?[$0] != nil }
  }

  // Scores are 32-bit floats, and 0.7 as such is a little less than 0.7: the thresholds must be, too.
  private static let high = Double(0.7 as Float)
  private static let medium = Double(0.4 as Float)
  private static let atRisk = Double(0.3 as Float)
}
