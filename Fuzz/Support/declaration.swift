import Features

private let somewhere = SourcePosition(line: 1, column: 1)

/// A declaration of what the inputs' events carry, with features given as (name, expression).
func declaration(
  _ features: [(String, String)]
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
        name: $0.0, expression: $0.1, isColumn: true, labels: [], position: somewhere)
    }, idleTTL: nil)
}
