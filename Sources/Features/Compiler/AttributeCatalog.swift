import Events

/// Declared event types and the profile, checked; keeps which attributes features use.
struct AttributeCatalog {
  /// Most attributes of one event type (or of the profile) that features may use: their values stand on the stack.
  static let usedMax = 127
  /// Most attributes that an event type or the profile may declare.
  static let attributesMax = 4096
  /// Most words of a vocabulary.
  static let wordsMax = 65_535

  /// An event type, or the profile.
  struct Group {
    var name: String
    var attributes: [AttributeDeclaration]
    /// Numbers of attributes in use, in order of first use: the position is the slot.
    var used: [Int] = []

    func index(of name: String) -> Int? { attributes.firstIndex { $0.name == name } }
  }

  /// Event types in order of declaration, then the profile.
  private(set) var groups: [Group] = []

  /// Number of the profile among `groups`.
  var profile: Int { groups.count - 1 }
  /// Names of event types.
  var eventNames: [String] { groups.dropLast().map(\.name) }

  init(_ declaration: FeatureSetDeclaration) throws(DeclarationError) {
    var seen: Set<String> = []
    for event in declaration.events {
      try Self.check(name: event.name, what: "event type", at: event.position)
      guard seen.insert(event.name).inserted else {
        throw DeclarationError(
          event.position, found: "event type \"\(event.name)\" a second time", allowed: "each event type once"
        )
      }
      try Self.check(event.attributes)
      groups.append(Group(name: event.name, attributes: event.attributes))
    }
    try Self.check(declaration.profile)
    groups.append(Group(name: "profile", attributes: declaration.profile))
  }

  func event(named name: String) -> Int? { groups.dropLast().firstIndex { $0.name == name } }

  /// Slot of an attribute, given now if it has none; nil: too many are used.
  mutating func use(_ attribute: Int, of group: Int) -> Int? {
    if let slot = groups[group].used.firstIndex(of: attribute) { return slot }
    guard groups[group].used.count < Self.usedMax else { return nil }
    groups[group].used.append(attribute)
    return groups[group].used.count - 1
  }

  static func check(name: String, what: String, at position: SourcePosition) throws(DeclarationError) {
    guard isIdentifier(name), !reservedWords.contains(name) else {
      throw DeclarationError(
        position, found: "\(what) \"\(name)\"",
        allowed: "letters, digits and _, not beginning with a digit, at most 63 bytes, and none of "
          + reservedWords.joined(separator: ", "))
    }
  }

  private static func check(_ attributes: [AttributeDeclaration]) throws(DeclarationError) {
    if attributes.count > attributesMax, let first = attributes.first {
      throw DeclarationError(
        first.position, found: "\(attributes.count) attributes", allowed: "at most \(attributesMax)")
    }
    var seen: Set<String> = []
    for attribute in attributes {
      try check(name: attribute.name, what: "attribute", at: attribute.position)
      guard seen.insert(attribute.name).inserted else {
        throw DeclarationError(
          attribute.position, found: "attribute \"\(attribute.name)\" a second time",
          allowed: "each attribute once")
      }
      if let problem = ProhibitedAttribute.problem(attribute.name, what: "attribute", at: attribute.position)
      {
        throw problem
      }
      try check(attribute.type, at: attribute.position)
    }
  }

  private static func check(_ type: AttributeType, at position: SourcePosition) throws(DeclarationError) {
    switch type {
    case .number(let decimals, let minimum, let maximum):
      guard (0...9).contains(decimals) else {
        throw DeclarationError(position, found: "\(decimals) decimals", allowed: "0 to 9")
      }
      guard minimum.isFinite, maximum.isFinite, minimum < maximum else {
        throw DeclarationError(
          position, found: "bounds \(minimum)…\(maximum)", allowed: "two finite numbers, the first the lesser"
        )
      }
      let largest = max(abs(minimum), abs(maximum))
      guard largest * scale(decimals: decimals) <= 0x1p62 else {
        throw DeclarationError(
          position, found: "bounds \(plain(minimum))…\(plain(maximum)) with \(decimals) decimals",
          allowed: "bounds times 10^decimals of at most 4.6·10^18")
      }
    case .category(let words):
      guard !words.isEmpty, words.count <= wordsMax else {
        throw DeclarationError(position, found: "\(words.count) words", allowed: "1 to \(wordsMax) words")
      }
      var seen: Set<[UInt8]> = []
      for word in words where !seen.insert(Array(word.utf8)).inserted {
        throw DeclarationError(position, found: "word \"\(word)\" a second time", allowed: "each word once")
      }
    case .text, .flag: break
    }
  }

  /// 10^decimals, exactly.
  static func scale(decimals: Int) -> Double {
    var result = 1.0
    for _ in 0..<decimals { result *= 10 }
    return result
  }
}

extension AttributeType {
  /// For error texts.
  var text: String {
    switch self {
    case .number: "number"
    case .category: "category"
    case .text: "text"
    case .flag: "flag"
    }
  }

  /// What one unit is held as in windows.
  var scale: Double {
    if case .number(let decimals, _, _) = self { return AttributeCatalog.scale(decimals: decimals) }
    return 1
  }

  /// Largest absolute value, in units as windows hold them.
  var magnitude: Int64 {
    switch self {
    case .number(_, let minimum, let maximum):
      ExactMath.quantise(max(abs(minimum), abs(maximum)), scale: scale)
    case .category(let words): Int64(words.count)
    case .text, .flag: 1
    }
  }

  /// Number of codes of a category, `other` included.
  var codes: Int? {
    if case .category(let words) = self { return words.count + 1 }
    return nil
  }
}

/// Code of a word in a vocabulary, by its UTF-8; "other" names the code of all other words unless it is one itself.
func code(of word: String, in words: [String]) -> Int? {
  if let code = words.firstIndex(where: { $0.utf8.elementsEqual(word.utf8) }) { return code }
  return word.utf8.elementsEqual("other".utf8) ? words.count : nil
}

/// Words to print for a vocabulary's codes.
func codeLabels(_ words: [String]) -> [String] {
  words + [words.contains { $0.utf8.elementsEqual("other".utf8) } ? "(other)" : "other"]
}
