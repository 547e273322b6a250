public import Events

/// A compiled feature set: checks events, applies them to states, reads feature rows.
///
/// Immutable after `init` and safe from several threads; a state and a scratch belong to one thread each.
///
/// The language. An expression is made of `or`, `and`, `not`, comparisons, `+ - * /`, unary minus, parentheses,
/// numbers, names of earlier features, `profile.ATTRIBUTE`, scalar functions and aggregates. An aggregate reads a
/// *tile series*: events (of a type or `any`, perhaps filtered by `where`), an attribute of them or none, a sub-key
/// (none, category code, hour of the day, hash) and a hop (1 h for windows up to 2 d, 1 d up to 60 d, else 7 d, or
/// lifetime). Aggregates over the same series share its entries. A window `w` as of `t` holds the events with
/// floor(time / hop) ≥ floor((t − w) / hop): its head is exact, its tail is cut at the hop, as in Chronon.
/// Missing is NaN: arithmetic passes it on, comparisons with it are false, `not` of a missing condition is true,
/// results that are not finite are missing.
public final class FeatureProgram: @unchecked Sendable {
  /// Names of everything that the pipeline speaks of; decoders resolve names through it.
  public let symbols: SymbolTable
  /// Feature names, in column order.
  public let columnNames: [String]
  /// For each column: words for its codes; empty for numbers.
  public let columnLabels: [[String]]
  /// Hash of what the stored state means: types, vocabularies, aggregates, windows. States of programs with the
  /// same hash can be read by each other; the order and the expressions of features do not matter.
  public let stateHash: Hash128
  /// Hash of the whole feature set, expressions included.
  public let definitionHash: Hash128
  /// Hash of what each feature means, for models that are trained with it.
  public let featureHashes: FeatureHashes
  /// The tile series that make up an entity's state, by number.
  public let series: [SeriesDescription]
  /// The columns, in order.
  public let columns: [ColumnDescription]
  /// The aggregates that are read, in canonical text and order of first use.
  public let aggregateDescriptions: [String]
  /// The windows in use, shortest first.
  public let windows: [WindowDescription]
  /// Whether any aggregate of events is over an entity's whole life.
  public let hasLifetimeSeries: Bool
  /// What an entity's stored state is expected to take.
  public let stateBytesEstimate: StateEstimate
  /// What it takes at most.
  public let stateWorst: StateWorst
  /// Whether anything is remembered of an entity; else a row is of one profile event alone, and `read(_:in:into:scratch:)` makes it.
  public let keepsState: Bool
  /// Attributes that a mapping of records looks for.
  public let mappedAttributes: [MappedAttribute]
  /// What is made of outputs, beside the models.
  public let results: ResultProgram
  /// Idle TTL, microseconds; the largest number when there is none.
  let idleTTL: EventTime
  let tables: ProgramTables

  /// Compiles a declaration. Throws what is wrong with it first: where, what was found, what is allowed.
  public init(_ declaration: FeatureSetDeclaration) throws(DeclarationError) {
    let compiler = try FeatureCompiler(declaration)
    var builder = ProgramBuilder(compiler)
    let budget =
      if let bound = declaration.stateMax {
        try StateBudget(builder, within: bound)
      } else { StateBudget(builder) }
    builder.fold(at: budget.foldsAt)
    stateWorst = StateWorst(budget, bound: declaration.stateMax)
    keepsState = declaration.keepsState
    results = ResultProgram(compiler.judgement)
    mappedAttributes = compiler.catalog.mappedAttributes
    symbols = SymbolTable()
    tables = builder.tables(symbols)
    idleTTL = declaration.idleTTL ?? .max
    let described = compiler.features.filter(\.declaration.isColumn)
    columnNames = described.map(\.declaration.name)
    columnLabels = described.map(\.labels)
    columns = described.map { ColumnDescription($0) }
    featureHashes = FeatureHashes(
      columns, idleTTL: declaration.idleTTL,
      stateMax: stateWorst.folding.isEmpty ? nil : declaration.stateMax?.bytes)
    series = builder.descriptions
    aggregateDescriptions = compiler.aggregates.map(\.text)
    windows = compiler.windows.map { WindowDescription(span: $0.reach, hop: $0.hop) }.sorted {
      $0.span < $1.span
    }
    hasLifetimeSeries = builder.series.contains {
      $0.key.hop == .lifetime && $0.key.sub != .attribute
    }
    stateBytesEstimate = StateEstimate(builder)
    stateHash =
      declaration.keepsState
      ? DefinitionText.state(builder, declaration).hash
      : DefinitionText.noState(control: declaration.control).hash
    definitionHash = DefinitionText.whole(declaration).hash
  }

  deinit { tables.deallocate() }
}
