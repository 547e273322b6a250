import Features

/// Whose attribute it is: an event's numbers are held in windows, a profile's as they are.
enum AttributeOwner { case profile, event }

extension FeatureSetLoader {
  /// Default bounds of a number.
  private static let magnitudeMax = 1e9
  /// Default decimals of an event's number.
  private static let decimals = 6
  private static let types = ["number", "category", "text", "flag", "list"]

  static func attributes(
    _ section: YAMLSection?, of owner: AttributeOwner
  ) throws(DeclarationError) -> [AttributeDeclaration] {
    var attributes: [AttributeDeclaration] = []
    for entry in section?.entries ?? [] {
      try Names.checkIdentifier(entry.key, at: entry.position)
      attributes.append(try attribute(entry.key, entry.value, of: owner, at: entry.position))
    }
    return attributes
  }

  private static func attribute(
    _ name: String, _ value: YAMLValue, of owner: AttributeOwner, at position: SourcePosition
  ) throws(DeclarationError) -> AttributeDeclaration {
    let type = try type(value, of: owner)
    let section = value.isSection ? try value.section() : nil
    let wrong = try section?["wrong"]?.choice(of: WrongValue.allCases.map(\.rawValue))
    return AttributeDeclaration(
      name: name, type: type, isExact: try isExact(value),
      wrong: wrong.flatMap { WrongValue(rawValue: $0) } ?? .letter,
      readsText: try section?["from_text"]?.bool() ?? false, position: position)
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
      case "list": throw value.wrong(allowed: "{type: list, of: text}, or of: its elements' fields")
      default: throw value.wrong(allowed: "{type: category, vocabulary: [its, words]}")
      }
    }
    let section = try value.section()
    let type = try section.required("type").choice(of: types)
    switch type {
    case "number": return try number(section, of: owner)
    case "category":
      try section.allow(["type", "vocabulary", "ordered", "wrong"])
      let words = try words(section.required("vocabulary"))
      return try section["ordered"]?.bool() ?? false ? .rank(words) : .category(words)
    case "list":
      try section.allow(["type", "of", "wrong"])
      return .list(try fields(section.required("of")))
    default:
      try section.allow(type == "text" ? ["type", "wrong"] : ["type", "wrong", "from_text"])
      return type == "text" ? .text : .flag
    }
  }

  /// What a list's elements are: `of: text`, `of: {type: number, min: 0}`, or `of: {title: text, start_year: number}`.
  private static func fields(_ value: YAMLValue) throws(DeclarationError) -> [AttributeDeclaration] {
    let isOfFields: Bool
    if value.isSection, let type = try value.section()["type"] {
      // A field may have that name, too.
      isOfFields = type.isSection
    } else {
      isOfFields = value.isSection
    }
    let fields =
      isOfFields
      ? try attributes(value.section(), of: .profile)
      : [try attribute("", value, of: .profile, at: value.position)]
    guard !fields.isEmpty else {
      throw value.wrong(allowed: "a type such as text, or fields of the elements' objects")
    }
    for field in fields {
      guard case .list = field.type else { continue }
      throw DeclarationError(field.position, found: "a list of lists", allowed: "elements of other types")
    }
    return fields
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
    let keys = ["type", "min", "max", "wrong", "from_text"]
    try section.allow(owner == .event ? keys + ["decimals", "round"] : keys)
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
