/// The floors of DESIGN.md, "The house": a module imports from floors below it; on its own floor only along
/// an arrow.
enum House {
  /// Floor of every module.
  static let floors: [String: Int] = [
    "CRdKafka": 0, "CHiredis": 0, "CXGBoost": 0, "CLibpq": 0, "CSimdjson": 0, "CLapack": 0, "CZstd": 0,
    "CZlib": 0, "CCrypto": 0, "CXXHash": 0, "CUnpack": 0,
    "CEvents": 0,
    "CForest": 0,
    "Events": 1, "Features": 1, "Dataflow": 1,
    "Kafka": 2, "XGBoost": 2, "Envelope": 2, "Registry": 2, "Declaration": 2, "Metrics": 2, "Tables": 2,
    "Ingest": 3, "FeatureStore": 3, "Scorer": 3, "Sink": 3, "Synthetic": 3,
    "Pipeline": 4, "Report": 4, "Training": 4, "Verification": 4,
    "Simulation": 5, "Serve": 5, "Monitor": 5, "Configuration": 5, "Operations": 5,
    "tally": 6,
  ]

  /// The arrows: what a module may import of its own floor.
  static let ownFloor: [String: Set<String>] = [
    "Features": ["Events"], "Dataflow": ["Events", "Features"],
    "Training": ["Report"], "Configuration": ["Serve"], "Operations": ["Configuration"],
  ]

  /// The only importers of a C module or a package.
  static let importers: [String: Set<String>] = [
    "CRdKafka": ["Kafka"], "CUnpack": ["Kafka"], "CXGBoost": ["XGBoost"], "CHiredis": ["FeatureStore"],
    "CLibpq": ["Tables"],
    "CCrypto": ["Tables", "Ingest"],
    "CSimdjson": ["Ingest"], "CEvents": ["Envelope"], "CLapack": ["Training"], "CForest": ["Scorer"],
    "CZstd": ["Ingest", "Kafka"], "CZlib": ["Ingest"], "CXXHash": ["Ingest"],
    "Yams": ["Declaration"], "GRDB": ["Tables", "Sink"], "GRDBSQLite": ["Tables"],
    "Histogram": ["Metrics"],
    "Logging": ["tally", "Configuration"],
    "ArgumentParser": ["tally"],
  ]

  /// Declarations for other modules that only Swift itself or tests name.
  static let namedElsewhere: Set<String> = [
    // Requirements of the standard library's protocols.
    "customMirror", "debugDescription",
    // Faults and shapes that tests make of the real thing.
    "removeRecords", "setDown", "setFeatureTypes",
  ]

  /// Modules that come with a product of another name.
  static let products = ["GRDBSQLite": "GRDB"]

  /// Modules that may import less than their floor would allow.
  static let allowances: [String: Set<String>] = [
    "Pipeline": ["Events", "Features", "Dataflow"],
    "Simulation": ["Events", "Features", "Dataflow", "Pipeline"],
    "Report": ["Events", "Features", "Dataflow", "XGBoost", "Scorer"],
    "Training": ["Events", "Features", "Dataflow", "XGBoost", "Registry", "CLapack", "Scorer", "Report"],
    "Verification": ["Events", "Features", "Dataflow", "Tables"],
    "Serve": ["Events", "Features", "Dataflow", "Metrics", "Registry"],
    "Monitor": ["Events", "Features", "Dataflow", "Metrics", "Registry"],
  ]

  /// Built only for a benchmark, from Benchmarks/.
  static let unshipped = "Unpromised"

  /// What comes with Swift or the system, for floor 2 and above.
  static let system: Set<String> = ["Foundation", "Dispatch", "Synchronization", "Glibc", "Musl", "Darwin"]

  /// Why `module` may not import `imported`; nil: it may.
  static func objection(to imported: String, by module: String) -> String? {
    guard let floor = floors[module] else { return "\(module) stands on no floor: add it to the table" }
    if imported == "Swift" || imported == module { return nil }
    let edge = "\(module) imports \(imported)"
    if let allowed = importers[imported], !allowed.contains(module) {
      return "\(edge), which only \(allowed.sorted().joined(separator: ", ")) may"
    }
    if let other = floors[imported] {
      if let allowed = allowances[module], !allowed.contains(imported) {
        return "\(edge), which is not allowed to it"
      }
      if other < floor || ownFloor[module]?.contains(imported) == true { return nil }
      return "\(edge) of floor \(other) from floor \(floor)"
    }
    if imported == unshipped && module == "tally" { return nil }
    if floor <= 1 { return "\(edge), but floor \(floor) touches nothing outside" }
    if system.contains(imported) || importers[imported] != nil { return nil }
    return "\(edge), which is not known: add it to the table"
  }
}

/// The imports of Swift source text.
enum SourceImports {
  /// Words that may stand before `import`, and kinds that may follow it.
  private static let words: Set<String> = [
    "public", "package", "internal", "fileprivate", "private", "open", "struct", "class", "enum", "protocol",
    "typealias", "func", "var", "let",
  ]

  /// Names of the modules that `text` imports; comments and string literals over several lines are left out.
  static func modules(in text: String) -> [String] {
    var found: [String] = []
    var isComment = false
    var isText = false
    for line in text.split(separator: "\n") {
      let trimmed = line.drop { $0 == " " || $0 == "\t" }
      if trimmed.hasPrefix("/*") { isComment = true }
      defer { if trimmed.contains("*/") { isComment = false } }
      if line.components(separatedBy: "\"\"\"").count == 2 { isText.toggle() }
      if isComment || isText || trimmed.hasPrefix("//") { continue }
      for statement in trimmed.split(separator: ";") {
        if let module = module(of: statement) { found.append(module) }
      }
    }
    return found
  }

  private static func module(of statement: Substring) -> String? {
    let all = statement.split { $0 == " " || $0 == "\t" }
    guard let place = all.firstIndex(of: "import") else { return nil }
    guard all[..<place].allSatisfy({ $0.hasPrefix("@") || words.contains(String($0)) }) else { return nil }
    guard let name = all[(place + 1)...].first(where: { !words.contains(String($0)) }) else { return nil }
    return String(name.split(separator: ".")[0])
  }
}

extension StringProtocol {
  /// The parts between `separator`s.
  fileprivate func components(separatedBy separator: String) -> [SubSequence] {
    split(separator: separator, omittingEmptySubsequences: false)
  }
}
