import Foundation

/// JSON whose keys keep the order in which they were given.
package indirect enum JSONNode {
  case null
  case truth(Bool)
  case number(Int64)
  case text(String)
  case list([JSONNode])
  case object([(key: String, value: JSONNode)])

  package static func texts(_ texts: [String]) -> JSONNode { .list(texts.map { .text($0) }) }

  /// With a line for each key, and each element that is not a single value.
  package var text: String { text(indent: "") }

  private func text(indent: String) -> String {
    let inner = indent + "  "
    func block(_ open: String, _ lines: [String], _ close: String) -> String {
      open + "\n" + lines.map { inner + $0 }.joined(separator: ",\n") + "\n" + indent + close
    }
    switch self {
    case .null: return "null"
    case .truth(let value): return value ? "true" : "false"
    case .number(let value): return "\(value)"
    case .text(let text): return Self.quoted(text)
    case .list(let elements):
      let isFlat = elements.allSatisfy(\.isSingle)
      if isFlat { return "[" + elements.map { $0.text(indent: "") }.joined(separator: ", ") + "]" }
      return block("[", elements.map { $0.text(indent: inner) }, "]")
    case .object(let pairs):
      if pairs.isEmpty { return "{}" }
      return block("{", pairs.map { "\(Self.quoted($0.key)): \($0.value.text(indent: inner))" }, "}")
    }
  }

  private var isSingle: Bool {
    switch self {
    case .list, .object: false
    case .null, .truth, .number, .text: true
    }
  }

  private static func quoted(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    return String(decoding: (try? encoder.encode(text)) ?? Data("\"\"".utf8), as: UTF8.self)
  }
}
