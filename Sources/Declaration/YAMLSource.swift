import Features

/// The text that values were read from, line by line, to say where an expression's characters stand.
final class YAMLSource: Sendable {
  private let text: String
  private let lines: [[Unicode.Scalar]]

  init(_ text: String) {
    self.text = text
    lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
  }

  /// The position of the character that has `characters` others before it.
  func position(characters: Int) -> SourcePosition {
    var position = SourcePosition(line: 1, column: 1)
    for character in text.prefix(characters) {
      position.column += 1
      if character.isNewline { position = SourcePosition(line: position.line + 1, column: 1) }
    }
    return position
  }

  /// Where `key` stands again in the column of `first` on a later line, as keys of one block do.
  func next(_ key: String, like first: SourcePosition) -> SourcePosition? {
    let name = Array(key.unicodeScalars)
    guard first.line < lines.count else { return nil }
    for index in first.line..<lines.count {
      let rest = lines[index].dropFirst(first.column - 1)
      let named = rest.first == "\"" || rest.first == "'" ? rest.dropFirst() : rest
      guard named.starts(with: name), let after = named.dropFirst(name.count).first else { continue }
      let isKey = after == ":" || after == " " || after == "\"" || after == "'"
      if isKey && lines[index].prefix(first.column - 1).allSatisfy({ $0 == " " }) {
        return SourcePosition(line: index + 1, column: first.column)
      }
    }
    return nil
  }

  /// A scalar's text with the file's own line breaks and indentation, and where its first character stands.
  ///
  /// YAML folds line breaks into blanks; with the breaks restored, a position counted from the first
  /// character is one in the file. Text that YAML changed otherwise (escapes) stays as YAML gives it.
  func original(
    _ value: String, style: YAMLValue.Style, mark: SourcePosition
  ) -> (text: String, position: SourcePosition) {
    var line = mark.line - 1
    var column = mark.column - 1
    switch style {
    case .plain: break
    case .quoted: column += 1
    case .block:
      line += 1
      column = 0
    }
    skipBlanks(&line, &column)
    let start = SourcePosition(line: line + 1, column: column + 1)
    var restored = ""
    for scalar in value.unicodeScalars where !Self.isBlank(scalar) {
      let before = (line, column)
      skipBlanks(&line, &column)
      guard line < lines.count, column < lines[line].count, lines[line][column] == scalar else {
        return (value, start)
      }
      if !restored.isEmpty { restored += blanks(from: before, to: (line, column)) }
      restored.unicodeScalars.append(scalar)
      column += 1
    }
    return (restored, start)
  }

  private func skipBlanks(_ line: inout Int, _ column: inout Int) {
    while line < lines.count {
      while column < lines[line].count, Self.isBlank(lines[line][column]) { column += 1 }
      if column < lines[line].count { return }
      line += 1
      column = 0
    }
  }

  private func blanks(from: (line: Int, column: Int), to: (line: Int, column: Int)) -> String {
    guard from.line != to.line else { return String(repeating: " ", count: to.column - from.column) }
    return String(repeating: "\n", count: to.line - from.line) + String(repeating: " ", count: to.column)
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\n"
  }
}

/// Whether two strings are the same bytes of UTF-8 (Swift's `==` is not that).
func sameBytes(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

/// A text for an error: quoted, without control characters, at most 40 characters.
func quoted(_ text: String) -> String {
  let shown = text.unicodeScalars.prefix(40).map { $0.value < 0x20 ? " " : String($0) }.joined()
  return "\"\(shown)\(text.unicodeScalars.count > 40 ? "…" : "")\""
}
