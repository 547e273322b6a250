public import Events

/// Labels of entities at moments: what a model shall learn to foretell from what was known before.
///
/// Filled once, by `LabelReader` or by `append`; then read by a collector.
public final class LabelTable {
  /// Label names, in column order.
  public let names: [String]
  /// Numbers for the entities, in the order in which they first came.
  let entities = SymbolTable()
  /// The labels in the order in which they were appended.
  private(set) var labels: [Label] = []
  /// Values, label by label; NaN: not known.
  private(set) var values: [Float] = []

  /// One entity's labels at one moment.
  struct Label {
    /// Number of the entity.
    var entity: Int32
    /// Line of the labels file; 0: of no file.
    var line: Int32
    /// The moment, microseconds UTC: only what is known before it may be used.
    var time: EventTime
  }

  /// An empty table of these labels.
  public init(names: [String]) { self.names = names }

  /// Number of rows.
  public var count: Int { labels.count }
  /// Number of entities.
  public var entityCount: Int { entities.names.count }

  /// Adds an entity's labels at a moment, one value per name; NaN: not known. `line`: of the file, from 1.
  public func append(entity: String, time: EventTime, values row: [Float], line: Int = 0) {
    precondition(row.count == names.count)
    labels.append(Label(entity: entities.intern(entity), line: Int32(clamping: line), time: time))
    values.append(contentsOf: row)
  }

  /// The values of a label.
  func values(of label: Int) -> ArraySlice<Float> { values[label * names.count..<(label + 1) * names.count] }
}
