import Events

/// Takes an event's attributes one after the other.
protocol AttributeVisitor {
  mutating func flag(_ name: StaticString, _ value: Bool)
  mutating func integer(_ name: StaticString, _ value: Int64)
  /// `value` / 10^`decimals`.
  mutating func real(_ name: StaticString, _ value: Int64, decimals: Int)
  mutating func text(_ name: StaticString, _ value: StaticString)
  /// Bytes of printable ASCII without quotes.
  mutating func text(_ name: StaticString, bytes: [UInt8])
  mutating func null(_ name: StaticString)
}

extension SyntheticEvent {
  /// Gives all attributes to a visitor.
  func visit<Visitor: AttributeVisitor>(_ visitor: inout Visitor) {
    switch raw.kind {
    case .profileSnapshot, .profileChange: visitProfile(&visitor)
    case .login: visitor.text("device", SyntheticWords.devices[Int(raw.code)])
    case .session:
      visitor.real("duration_min", Int64(raw.a), decimals: 2)
      visitor.real("scroll_depth_pct", Int64(raw.b), decimals: 1)
    case .premiumFeatureUsed: visitor.text("feature", SyntheticWords.premiumFeatures[Int(raw.code)])
    case .messageSent:
      visitor.real("sentiment", Int64(raw.a), decimals: 3)
      if raw.b >= 0 { visitor.real("response_hours", Int64(raw.b), decimals: 2) }
    case .post: visitPost(&visitor)
    case .swipe: visitor.flag("liked", raw.code == 1)
    case .jobRated: visitor.integer("rating", Int64(raw.a))
    case .transaction:
      visitor.real("amount", Int64(raw.a), decimals: 2)
      visitor.integer("quantity", Int64(raw.b))
      visitor.text("role", raw.code == 0 ? "seller" : "buyer")
    default: break
    }
  }

  private func visitPost<Visitor: AttributeVisitor>(_ visitor: inout Visitor) {
    visitor.text("category", SyntheticWords.categories[Int(raw.code)])
    visitor.integer("reach", Int64(raw.a))
    visitor.integer("reactions", Int64(raw.b))
    visitor.integer("comments", Int64(raw.b) * Int64(raw.d >> 16) / 1000)
    visitor.integer("shares", Int64(raw.c))
    visitor.real("sentiment", Int64(raw.d & 0xffff) - 1000, decimals: 3)
  }

  private func visitProfile<Visitor: AttributeVisitor>(_ visitor: inout Visitor) {
    if raw.kind == .profileSnapshot {
      let traits = population.traits(customer)
      let first = SyntheticWords.firstNames[Int(traits.firstName)]
      let last = SyntheticWords.lastNames[Int(traits.lastName)]
      visitor.text("full_name", bytes: fullName(first, last))
      visitor.text("email", bytes: email(first, last))
      visitor.integer("age", Int64(traits.age))
      visitor.text("gender", SyntheticWords.genders[Int(traits.gender)])
      visitor.text("location", SyntheticWords.states[Int(traits.state)].code)
      visitor.integer("connections", Int64(traits.connections))
    }
    visitor.text("account_type", raw.code == 1 ? "premium" : "free")
    visitor.real("network_centrality", Int64(raw.a), decimals: 4)
    visitor.real("influencer_follow_score", Int64(raw.b), decimals: 4)
    // Now and then a person withdraws a statement.
    if raw.kind == .profileChange && raw.a % 13 == 0 { visitor.null("gender") }
  }

  private func fullName(_ first: StaticString, _ last: StaticString) -> [UInt8] {
    var bytes: [UInt8] = []
    Self.append(first, to: &bytes)
    Self.append(" ", to: &bytes)
    Self.append(last, to: &bytes)
    return bytes
  }

  private func email(_ first: StaticString, _ last: StaticString) -> [UInt8] {
    var bytes: [UInt8] = []
    Self.append(first, to: &bytes)
    Self.append(".", to: &bytes)
    Self.append(last, to: &bytes)
    Decimal.append(Int64(customer), to: &bytes)
    Self.append("@example.com", to: &bytes)
    return bytes
  }
}
