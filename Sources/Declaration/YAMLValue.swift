public import Features

/// A value of a YAML file that knows where it stands; read it by a typed method, each of which throws an
/// error with position, what was found and what is allowed.
public struct YAMLValue: Sendable {
  enum Style { case plain, quoted, block }

  indirect enum Content {
    case scalar(String, Style)
    case list([YAMLValue])
    case section([YAMLEntry])
  }

  let content: Content
  /// Keys from the top, with dots between.
  public let path: String
  /// Where it begins; for a quoted text its quote.
  public let position: SourcePosition
  let source: YAMLSource

  init(content: Content, path: String, position: SourcePosition, source: YAMLSource) {
    self.content = content
    self.path = path
    self.position = position
    self.source = source
  }

  /// A value that stands in no file but was given as a text: by the environment or the command line.
  ///
  /// Read as a file's unquoted text would be, save that any text is one: also an empty one, and `null`.
  public init(text: String, path: String) {
    let isNothing = ["", "~", "null"].contains { sameBytes($0, text) }
    self.init(
      content: .scalar(text, isNothing ? .quoted : .plain), path: path,
      position: SourcePosition(line: 1, column: 1), source: YAMLSource(text))
  }

  /// Text, as written.
  public func string() throws(DeclarationError) -> String {
    guard case .scalar(let text, _) = content, !isNothing else { throw wrong(allowed: "a text") }
    return text
  }

  /// One of the given words.
  public func choice(of words: [String]) throws(DeclarationError) -> String {
    let allowed = "one of " + words.joined(separator: ", ")
    guard case .scalar(let text, _) = content, words.contains(where: { sameBytes($0, text) }) else {
      throw wrong(allowed: allowed)
    }
    return text
  }

  /// `true` or `false`.
  public func bool() throws(DeclarationError) -> Bool {
    switch plain {
    case "true": return true
    case "false": return false
    default: throw wrong(allowed: "true or false")
    }
  }

  /// A whole number without a point or an exponent; throws outside of `range`.
  public func int(in range: ClosedRange<Int> = Int.min...Int.max) throws(DeclarationError) -> Int {
    guard let number = plain.flatMap({ Int($0) }), range.contains(number) else {
      throw wrong(allowed: "a whole number" + Self.bounds(range, from: Int.min, to: Int.max))
    }
    return number
  }

  /// A finite number in decimal; throws outside of `range`.
  public func number(
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) throws(DeclarationError) -> Double {
    let limit = Double.greatestFiniteMagnitude
    guard let number = plain.flatMap(Self.decimal), range.contains(number) else {
      throw wrong(allowed: "a number" + Self.bounds(range, from: -limit, to: limit))
    }
    return number
  }

  /// A span of time such as `200ms`, `5s`, `15m`, `12h`, `7d`; microseconds.
  public func duration(in range: ClosedRange<Int64> = 0...Int64.max) throws(DeclarationError) -> Int64 {
    guard let micros = plain.flatMap({ Quantity.duration.parse($0) }), range.contains(micros) else {
      throw wrong(allowed: Quantity.duration.allowed(range, examples: ["200ms", "5s", "15m", "12h", "7d"]))
    }
    return micros
  }

  /// A number of bytes such as `512B`, `64KiB`, `64MiB`, `2GiB`.
  public func byteCount(in range: ClosedRange<Int64> = 0...Int64.max) throws(DeclarationError) -> Int {
    guard let bytes = plain.flatMap({ Quantity.bytes.parse($0) }), range.contains(bytes) else {
      throw wrong(allowed: Quantity.bytes.allowed(range, examples: ["512B", "64KiB", "64MiB", "2GiB"]))
    }
    return Int(bytes)
  }

  /// The list's items; throws for anything else, also for nothing.
  public func list() throws(DeclarationError) -> [YAMLValue] {
    guard case .list(let items) = content else { throw wrong(allowed: "a list") }
    return items
  }

  /// A list of texts.
  public func strings() throws(DeclarationError) -> [String] {
    var texts: [String] = []
    for item in try list() { texts.append(try item.string()) }
    return texts
  }

  /// Keys with values; nothing at all is a section without keys.
  public func section() throws(DeclarationError) -> YAMLSection {
    if isNothing { return YAMLSection(path: path, position: position, entries: []) }
    guard case .section(let entries) = content else { throw wrong(allowed: "a section of keys and values") }
    return YAMLSection(path: path, position: position, entries: entries)
  }

  /// The error for this value; a text is shown up to its 40th character.
  public func wrong(allowed: String) -> DeclarationError {
    let found =
      switch content {
      case .scalar(let text, _): isNothing ? "nothing" : quoted(text)
      case .list: "a list"
      case .section: "a section of keys"
      }
    return DeclarationError(position, found: found, allowed: allowed)
  }

  /// A text of the feature language: with the file's line breaks, and where its first character stands.
  func expression() throws(DeclarationError) -> (text: String, position: SourcePosition) {
    guard case .scalar(let text, let style) = content, !isNothing else {
      throw wrong(allowed: "an expression")
    }
    let original = source.original(text, style: style, mark: position)
    guard !original.text.isEmpty else {
      throw DeclarationError(position, found: "nothing", allowed: "an expression")
    }
    return original
  }

  var isSection: Bool {
    if case .section = content { return true }
    return false
  }

  private var isNothing: Bool {
    switch plain {
    case "", "~", "null": true
    default: false
    }
  }

  private var plain: String? {
    if case .scalar(let text, .plain) = content { return text }
    return nil
  }

  private static func decimal(_ text: String) -> Double? {
    let allowed = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
      default: false
      }
    }
    guard allowed, let number = Double(text), number.isFinite else { return nil }
    return number
  }

  private static func bounds<Bound>(_ range: ClosedRange<Bound>, from: Bound, to: Bound) -> String {
    switch (range.lowerBound == from, range.upperBound == to) {
    case (true, true): ""
    case (false, true): " of at least \(range.lowerBound)"
    case (true, false): " of at most \(range.upperBound)"
    case (false, false): " from \(range.lowerBound) to \(range.upperBound)"
    }
  }
}
