import Declaration
import Features
import Testing

/// A small valid pipeline; tests break one place of it.
let small = """
  pipeline: small
  idle_ttl: 400d
  future_bound: 10m
  profile:
    age: {type: number, min: 13, max: 120}
    plan: {type: category, vocabulary: [free, premium]}
    vip: flag
  events:
    login:
    session:
      minutes: {type: number, min: 0, max: 1440, decimals: 3}
      note: text
  let:
    logins: count(login, 30d)
  features:
    daily: logins / 30
    plan_code: 'profile.plan'
    hour:
      value: "bucket(daily, 1)"
      labels: [low, high]
  models:
    first: {file: first.json, label: y, objective: "binary:logistic"}
    second: {file: second.ubj}
  decisions:
    - clamp: {output: first, min: 0, max: 1}
    - category: {name: level, output: first, thresholds: {high: 0.7, medium: 0.4}, otherwise: low}
    - trigger: {name: act, output: second, above: 0.7}
  table:
    features: [daily, hour]
  views:
    best: select * from scores where first >= 0.5 ;
    twice:
      postgres: |
        WITH s AS (SELECT 1)
        SELECT * FROM s
  board: {order_by: first, show: [second, act]}
  """

/// `small` with one place changed; the place must exist once.
func broken(_ place: String, _ replacement: String) -> String {
  let parts = small.split(separator: place, omittingEmptySubsequences: false)
  guard parts.count == 2 else {
    Issue.record("the fixture has no single place \(place)")
    return small
  }
  return parts[0] + replacement + parts[1]
}

/// The error of loading; nil: none.
func loadError(_ yaml: String) -> DeclarationError? {
  do {
    _ = try loadPipeline(yaml: yaml)
    return nil
  } catch {
    return error
  }
}
