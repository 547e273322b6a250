import Dataflow
import Features

/// What names may look like.
enum Names {
  /// Longest name: PostgreSQL's longest column name, bytes.
  static let bytesMax = 63

  /// Throws when the tables of scores have a column of this name already.
  static func checkColumn(_ name: String, at position: SourcePosition) throws(DeclarationError) {
    guard !ScoreColumns.reserved.contains(name.lowercased()) else {
      throw DeclarationError(
        position, found: "the name \(quoted(name))",
        allowed: "a column name other than " + ScoreColumns.reserved.sorted().joined(separator: ", "))
    }
  }

  /// Throws unless `name` has the form that expressions can name (which of them are reserved, the compiler
  /// knows).
  static func checkIdentifier(_ name: String, at position: SourcePosition) throws(DeclarationError) {
    guard isIdentifier(name) else {
      throw DeclarationError(
        position, found: "the name \(quoted(name))",
        allowed: "letters, digits and _, not beginning with a digit, at most \(bytesMax) bytes")
    }
  }

  /// The names for an error; only the first twelve of many.
  static func list(_ names: [String]) -> String {
    guard !names.isEmpty else { return "none is declared" }
    let shown = names.prefix(12).joined(separator: ", ")
    return names.count > 12 ? "\(shown), … (\(names.count) in all)" : shown
  }

  private static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= bytesMax, !isDigit(first) else { return false }
    return name.utf8.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }
}

/// The names of intermediates, features, outputs and decisions: each once, for they meet as names in
/// expressions and as columns of one table. Letters' case does not tell names apart, as it does not in SQL.
struct NameRegister {
  private var owners: [String: String] = [:]

  /// Takes a name for `kind`, for example "feature".
  mutating func take(
    _ name: String, for kind: String, at position: SourcePosition
  ) throws(DeclarationError) {
    try Names.checkIdentifier(name, at: position)
    let key = name.lowercased()
    if let owner = owners[key] {
      throw DeclarationError(
        position, found: "the \(kind) \(quoted(name)), a name that the \(owner) has already",
        allowed: "names that differ among intermediates, features, outputs and decisions")
    }
    owners[key] = "\(kind) \(quoted(name))"
  }
}
