import Events
import Features

// Also compiled into the fuzzing targets: scripts/fuzz.sh.

let somewhere = SourcePosition(line: 1, column: 1)

/// A declaration of what the samples' events carry, with features given as (name, expression).
func declaration(
  _ features: [(String, String)], idleTTL: EventTime? = nil, labels: [String: [String]] = [:]
) -> FeatureSetDeclaration {
  func attribute(_ name: String, _ type: AttributeType) -> AttributeDeclaration {
    AttributeDeclaration(name: name, type: type, position: somewhere)
  }
  let money = AttributeType.number(decimals: 2, minimum: -1e6, maximum: 1e6)
  let real = AttributeType.number(decimals: 6, minimum: -1e9, maximum: 1e9)
  return FeatureSetDeclaration(
    profile: [
      attribute("age", real), attribute("plan", .category(["free", "premium"])), attribute("optin", .flag),
      attribute("email", .text),
    ],
    events: [
      EventTypeDeclaration(
        name: "login", attributes: [attribute("device", .category(["mobile", "desktop", "tablet"]))],
        position: somewhere),
      EventTypeDeclaration(
        name: "session",
        attributes: [
          attribute("minutes", real), attribute("device", .category(["mobile", "desktop", "tablet"])),
          attribute("premium", .flag),
        ], position: somewhere),
      EventTypeDeclaration(
        name: "buy",
        attributes: [
          attribute("amount", money), attribute("sku", .text),
          attribute("topic", .category(["tech", "food", "travel", "fitness"])),
        ], position: somewhere),
    ],
    features: features.map {
      FeatureDeclaration(
        name: $0.0, expression: $0.1, isColumn: true, labels: labels[$0.0] ?? [], position: somewhere)
    }, idleTTL: idleTTL)
}

/// Features with every kind of series and component, few enough to feed many events.
let everySeries: [(String, String)] = [
  ("c", "count(any, 12h) + count(any, 90d) + count(login where device == \"mobile\", 30d)"),
  ("m", "mean(buy.amount, 30d) + min(buy.amount, 30d) + max(buy.amount, 2d)"),
  ("fl", "first(buy.amount) + last(buy.amount, 30d) + last(session.premium)"),
  ("t", "distinct(buy.topic, 30d) + entropy(buy.topic)"), ("mode", "mode(buy.topic, 61d)"),
  ("last", "last(buy.topic)"), ("skus", "distinct(buy.sku, 3d)"), ("all_skus", "distinct(buy.sku)"),
  ("peak", "peak_hour(any) + peak_hour(login, 30d)"),
  ("s", "slope(count(any), 7d) + active_days(any, 30d)"),
  ("since", "days_since(login) + hours_since_first(any)"),
  ("d", "decayed(any, 6h) + decayed(any, 7d) + decayed(buy.amount, 7d)"),
  ("p", "profile.age"), ("q", "profile.plan"), ("r", "profile.optin"),
]
