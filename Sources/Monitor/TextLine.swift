/// How a part of a line looks on a terminal that knows colours.
enum Tone: String {
  /// As it is.
  case plain = ""
  /// Bold.
  case strong = "1"
  /// Grey.
  case faint = "2"
  /// Green.
  case good = "32"
  /// Bold red.
  case bad = "1;31"
}

/// A line of text with tones, cut to a width when it is written.
struct TextLine {
  private var parts: [(text: String, tone: Tone)] = []

  init() {}

  /// A line of one tone.
  init(_ text: String, _ tone: Tone = .plain) { append(text, tone) }

  /// Characters so far.
  var count: Int { parts.reduce(0) { $0 + $1.text.count } }

  /// Adds text; control characters become question marks.
  mutating func append(_ text: String, _ tone: Tone = .plain) {
    let isControl: (Unicode.Scalar) -> Bool = { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) }
    let isClean = !text.unicodeScalars.contains(where: isControl)
    let scalars = text.unicodeScalars.map { isControl($0) ? "?" : $0 }
    parts.append((isClean ? text : String(String.UnicodeScalarView(scalars)), tone))
  }

  /// Adds text at the left of a field of `width` characters; longer text is cut.
  mutating func append(left text: String, width: Int, _ tone: Tone = .plain) {
    append(Self.cut(text, width), tone)
    pad(to: width - min(text.count, width))
  }

  /// Adds text at the right of a field of `width` characters.
  mutating func append(right text: String, width: Int, _ tone: Tone = .plain) {
    pad(to: max(width - text.count, 0))
    append(text, tone)
  }

  private mutating func pad(to count: Int) {
    if count > 0 { append(String(repeating: " ", count: count)) }
  }

  /// The line without tones and without spaces at its end, at most `width` characters.
  func plain(width: Int) -> String {
    var text = Self.cut(parts.map(\.text).joined(), width)
    while text.last == " " { text.removeLast() }
    return text
  }

  /// The line with ANSI sequences (ECMA-48, SGR), at most `width` visible characters.
  func ansi(width: Int) -> String {
    var text = ""
    var left = width
    for part in parts where left > 0 {
      let isLast = part.text.count > left
      let shown = isLast ? Self.cut(part.text, left) : part.text
      left -= shown.count
      text += part.tone == .plain ? shown : "\u{1b}[\(part.tone.rawValue)m\(shown)\u{1b}[0m"
    }
    return text
  }

  private static func cut(_ text: String, _ width: Int) -> String {
    text.count <= width
      ? text : width <= 1 ? String(text.prefix(max(width, 0))) : text.prefix(width - 1) + "…"
  }
}
