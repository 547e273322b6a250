public import Events

/// PLACEHOLDER SIGNATURES ONLY: the owner of this module replaces this file.
public final class FeatureProgram: @unchecked Sendable {
  /// Names of everything that the pipeline speaks of.
  public let symbols = SymbolTable()
  /// Feature names, in column order.
  public let columnNames: [String] = []
  /// For each column: words for its codes; empty for numbers.
  public let columnLabels: [[String]] = []
  /// Hash of what the stored state means: types, vocabularies, aggregates, windows.
  public let stateHash = Hash128(low: 0, high: 0)
  /// Hash of the whole feature set, expressions included.
  public let definitionHash = Hash128(low: 0, high: 0)

  /// Compiles a declaration.
  public init(_ declaration: FeatureSetDeclaration) throws(DeclarationError) {}

  /// Whether an event fits the declaration: types and bounds of its attributes. nil: it does.
  public func problem(of event: Event, in batch: EventBatch) -> DeadLetterReason? { nil }

  /// Whether the id is among the entity's last 32.
  public func isDuplicate(_ event: Event, of state: EntityState) -> Bool { false }

  /// Applies an event that has no `problem` and is no duplicate.
  public func apply(_ event: Event, in batch: EventBatch, to state: EntityState) {}

  /// Reads the feature row as of `asOf` (at or after the watermark).
  public func read(
    _ state: EntityState, asOf: EventTime, into row: UnsafeMutablePointer<Float>, scratch: FeatureScratch
  ) {}
}

/// Reused working memory of reads and writes; one per thread.
public final class FeatureScratch {
  /// Working memory for a program.
  public init(_ program: FeatureProgram) {}
}

/// One entity's state in memory. One thread at a time.
public final class EntityState {
  /// Empty state for a program.
  public init(_ program: FeatureProgram) {}
  /// Partition that the entity lives on.
  public var partition: Int32 = 0
  /// Largest event time seen; 0: none.
  public private(set) var watermark: EventTime = 0
  /// Events applied since it was last empty.
  public private(set) var events: UInt64 = 0
  /// Memory it takes, bytes.
  public var memoryBytes: Int { 0 }
  /// Makes it empty; capacity stays.
  public func removeAll() {}
  /// Reads the stored form; false: corrupt or of another schema.
  public func decode(_ bytes: UnsafeRawBufferPointer) -> Bool { true }
  /// Appends the stored form; prunes what no window reaches any more.
  public func encode(into writer: inout WireWriter) {}
}
