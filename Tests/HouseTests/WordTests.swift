import Foundation
import Testing

/// Names keep to the glossary: one word for a thing, the reader's.
@Suite struct WordTests {
  @Test func noNameForOthersIsASynonym() throws {
    let forbidden = try Glossary.forbiddenWords()
    #expect(forbidden["people"] == "entity" && forbidden.count > 8)
    var names = 0
    // Invented people are people.
    for file in try Project.swiftFiles(under: "Sources") where Project.module(of: file.path) != "Synthetic" {
      for name in Self.names(declaredIn: file.text) {
        names += 1
        for word in Self.words(of: name) {
          #expect(
            forbidden[word] == nil, "\(file.path): \(name): the glossary's word is \(forbidden[word] ?? "")")
        }
      }
    }
    #expect(names > 1_000)
  }

  @Test func findsWords() {
    #expect(
      Self.names(declaredIn: "  public static func peopleCount() {}\n  let person = 1") == ["peopleCount"])
    #expect(Self.words(of: "peopleOlderThanLog") == ["people", "older", "than", "log"])
    #expect(Self.words(of: "JSONNode") == ["json", "node"])
  }

  /// Names that other modules see.
  private static func names(declaredIn text: String) -> [String] {
    text.matches(
      of: /(?m)^ *(?:public|package) [^\n{=(]*?\b(?:func|var|let|struct|class|enum|protocol|typealias) (\w+)/
    ).map { String($0.1) }
  }

  /// `peopleOlderThanLog` as its words, in small letters.
  private static func words(of name: String) -> [String] {
    name.matches(of: /[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/).map { $0.0.lowercased() }
  }
}

/// The table of synonyms of docs/glossary.md.
private enum Glossary {
  /// Single words that are not to be used, with the term in their place.
  static func forbiddenWords() throws -> [String: String] {
    let path = Project.root.appending(path: "docs/glossary.md")
    var words: [String: String] = [:]
    var isReading = false
    for line in try String(contentsOf: path, encoding: .utf8).split(separator: "\n") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      if !line.hasPrefix("|") {
        isReading = false
      } else if cells == ["term", "instead of"] {
        isReading = true
      } else if isReading, cells.count == 2 {
        for word in cells[1].split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) })
        where !word.contains(" ") { words[word] = cells[0] }
      }
    }
    return words
  }
}
