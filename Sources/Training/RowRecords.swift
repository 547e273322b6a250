internal import Parquet

/// The records of a table of rows, whatever its file is. Cells are told by their places in the header.
protocol RowRecords: AnyObject {
  /// Where the last record stands: its line, or its number, from 1.
  var line: Int { get }
  /// Cells of the last record.
  var count: Int { get }
  /// Goes to the next record; false: the end.
  func advance() throws(RowTableError) -> Bool
  /// Whether a cell is empty.
  func isEmpty(_ cell: Int) -> Bool
  /// A cell as text.
  func text(_ cell: Int) -> String
  /// A cell's bytes as text, there until the next record is read.
  func withBytes<R>(_ cell: Int, _ body: (UnsafeRawBufferPointer) throws(RowTableError) -> R)
    throws(RowTableError) -> R
  /// A cell that is not empty as a float; nil: it is no number.
  func float(_ cell: Int) throws(RowTableError) -> Float?
  /// A cell that is not empty as a whole number; nil: it is none.
  func whole(_ cell: Int) -> Int64?
}

extension CSVRecords: RowRecords {
  func float(_ cell: Int) throws(RowTableError) -> Float? {
    try withBytes(cell) { bytes throws(RowTableError) in FloatText.value(of: bytes) }
  }

  func whole(_ cell: Int) -> Int64? { Int64(text(cell)) }
}

/// The rows of a Parquet file. A row group is in memory at a time.
final class ParquetRecords: RowRecords {
  /// Number of the last row, from 1.
  private(set) var line = 0
  /// Names of the columns.
  let names: [String]
  var count: Int { names.count }
  private let path: String
  private let reader: ParquetReader
  private var cells: [ParquetCells] = []
  private var group = -1
  private var row = 0

  init(path: String) throws(RowTableError) {
    self.path = path
    do throws(ParquetError) { reader = try ParquetReader(path: path) } catch {
      throw RowTableError(path: path, text: error.description)
    }
    names = reader.names
  }

  func advance() throws(RowTableError) -> Bool {
    row += 1
    while group < 0 || row >= reader.groupRows[group] {
      guard group + 1 < reader.groupRows.count else { return false }
      group += 1
      row = 0
      do throws(ParquetError) { cells = try reader.read(group: group, columns: Array(names.indices)) } catch {
        throw RowTableError(path: path, line: line + 1, text: error.description)
      }
    }
    line += 1
    return true
  }

  /// NaN is a float's way to be empty.
  func isEmpty(_ cell: Int) -> Bool {
    guard let place = place(cell) else { return true }
    switch cells[cell].values {
    case .numbers(let all): return all[place].isNaN
    case .texts(let all): return all[place].isEmpty
    case .wholes: return false
    }
  }

  func text(_ cell: Int) -> String {
    guard let place = place(cell) else { return "" }
    switch cells[cell].values {
    case .wholes(let all): return String(all[place])
    case .numbers(let all): return all[place].description
    case .texts(let all): return String(decoding: cells[cell].bytes[all[place]], as: UTF8.self)
    }
  }

  func withBytes<R>(_ cell: Int, _ body: (UnsafeRawBufferPointer) throws(RowTableError) -> R)
    throws(RowTableError) -> R
  {
    let bytes: [UInt8]
    var range: Range<Int>
    if case .texts(let all) = cells[cell].values, let place = place(cell) {
      (bytes, range) = (cells[cell].bytes, all[place])
    } else {
      bytes = Array(text(cell).utf8)
      range = bytes.indices
    }
    var result: Result<R, RowTableError>?
    bytes.withUnsafeBytes { all in
      do throws(RowTableError) {
        result = .success(try body(UnsafeRawBufferPointer(rebasing: all[range])))
      } catch { result = .failure(error) }
    }
    guard let result else { preconditionFailure("the body was called") }
    return try result.get()
  }

  func float(_ cell: Int) -> Float? {
    guard let place = place(cell) else { return nil }
    switch cells[cell].values {
    case .wholes(let all): return Float(all[place])
    case .numbers(let all): return Float(all[place])
    case .texts: return Float(text(cell))
    }
  }

  func whole(_ cell: Int) -> Int64? {
    guard let place = place(cell) else { return nil }
    switch cells[cell].values {
    case .wholes(let all): return all[place]
    case .numbers(let all): return Int64(exactly: all[place])
    case .texts: return Int64(text(cell))
    }
  }

  private func place(_ cell: Int) -> Int? {
    let place = cells[cell].places[row]
    return place < 0 ? nil : Int(place)
  }
}
