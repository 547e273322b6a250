internal import Foundation

/// Reads records of CSV (RFC 4180; line breaks within quotes, too) one by one. Memory is bounded by the longest record.
final class CSVRecords {
  /// Longest record, in bytes.
  static let recordBytesMax = 1 << 20

  /// Line on which the last record started, from 1.
  private(set) var line = 0
  /// The last record's bytes as they stand in the file, with the line break.
  private(set) var raw: [UInt8] = []
  private let path: String
  private let file: UnsafeMutablePointer<FILE>
  private var linesRead = 0

  /// Opens a file.
  init(path: String) throws(RowTableError) {
    guard let file = fopen(path, "re") else {
      throw RowTableError(path: path, text: "the file cannot be opened: \(String(cString: strerror(errno)))")
    }
    self.path = path
    self.file = file
  }

  deinit { fclose(file) }

  /// Reads the next record's cells; nil: the end. Empty lines are passed over.
  func next() throws(RowTableError) -> [String]? {
    while try readRaw() {
      var end = raw.count
      if end > 0, raw[end - 1] == 0x0a { end -= 1 }
      if end > 0, raw[end - 1] == 0x0d { end -= 1 }
      if end > 0 { return try cells(end) }
    }
    return nil
  }

  /// Reads the next record as it stands in the file; false: the end.
  func readRaw() throws(RowTableError) -> Bool {
    raw.removeAll(keepingCapacity: true)
    line = linesRead + 1
    var isQuoted = false
    while true {
      let next = getc_unlocked(file)
      if next == EOF { break }
      let byte = UInt8(truncatingIfNeeded: next)
      raw.append(byte)
      guard raw.count <= Self.recordBytesMax else {
        throw RowTableError(
          path: path, line: line,
          text: "the record is longer than \(Self.recordBytesMax) bytes: is a quote missing?")
      }
      if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
      } else if byte == 0x0a {
        linesRead += 1
        if !isQuoted { return true }
      }
    }
    guard ferror(file) == 0 else {
      throw RowTableError(path: path, line: line, text: "the file cannot be read on")
    }
    guard !isQuoted else { throw RowTableError(path: path, line: line, text: "a quote is not closed") }
    return !raw.isEmpty
  }

  private func cells(_ end: Int) throws(RowTableError) -> [String] {
    var cells: [String] = []
    var cell: [UInt8] = []
    var index = 0
    func finish() throws(RowTableError) {
      guard let text = String(validating: cell, as: UTF8.self) else {
        throw RowTableError(path: path, line: line, text: "cell \(cells.count + 1) is not UTF-8")
      }
      cells.append(text)
      cell.removeAll(keepingCapacity: true)
    }
    while true {
      if index < end, raw[index] == UInt8(ascii: "\"") {
        index += 1
        while index < end {
          if raw[index] == UInt8(ascii: "\"") {
            index += 1
            guard index < end, raw[index] == UInt8(ascii: "\"") else { break }
          }
          cell.append(raw[index])
          index += 1
        }
      } else {
        while index < end, raw[index] != UInt8(ascii: ","), raw[index] != UInt8(ascii: "\"") {
          cell.append(raw[index])
          index += 1
        }
      }
      guard index == end || raw[index] == UInt8(ascii: ",") else {
        throw RowTableError(
          path: path, line: line, text: "cell \(cells.count + 1) has a quote in the wrong place")
      }
      try finish()
      if index == end { return cells }
      index += 1
    }
  }
}
