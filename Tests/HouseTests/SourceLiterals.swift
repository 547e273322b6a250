import Foundation

/// The texts in Swift source, and what they cite.
enum SourceLiterals {
  /// String literals of a file, over one line or several, as they are written; comments are left out.
  static func all(in source: String) -> [String] {
    var found: [String] = []
    var rest = source[...]
    while let next = rest.firstIndex(where: { $0 == "\"" || $0 == "/" }) {
      rest = rest[next...]
      if rest.hasPrefix("//") {
        rest = rest[(rest.firstIndex(where: \.isNewline) ?? rest.endIndex)...]
      } else if rest.hasPrefix("/*") {
        rest = rest[(rest.firstRange(of: "*/")?.upperBound ?? rest.endIndex)...]
      } else if rest.hasPrefix("\"\"\"") {
        let body = rest.dropFirst(3)
        let end = body.firstRange(of: "\"\"\"")
        found.append(String(body[..<(end?.lowerBound ?? body.endIndex)]))
        rest = body[(end?.upperBound ?? body.endIndex)...]
      } else if rest.first == "\"" {
        let body = rest.dropFirst()
        let end = closing(body)
        found.append(String(body[..<end]))
        rest = body[end...].dropFirst()
      } else {
        rest = rest.dropFirst()
      }
    }
    return found
  }

  /// Where a literal of one line ends; quotes behind a backslash, and those inside of what is interpolated by one call, are its own.
  private static func closing(_ body: Substring) -> Substring.Index {
    var index = body.startIndex
    var depth = 0
    while index < body.endIndex {
      let character = body[index]
      let next = body.index(after: index)
      if character.isNewline { return index }
      if character == "\\", next < body.endIndex {
        if body[next] == "(" { depth += 1 }
        index = body.index(after: next)
        continue
      }
      if depth > 0 && character == "(" { depth += 1 }
      if depth > 0 && character == ")" { depth -= 1 }
      if character == "\"" && depth == 0 { return index }
      index = next
    }
    return body.endIndex
  }

  /// Names of documents and of files in the repository's folders that a text cites.
  static func documents(in literal: String) -> [String] {
    let pattern =
      /(?:^|[^A-Za-z0-9_.\/:-])((?:docs?|scripts|examples|deploy|proto|pipelines|Benchmarks|Tests|Sources|Fuzz)\/[A-Za-z0-9_.\/-]*[A-Za-z0-9_]|[A-Za-z0-9_-][A-Za-z0-9_.\/-]*\.(?:md|MD|rst|adoc)(?![A-Za-z0-9_\/-]))/
    return literal.matches(of: pattern).map { String($0.1) }
  }

  /// Headings that a text names of a document: `README.md, "For real"`.
  static func headings(in literal: String) -> [(path: String, heading: String)] {
    literal.matches(of: /([A-Za-z0-9_.\/-]+\.md), \\?"([^"\\]+)\\?"/).map { (String($0.1), String($0.2)) }
  }
}

extension Project {
  /// Whether a file or folder is in the repository.
  static func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  /// Headings of a document.
  static func headings(of path: String) throws -> [String] {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8).split(separator: "\n")
      .filter { $0.hasPrefix("#") }.map { $0.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces) }
  }
}
