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
    /// Numbers of attributes in use, in order of first use: the position is the slot. What is made of an attribute has the
    /// numbers behind those of the attributes.
    var used: [Int] = []
    /// What is made of attributes, in order of first use.
    var extracts: [ExtractDraft] = []

    func index(of name: String) -> Int? { attributes.firstIndex { $0.name == name } }

    /// Numbers of attributes and of what is made of them.
    var numbersEnd: Int { attributes.count + extracts.count }
    /// For each extract its place in the order of their texts, which the order of features does not change.
    var extractRanks: [Int] {
      let order = extracts.indices.sorted {
        extracts[$0].text.utf8.lexicographicallyPrecedes(extracts[$1].text.utf8)
      }
      var ranks = Array(repeating: 0, count: extracts.count)
      for (rank, index) in order.enumerated() { ranks[index] = rank }
      return ranks
    }

    /// The number by which a stored state knows what has this number here.
    func stored(_ number: Int) -> Int {
      number < attributes.count ? number : attributes.count + extractRanks[number - attributes.count]
    }

    /// How many codes its stored values have; 0: it is a number.
    func codes(of number: Int) -> Int {
      guard number < attributes.count else {
        return extracts[number - attributes.count].kind.isFlag ? 2 : 0
      }
      return attributes[number].type == .flag ? 2 : attributes[number].type.codes ?? 0
    }

    /// Name of an attribute, or canonical text of what is made of one.
    func text(of number: Int) -> String {
      number < attributes.count ? attributes[number].name : extracts[number - attributes.count].text
    }
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
      try Self.check(event.attributes, of: event.name)
      groups.append(Group(name: event.name, attributes: event.attributes))
    }
    try Self.check(declaration.profile, of: "profile")
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

  /// Number of what is made of an attribute; equal ones are one.
  mutating func extract(_ draft: ExtractDraft, of group: Int) -> Int {
    let extracts = groups[group].extracts
    let place = extracts.firstIndex { $0.text == draft.text } ?? extracts.count
    if place == extracts.count { groups[group].extracts.append(draft) }
    return groups[group].attributes.count + place
  }

  static func check(name: String, what: String, at position: SourcePosition) throws(DeclarationError) {
    guard isIdentifier(name), !reservedWords.contains(name) else {
      throw DeclarationError(
        position, found: "\(what) \"\(name)\"",
        allowed: "letters, digits and _, not beginning with a digit, at most 63 bytes, and none of "
          + reservedWords.joined(separator: ", "))
    }
  }

  private static func check(
    _ attributes: [AttributeDeclaration], of owner: String
  ) throws(DeclarationError) {
    if attributes.count > attributesMax, let first = attributes.first {
      throw DeclarationError(
        first.position, found: "\(attributes.count) attributes", allowed: "at most \(attributesMax)")
    }
    var seen: Set<String> = []
    for attribute in attributes {
      if attribute.name.isEmpty && owner == "list" {
        try check(attribute.type, of: owner, at: attribute.position)
        continue
      }
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
      try check(attribute.type, of: owner, at: attribute.position)
    }
  }

  private static func check(
    _ type: AttributeType, of owner: String, at position: SourcePosition
  ) throws(DeclarationError) {
    switch type {
    case .rank where owner != "profile":
      throw DeclarationError(
        position, found: "an ordered category of \(owner)", allowed: "ordered: true in the profile only")
    case .list where owner != "profile":
      throw DeclarationError(position, found: "a list of \(owner)", allowed: "type: list in the profile only")
    case .list(let fields):
      guard !fields.isEmpty else {
        throw DeclarationError(position, found: "a list of nothing", allowed: "of: a type, or of: its fields")
      }
      try check(fields, of: "list")
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
    case .category(let words), .rank(let words):
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
    case .rank: "ordered category"
    case .text: "text"
    case .flag: "flag"
    case .list: "list"
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
    case .text, .flag, .rank, .list: 1
    }
  }

  /// Number of codes of a category, `other` included.
  var codes: Int? {
    switch self {
    case .category(let words): words.count + 1
    case .rank(let words): words.count
    case .number, .text, .flag, .list: nil
    }
  }

  /// Words of a category.
  var words: [String]? {
    switch self {
    case .category(let words), .rank(let words): words
    case .number, .text, .flag, .list: nil
    }
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
