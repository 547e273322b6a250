import Events

/// An aggregate while features are being compiled.
struct AggregateDraft {
  var reading: Reading
  /// Number among the drafts.
  var series: Int
  var window: WindowReach?
  var component: Component
  var scale = 1.0
  var limit = 0
  var halfLife: EventTime = 0
  var target: Int32 = 0
  /// Canonical text.
  var text: String
}

/// A filter while features are being compiled.
struct FilterDraft {
  var group: Int
  var text: String
  var steps: [FilterStep]
}

/// A compiled feature or intermediate.
struct FeatureDraft {
  var declaration: FeatureDeclaration
  var value: Value
  var expression: String
  var labels: [String]
  /// See `FeatureMeaning`.
  var meaning: Hash128
}

/// Checks features and collects what row code needs; see `FeatureProgram` for the language.
struct FeatureCompiler {
  var catalog: AttributeCatalog
  /// Where steps go: of the row's program, or of what is made of outputs.
  var row = RowBuilder()
  var judgement = JudgementDraft()
  var series: [SeriesDraft] = []
  var filters: [FilterDraft] = []
  var aggregates: [AggregateDraft] = []
  var features: [FeatureDraft] = []
  /// Window lengths as written, with their hops.
  var windows: Set<WindowReach> = []
  /// Register of the as-of time's year; nil: nothing asks for it.
  var yearRegister: Int32?
  /// Register of each profile attribute in use, and of what is made of one, by number.
  var profileRegisters: [Int: Int32] = [:]
  /// Whether states are kept; else there are no aggregates.
  let keepsState: Bool
  /// The expression being compiled.
  var source = ExpressionSource("", at: SourcePosition(line: 1, column: 1))
  private var seriesNumbers: [SeriesKey: Int] = [:]
  private var aggregateRegisters: [String: Int32] = [:]
  private var named: [String: Int] = [:]

  init(_ declaration: FeatureSetDeclaration) throws(DeclarationError) {
    catalog = try AttributeCatalog(declaration)
    keepsState = declaration.keepsState
    if let ttl = declaration.idleTTL, ttl <= 0 {
      throw DeclarationError(
        declaration.features.first?.position ?? SourcePosition(line: 1, column: 1),
        found: "an idle TTL of \(ttl) us",
        allowed: "a positive duration")
    }
    for feature in declaration.features { try add(feature) }
    try judge(declaration.judgement)
  }

  private mutating func add(_ feature: FeatureDeclaration) throws(DeclarationError) {
    try AttributeCatalog.check(name: feature.name, what: "feature", at: feature.position)
    if let problem = ProhibitedAttribute.problem(feature.name, what: "feature", at: feature.position) {
      throw problem
    }
    guard named[feature.name] == nil else {
      throw DeclarationError(
        feature.position, found: "feature \"\(feature.name)\" a second time", allowed: "each name once")
    }
    source = ExpressionSource(feature.expression, at: feature.position)
    var parser = try ExpressionParser(source)
    let expression = try parser.parse()
    let value = try compile(expression)
    let labels = try self.labels(of: feature, value)
    let meaning = FeatureMeaning(catalog) { [features, named] name in named[name].map { features[$0].meaning }
    }
    features.append(
      FeatureDraft(
        declaration: feature, value: value, expression: expression.description, labels: labels,
        meaning: meaning.hash(expression)))
    named[feature.name] = features.count - 1
  }

  /// Declared labels, else a category's words.
  private func labels(of feature: FeatureDeclaration, _ value: Value) throws(DeclarationError) -> [String] {
    guard !feature.labels.isEmpty else {
      switch value.type {
      case .category(let words): return codeLabels(words)
      case .rank(let words): return words
      case .number, .flag: return []
      }
    }
    guard let codes = value.codes else {
      throw DeclarationError(
        feature.position, found: "labels for \(value.type.text) without codes",
        allowed: "labels for bucket, a category, a condition, or an if of whole numbers from 0")
    }
    guard feature.labels.count == codes else {
      throw DeclarationError(
        feature.position, found: "\(feature.labels.count) labels", allowed: "\(codes) labels")
    }
    return feature.labels
  }

  func feature(named name: String) -> Value? { named[name].map { features[$0].value } }

  /// Number of a series' draft; it gains the component and the reach.
  mutating func series(_ key: SeriesKey, text: String, _ components: [Component], reach: EventTime) -> Int {
    let number = seriesNumbers[key] ?? series.count
    if number == series.count {
      series.append(SeriesDraft(key: key, text: text))
      seriesNumbers[key] = number
    }
    series[number].components.formUnion(components)
    series[number].reach = max(series[number].reach, reach)
    return number
  }

  /// Register of an aggregate; equal ones are read once.
  mutating func aggregate(_ draft: AggregateDraft) -> Int32 {
    if let register = aggregateRegisters[draft.text] { return register }
    var placed = draft
    placed.target = row.input()
    aggregates.append(placed)
    aggregateRegisters[draft.text] = placed.target
    return placed.target
  }

  func error(_ offset: Int, found: String, allowed: String) -> DeclarationError {
    source.error(offset, found: found, allowed: allowed)
  }
}
