internal import Events
internal import Foundation

/// A labels file that cannot be read, with the line.
public struct LabelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Path of the file.
  public var path: String
  /// Line, from 1; 0: the file as a whole.
  public var line: Int
  /// What is wrong; never an id or a value of the file.
  public var text: String

  /// An error at a line.
  public init(path: String, line: Int, text: String) {
    self.path = path
    self.line = line
    self.text = text
  }

  /// `path:line: text`.
  public var description: String { line == 0 ? "\(path): \(text)" : "\(path):\(line): \(text)" }
}

/// Reads labels from CSV (RFC 4180), record by record.
///
/// The header is `entity_id,label_time_us,<label>…`. A label is a finite number, or one of the classes that its model declares, or empty:
/// not known. Labels that no model learns may be anything: they are passed over.
public enum LabelReader {
  /// Reads a file. Labels that are not `wanted` are not known in the table.
  public static func read(path: String, wanted: LearntLabels) throws(LabelError) -> LabelTable {
    do throws(RowTableError) {
      let records = try CSVRecords(path: path)
      guard var header = try records.next() else {
        throw RowTableError(path: path, line: 1, text: "the file is empty: no header")
      }
      if header[0].hasPrefix("\u{feff}") { header[0].removeFirst() }
      let names = Array(header.dropFirst(2))
      guard header.count >= 3, header[0] == "entity_id", header[1] == "label_time_us",
        Set(names).count == names.count, names.allSatisfy({ !$0.isEmpty })
      else {
        throw RowTableError(
          path: path, line: records.line,
          text: "the header is not entity_id,label_time_us,<label>… with labels of different names")
      }
      let table = LabelTable(names: names)
      let columns = names.map { wanted.contains($0) ? wanted.classes(of: $0) : nil }
      while let record = try records.next() {
        try append(record, line: records.line, to: table, columns) { text in
          RowTableError(path: path, line: records.line, text: text)
        }
      }
      return table
    } catch {
      throw LabelError(path: error.path, line: error.line, text: error.text)
    }
  }

  /// `columns`: each label's classes; nil: nobody wants it.
  private static func append(
    _ record: [String], line: Int, to table: LabelTable, _ columns: [[String]?],
    _ error: (String) -> RowTableError
  ) throws(RowTableError) {
    guard record.count == table.names.count + 2 else {
      throw error("\(record.count) fields; the header has \(table.names.count + 2)")
    }
    guard !record[0].isEmpty else { throw error("entity_id is empty") }
    guard let time = Int64(record[1]) else {
      throw error("label_time_us is not a whole number: microseconds since 1970 are expected")
    }
    if let doubt = EventTimeBounds.doubt(of: time) { throw error("label_time_us \(doubt)") }
    var values: [Float] = []
    for (column, classes) in columns.enumerated() {
      guard let classes else {
        values.append(.nan)
        continue
      }
      do throws(LabelCellError) {
        values.append(try LearntLabels.value(record[column + 2], classes: classes))
      } catch let wrong { throw error("\(table.names[column]) \(wrong.text)") }
    }
    table.append(entity: record[0], time: time, values: values, line: line)
  }
}
