import Events

/// Functions of one attribute of the profile: its value when the profile comes is kept in the attribute's place.
extension FeatureCompiler {
  /// For error texts.
  static let extractNames = ["size", "any", "has_word", "length"]
  /// Most texts or words of one function.
  private static let textsMax = 64

  /// What the functions take, for error texts.
  private static let usages = [
    "size": "size(profile.LIST)", "any": "any(profile.LIST, \"text\", …)",
    "has_word": "has_word(profile.TEXT, \"word\", …)", "length": "length(profile.TEXT)",
  ]

  /// Compiles a call of an extract's function; nil: it is another one, such as an aggregate `mean(EVENT.ATTRIBUTE)`.
  mutating func extractCall(
    _ name: String, _ arguments: [Argument], offset: Int
  ) throws(DeclarationError) -> Value? {
    var isOfProfile = false
    if case .member("profile", _)? = arguments.first?.value.kind { isOfProfile = true }
    guard Self.extractNames.contains(name) || (isOfProfile && ["min", "max", "mean"].contains(name)) else {
      return nil
    }
    let usage = Self.usages[name] ?? "\(name)(profile.LIST.FIELD)"
    let takesTexts = name == "any" || name == "has_word"
    try expect(arguments.count, takesTexts ? 2...(Self.textsMax + 1) : 1...1, usage, offset: offset)
    guard case .member("profile", let path) = arguments[0].value.kind, arguments[0].condition == nil else {
      throw error(arguments[0].value.offset, found: arguments[0].description, allowed: usage)
    }
    let texts = try arguments.dropFirst().map { (argument) throws(DeclarationError) in
      try text(argument, of: name)
    }
    return try extract(name, path, texts, arguments[0].value.offset, usage)
  }

  private mutating func extract(
    _ name: String, _ path: String, _ texts: [[UInt8]], _ offset: Int, _ usage: String
  ) throws(DeclarationError) -> Value {
    let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
    let attribute = try profileAttribute(parts[0], offset: offset)
    let declared = catalog.groups[catalog.profile].attributes[attribute]
    var field = -1
    var type = declared.type
    if case .list(let fields) = declared.type, name != "size" || parts.count > 1 {
      field = try self.field(parts.count > 1 ? parts[1] : "", of: fields, path, offset: offset)
      type = fields[field].type
    } else if parts.count > 1 {
      throw error(offset, found: "profile.\(path), and \(parts[0]) is no list", allowed: usage)
    }
    let kinds: [String: (kind: ExtractKind, types: [String])] = [
      "size": (.size, ["list"]), "min": (.minimum, ["number"]), "max": (.maximum, ["number"]),
      "mean": (.mean, ["number"]), "any": (.any, ["text"]), "has_word": (.hasWord, ["text"]),
      "length": (.length, ["text"]),
    ]
    guard let (kind, types) = kinds[name], types.contains(type.text),
      field >= 0 || ![.minimum, .maximum, .mean, .any].contains(kind), field < 0 || kind != .length
    else {
      throw error(offset, found: "profile.\(path), a \(type.text), in \(name)", allowed: usage)
    }
    let words = texts.map { ", " + quoted(String(decoding: $0, as: UTF8.self)) }.joined()
    let number = catalog.extract(
      ExtractDraft(
        kind: kind, attribute: attribute, field: field, texts: texts, text: "\(name)(profile.\(path)\(words))"
      ), of: catalog.profile)
    let register = try profileRegister(number, offset: offset)
    return kind.isFlag ? .flag(register) : .number(register)
  }

  /// Number of a profile attribute.
  func profileAttribute(_ name: String, offset: Int) throws(DeclarationError) -> Int {
    let group = catalog.groups[catalog.profile]
    if let attribute = group.index(of: name) { return attribute }
    throw error(
      offset, found: "unknown profile attribute \"\(name)\"",
      allowed: offer(name, of: "profile attribute", among: group.attributes.map(\.name)))
  }

  private func field(
    _ name: String, of fields: [AttributeDeclaration], _ path: String, offset: Int
  ) throws(DeclarationError) -> Int {
    if let field = fields.firstIndex(where: { $0.name == name }) { return field }
    guard !name.isEmpty else {
      throw error(
        offset, found: "profile.\(path), whose elements have fields",
        allowed: fields.map { "profile.\(path).\($0.name)" }.joined(separator: ", "))
    }
    let names = fields.map(\.name).filter { !$0.isEmpty }
    guard !names.isEmpty else {
      throw error(
        offset, found: "profile.\(path), whose elements have no fields", allowed: "the list itself")
    }
    throw error(
      offset, found: "unknown field \"\(name)\"", allowed: offer(name, of: "field", among: names))
  }

  /// A text to compare with, folded.
  private func text(_ argument: Argument, of function: String) throws(DeclarationError) -> [UInt8] {
    guard case .text(let text) = argument.value.kind, argument.condition == nil, !text.isEmpty else {
      throw error(argument.value.offset, found: argument.description, allowed: "a text in double quotes")
    }
    let bytes = text.utf8.map { TextMatch.folded($0) }
    guard function == "any" || bytes.allSatisfy({ TextMatch.isOfWord($0) }) else {
      throw error(
        argument.value.offset, found: argument.description,
        allowed: "one word: letters and digits, without blanks, points or dashes")
    }
    return bytes
  }
}
