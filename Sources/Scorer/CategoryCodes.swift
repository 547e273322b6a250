import Features
import XGBoost

/// Turns a model that names its categories into one of a pipeline's codes.
///
/// The trainer's codes are the numbers of the names in the file, in whatever order the trainer's data had them; the
/// pipeline's are those of its vocabulary. Every set of categories that a split compares with is rebuilt: it has the
/// pipeline's codes of the words whose trainer's codes it had. A word that the model does not name is in no set, as for
/// XGBoost a category that it has not seen, and goes left at every such split. So does `other`, unless the model knows a
/// category "other". Rows are not touched.
struct CategoryCodes {
  /// Words that a text lists; more are counted.
  private static let wordsMax = 5

  /// What operators should know of the mapping.
  private(set) var notes: [String] = []
  private let columns: [ColumnDescription]
  private let names: [CategoryNames?]
  private let release: XGBoostRelease

  /// Changes an ensemble in place. Throws when its names and the pipeline's words cannot be of the same feature.
  static func adapt(
    _ ensemble: inout TreeEnsemble, to columns: [ColumnDescription], file: String
  ) throws(XGBoostError) -> [String] {
    if ensemble.categoryNames.isEmpty { return unnamed(ensemble, columns) }
    var codes = CategoryCodes(columns, ensemble)
    do throws(Mismatch) {
      try codes.adapt(&ensemble)
    } catch { throw XGBoostError(operation: file, cause: error.text) }
    return codes.notes
  }

  private struct Mismatch: Error {
    var text: String
  }

  private init(_ columns: [ColumnDescription], _ ensemble: TreeEnsemble) {
    self.columns = columns
    names = ensemble.categoryNames
    release = ensemble.release
  }

  /// Older releases, and training without data frames, name nothing: the codes have to be the same.
  private static func unnamed(_ ensemble: TreeEnsemble, _ columns: [ColumnDescription]) -> [String] {
    var compared: Set<Int> = []
    for tree in ensemble.trees {
      for node in tree.left.indices where tree.left[node] >= 0 && tree.set(node) != nil {
        compared.insert(Int(tree.feature[node]))
      }
    }
    let categories = compared.sorted().filter { if case .category = columns[$0].kind { true } else { false } }
    if categories.isEmpty { return [] }
    let codes = categories.map { feature in
      let column = columns[feature]
      return column.name + " " + list(words(column, areNumbers: false).enumerated().map { "\($1) \($0)" })
    }
    return [
      "the model does not name its categories; it must have been trained with the codes that \"tally check\" prints: "
        + codes.joined(separator: "; ")
    ]
  }

  private mutating func adapt(_ ensemble: inout TreeEnsemble) throws(Mismatch) {
    var maps: [Int: [Int?]] = [:]
    var made: [[UInt32]] = []
    var known: [Int: [Int32: Int32]] = [:]
    for index in ensemble.trees.indices {
      let tree = ensemble.trees[index]
      for node in tree.left.indices where tree.left[node] >= 0 {
        let feature = Int(tree.feature[node])
        guard let set = tree.set(node) else {
          if names[feature] == nil { continue }
          throw Mismatch(
            text:
              "the model names categories of feature \(columns[feature].name), but compares it as a number")
        }
        if let done = known[feature]?[Int32(set)] {
          ensemble.trees[index].categorySet[node] = done
          continue
        }
        var words = ensemble.categorySets[set]
        if let names = names[feature] {
          if maps[feature] == nil { maps[feature] = try map(feature, names) }
          words = Self.mapped(words, maps[feature] ?? [])
        }
        if words.allSatisfy({ $0 == 0 }) {
          // None of the pipeline's codes goes right. The library's files have no empty sets, but this says the same.
          ensemble.trees[index].categorySet[node] = -1
          ensemble.trees[index].value[node] = .infinity
          continue
        }
        known[feature, default: [:]][Int32(set)] = Int32(made.count)
        ensemble.trees[index].categorySet[node] = Int32(made.count)
        made.append(words)
      }
    }
    ensemble.categorySets = made
  }

  /// The set of the pipeline's codes whose trainer's codes are in `words`.
  private static func mapped(_ words: [UInt32], _ map: [Int?]) -> [UInt32] {
    var set = [UInt32](repeating: 0, count: (map.count + 31) / 32)
    for (code, trained) in map.enumerated() {
      guard let trained, trained / 32 < words.count, words[trained / 32] >> UInt32(trained % 32) & 1 == 1
      else {
        continue
      }
      set[code / 32] |= 1 << UInt32(code % 32)
    }
    return set
  }

  /// For each code of the pipeline the trainer's; nil: the model has not seen it.
  private mutating func map(_ feature: Int, _ names: CategoryNames) throws(Mismatch) -> [Int?] {
    try checkBytes(feature, names)
    let numberOf = Dictionary(names.names.enumerated().map { ($1, $0) }) { first, _ in first }
    let words = Self.words(columns[feature], areNumbers: names.areNumbers)
    let map = words.map { numberOf[Array($0.utf8)] }
    let column = columns[feature]
    let found = Set(map.compactMap { $0 })
    let unknown = names.names.indices.filter { !found.contains($0) }.map {
      String(decoding: names.names[$0], as: UTF8.self)
    }
    // Numbers that are no words may be codes of another order: nothing tells.
    guard !found.isEmpty, !names.areNumbers || unknown.isEmpty else {
      let all = names.names.map { String(decoding: $0, as: UTF8.self) }
      throw Mismatch(
        text: """
          the model's categories of feature \(column.name) are \(names.areNumbers ? "the numbers " : "")\
          \(Self.list(all)); the pipeline's are \(Self.list(words)): train it with the pipeline's words
          """)
    }
    if !unknown.isEmpty {
      notes.append(
        "the model knows categories of \(column.name) that the vocabulary lacks, they are scored as \"other\": "
          + Self.list(unknown))
    }
    // Of `other` nothing else is expected.
    let isCategory = if case .category = column.kind { true } else { false }
    let unseen = zip(words, map).dropLast(isCategory ? 1 : 0).filter { $1 == nil }.map(\.0)
    if !unseen.isEmpty {
      notes.append(
        "the model has not seen categories of \(column.name), they go left at every split on it: "
          + Self.list(unseen))
    }
    return map
  }

  /// Throws for names that the file has wrongly: before 3.4 XGBoost cut them by characters where it means bytes (fixed by its
  /// change 12371), so that a name with another letter than ASCII's shifts all that follow.
  private func checkBytes(_ feature: Int, _ names: CategoryNames) throws(Mismatch) {
    let isCut = release < XGBoostRelease(3, 4) && names.names.contains { $0.contains { $0 >= 0x80 } }
    guard isCut || names.names.contains(where: { String(validating: $0, as: UTF8.self) == nil }) else {
      return
    }
    throw Mismatch(
      text: """
        the names of the categories of feature \(columns[feature].name) have other letters than ASCII's, which XGBoost \
        \(release) writes wrongly: train it with 3.4 or later, or with codes
        """)
  }

  /// The words of a column's codes, in order; numbers for codes without words.
  private static func words(_ column: ColumnDescription, areNumbers: Bool) -> [String] {
    switch column.kind {
    case .category(let words):
      words + [words.contains { $0.utf8.elementsEqual("other".utf8) } ? "(other)" : "other"]
    case .codes(let count) where column.labels.isEmpty || areNumbers: (0..<count).map(String.init)
    case .codes: column.labels
    case .flag: ["0", "1"]
    case .number: []
    }
  }

  private static func list(_ words: [String]) -> String {
    let more = words.count - wordsMax
    return words.prefix(wordsMax).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }
}
