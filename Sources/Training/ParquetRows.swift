internal import Events
internal import Parquet

/// Makes Parquet of a table of rows in CSV.
///
/// Rows are written as CSV while they are made, whatever the file is to be: which entities were erased is known at the end only.
struct ParquetRows {
  /// Ending of the names of such files.
  static let ending = ".parquet"

  /// A column, and the place of its cells in the CSV.
  private let columns: [(column: ParquetColumn, place: Int)]

  init(_ columns: RowColumns) {
    let names = columns.names
    // Categories have their word beside their code, and labels of classes are words.
    let words = Set(
      zip(columns.features, columns.words).filter { !$1.isEmpty }.map { RowColumns.wordColumn($0.0) }
        + zip(columns.labels, columns.classes).filter { !$1.isEmpty }.map(\.0))
    self.columns = names.enumerated().map { place, name in
      switch name {
      case "entity", "split": (ParquetColumn(name, .text), place)
      // In the CSV it is a text for readers; the number beside it is the same moment.
      case "as_of": (ParquetColumn(name, .time), names.firstIndex(of: "as_of_us") ?? place)
      case "as_of_us", "label_time_us", "row_order": (ParquetColumn(name, .int64), place)
      default: (ParquetColumn(name, words.contains(name) ? .text : .float, isOptional: true), place)
      }
    }
  }

  /// Writes the records behind the header, but those that `isLeftOut` names by number and entity. Returns how many it wrote.
  func write(
    _ records: CSVRecords, isLeftOut: (Int, Hash128) -> Bool,
    put: @escaping (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Int {
    let writer = try ParquetWriter(columns.map(\.column), write: put)
    guard try records.advance() else { return 0 }
    var index = 0
    while try records.advance() {
      let entity = try records.withBytes(0) { bytes throws(RowTableError) in Hash128(of: bytes) }
      index += 1
      if isLeftOut(index - 1, entity) { continue }
      for (number, source) in columns.enumerated() {
        if records.isEmpty(source.place), source.column.isOptional {
          writer.appendMissing(to: number)
        } else {
          try append(records, source.place, source.column.kind, to: writer, number)
        }
      }
      try writer.endRow()
    }
    try writer.finish(createdBy: "tally")
    return writer.rows
  }

  private func append(
    _ records: CSVRecords, _ place: Int, _ kind: ParquetColumn.Kind, to writer: ParquetWriter, _ number: Int
  ) throws {
    switch kind {
    case .text:
      try records.withBytes(place) { bytes throws(RowTableError) in writer.append(text: bytes, to: number) }
    case .float:
      let value = try records.withBytes(place) { bytes throws(RowTableError) in FloatText.value(of: bytes) }
      writer.append(value ?? .nan, to: number)
    case .time, .int64: writer.append(Int64(records.text(place)) ?? 0, to: number)
    case .double, .int32: preconditionFailure("rows have no such columns")
    }
  }
}
