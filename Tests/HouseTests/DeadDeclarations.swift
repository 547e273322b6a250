/// Declarations for other modules whose names stand nowhere but where they are declared.
enum DeadDeclarations {
  /// Their names, among `sources`; `readers` are other files that may name them.
  static func names(
    in sources: [(path: String, text: String)], readBy readers: [(path: String, text: String)]
  ) -> Set<String> {
    var named: [Substring: Int] = [:]
    var declared: [Substring: Int] = [:]
    for (index, file) in (sources + readers).enumerated() {
      for line in file.text.split(separator: "\n") {
        let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
        let words = code.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        for word in words { named[word, default: 0] += 1 }
        guard index < sources.count, let name = name(declaredBy: words) else { continue }
        declared[name, default: 0] += 1
      }
    }
    return Set(declared.filter { named[$0.key] == $0.value }.map { String($0.key) })
  }

  private static let kinds: Set<Substring> = [
    "func", "var", "let", "struct", "class", "enum", "protocol", "typealias",
  ]
  private static let modifiers: Set<Substring> = [
    "public", "package", "open", "static", "final", "mutating", "nonisolated", "convenience", "indirect",
    "borrowing",
    "consuming", "override", "lazy", "private", "internal", "set", "discardableResult",
  ]

  /// The name that a line of these words declares for other modules; nil: none.
  private static func name(declaredBy words: [Substring]) -> Substring? {
    guard let kind = words.firstIndex(where: { kinds.contains($0) }), kind + 1 < words.count else {
      return nil
    }
    let before = words[..<kind]
    guard before.allSatisfy({ modifiers.contains($0) }),
      before.contains(where: { ["public", "package", "open"].contains($0) })
    else { return nil }
    return words[kind + 1]
  }
}
