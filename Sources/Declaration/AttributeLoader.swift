import Features

/// Whose attribute it is: an event's numbers are held in windows, a profile's as they are.
enum AttributeOwner { case profile, event }

extension FeatureSetLoader {
  /// Default bounds of a number.
  private static let magnitudeMax = 1e9
  /// Default decimals of an event's number.
  private static let decimals = 6
  private static let types = ["number", "category", "text", "flag"]

  static func attributes(
    _ section: YAMLSection?, of owner: AttributeOwner
  ) throws(DeclarationError) -> [AttributeDeclaration] {
    var attributes: [AttributeDeclaration] = []
    for entry in section?.entries ?? [] {
      try Names.checkIdentifier(entry.key, at: entry.position)
      attributes.append(
        AttributeDeclaration(
          name: entry.key, type: try type(entry.value, of: owner), isExact: try isExact(entry.value),
          position: entry.position))
    }
    return attributes
  }

  /// `{type: number, min: 0}`, or the type alone.
  private static func type(
    _ value: YAMLValue, of owner: AttributeOwner
  ) throws(DeclarationError) -> AttributeType {
    guard value.isSection else {
      switch try value.choice(of: types) {
      case "number": return .number(decimals: decimals, minimum: -magnitudeMax, maximum: magnitudeMax)
      case "text": return .text
      case "flag": return .flag
      default: throw value.wrong(allowed: "{type: category, vocabulary: [its, words]}")
      }
    }
    let section = try value.section()
    switch try section.required("type").choice(of: types) {
    case "number": return try number(section, of: owner)
    case "category":
      try section.allow(["type", "vocabulary"])
      return .category(try words(section.required("vocabulary")))
    case "text":
      try section.allow(["type"])
      return .text
    default:
      try section.allow(["type"])
      return .flag
    }
  }

  /// Whoever writes `decimals` says what the numbers are, so one with more is a mistake, unless `round: true` stands
  /// beside it.
  private static func isExact(_ value: YAMLValue) throws(DeclarationError) -> Bool {
    guard value.isSection else { return false }
    let section = try value.section()
    guard section["decimals"] != nil else {
      guard let round = section["round"] else { return false }
      throw round.wrong(
        allowed: "round beside decimals (without decimals numbers are rounded to \(decimals))")
    }
    return try section["round"]?.bool() != true
  }

  private static func number(
    _ section: YAMLSection, of owner: AttributeOwner
  ) throws(DeclarationError) -> AttributeType {
    try section.allow(
      owner == .event ? ["type", "min", "max", "decimals", "round"] : ["type", "min", "max"])
    let decimals = try section["decimals"]?.int(in: 0...9) ?? decimals
    // Held as whole numbers of 10^-decimals, bounds must leave room in 64 bits.
    let limit = owner == .event ? 0x1p62 / power(ofTen: decimals) : Double.greatestFiniteMagnitude
    let minimum = try section["min"]?.number(in: -limit...limit) ?? -magnitudeMax
    let maximum = try section["max"]?.number(in: -limit...limit) ?? magnitudeMax
    guard minimum < maximum else {
      let value = try section.required(section["max"] == nil ? "min" : "max")
      throw value.wrong(allowed: "min below max (by default -1e9 and 1e9)")
    }
    return .number(decimals: decimals, minimum: minimum, maximum: maximum)
  }

  private static func power(ofTen exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { product, _ in product * 10 }
  }
}
