import Declaration
import Features

/// What a setting takes: the one place that has its range, from which reading, refusals and the reference come.
package enum SettingKind: Sendable {
  case text(TextRule)
  /// A file or a folder: in a file of settings relative to that file, elsewhere to the working folder.
  case path
  /// The name of an environment variable that holds a secret.
  case variable
  /// A secret itself, which only the environment may give.
  case secret
  /// One of some words.
  case choice([String])
  /// `true` or `false`; `onlyTrue`: `false` is refused.
  case truth(onlyTrue: Bool)
  case number(ClosedRange<Int>)
  /// A span of time, microseconds, or a word; `step`: it is a multiple of it.
  case time(ClosedRange<Int64>, step: Int64, word: String?)
  /// A number of bytes.
  case bytes(ClosedRange<Int64>)
  /// Names that operators choose, each with a value.
  case names(of: NamedValue)

  /// What a name has.
  package enum NamedValue: Sendable {
    /// The value itself.
    case value
    /// A variable with the value.
    case variable
    /// A file with the value.
    case path
  }

  /// The word for it in the reference.
  package var name: String {
    switch self {
    case .text: "text"
    case .path: "path"
    case .variable: "variable"
    case .secret: "secret"
    case .choice: "word"
    case .truth: "boolean"
    case .number: "number"
    case .time: "time"
    case .bytes: "bytes"
    case .names(.value): "names with texts"
    case .names(.variable): "names with variables"
    case .names(.path): "names with paths"
    }
  }

  /// What is allowed of it, in words, each in `mark`; empty: the kind's name says it.
  package func range(mark: String = "") -> String {
    func marked(_ text: String) -> String { mark + text + mark }
    func span(_ low: String, _ high: String) -> String { "\(marked(low)) to \(marked(high))" }
    switch self {
    case .text(let rule): return rule.isAny ? "" : rule.allowed
    case .choice(let words): return words.map(marked).joined(separator: ", ")
    case .truth(let onlyTrue): return onlyTrue ? marked("true") : ""
    case .number(let range):
      return range.upperBound == .max
        ? "\(marked("\(range.lowerBound)")) or more" : span("\(range.lowerBound)", "\(range.upperBound)")
    case .time(let range, _, let word):
      let most = durationText(range.upperBound)
      return (range.lowerBound > 0 ? span(durationText(range.lowerBound), most) : "up to \(marked(most))")
        + (word.map { ", or \(marked($0))" } ?? "")
    case .bytes(let range):
      return span(byteCountText(Int(range.lowerBound)), byteCountText(Int(range.upperBound)))
    case .path, .variable, .secret, .names: return ""
    }
  }
}

/// Which texts a setting takes.
package struct TextRule: Sendable {
  /// What is allowed, for a refusal.
  package let allowed: String
  /// What the whole text must match, as a regular expression of Swift and of ECMA-262; nil: anything.
  package var pattern: String?
  /// Longest text, bytes of UTF-8; nil: no bound.
  package var bytesMax: Int?
  package var mayBeEmpty = false
  /// What a pattern cannot tell.
  var check: @Sendable (String) -> Bool = { _ in true }

  /// A text that is not empty.
  package static let any = TextRule(allowed: "a text")

  package init(
    allowed: String, pattern: String? = nil, bytesMax: Int? = nil, mayBeEmpty: Bool = false,
    check: @escaping @Sendable (String) -> Bool = { _ in true }
  ) {
    self.allowed = allowed
    self.pattern = pattern
    self.bytesMax = bytesMax
    self.mayBeEmpty = mayBeEmpty
    self.check = check
  }

  /// Whether there is nothing to be said of it.
  var isAny: Bool { allowed == Self.any.allowed }

  /// Whether a text is allowed.
  package func takes(_ text: String) -> Bool {
    guard mayBeEmpty || !text.isEmpty, text.utf8.count <= bytesMax ?? .max, check(text) else { return false }
    guard let pattern else { return true }
    return (try? Regex(pattern).matchingSemantics(.unicodeScalar).wholeMatch(in: text)) != nil
  }
}
