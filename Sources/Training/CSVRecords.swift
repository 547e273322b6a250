internal import Foundation

/// Reads records of CSV (RFC 4180; line breaks within quotes, too) one by one. Memory is bounded by the longest record.
final class CSVRecords {
  /// Longest record, in bytes.
  static let recordBytesMax = 1 << 20

  /// Line on which the last record started, from 1.
  private(set) var line = 0
  /// Number of the last record's cells.
  var count: Int { cells.count }
  private let path: String
  private let descriptor: CInt
  /// What has been read; records from `start` on are still to come, `used` bytes are there.
  private var buffer = [UInt8](repeating: 0, count: blockBytes)
  private var start = 0
  private var used = 0
  private var isAtEnd = false
  private var linesRead = 0
  /// The last record in the buffer, with its line break.
  private var record = 0..<0
  private var cells: [Cell] = []
  /// Cells that had doubled quotes.
  private var unquoted: [UInt8] = []
  private static let blockBytes = 1 << 18

  /// A cell's bytes: in the buffer, or among those that had doubled quotes.
  private struct Cell {
    var bytes: Range<Int>
    var isInBuffer: Bool
  }

  /// Opens a file.
  init(path: String) throws(RowTableError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    self.path = path
    guard descriptor >= 0 else {
      throw RowTableError(path: path, text: "the file cannot be opened: \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(descriptor) }

  /// Goes to the next record and finds its cells; false: the end. Empty lines are passed over.
  func advance() throws(RowTableError) -> Bool {
    while try readRaw() {
      var end = record.upperBound
      if end > record.lowerBound, buffer[end - 1] == Self.lineFeed { end -= 1 }
      if end > record.lowerBound, buffer[end - 1] == 0x0d { end -= 1 }
      guard end > record.lowerBound else { continue }
      try split(record.lowerBound..<end)
      return true
    }
    return false
  }

  /// Reads the next record's cells as texts; nil: the end.
  func next() throws(RowTableError) -> [String]? {
    guard try advance() else { return nil }
    return (0..<count).map { text($0) }
  }

  /// A cell of the last record; the bytes are there until the next record is read.
  func withBytes<R>(_ cell: Int, _ body: (UnsafeRawBufferPointer) throws(RowTableError) -> R)
    throws(RowTableError) -> R
  {
    let found = cells[cell]
    // Arrays' own functions do not pass typed errors on.
    var result: Result<R, RowTableError>?
    func take(_ all: UnsafeRawBufferPointer) {
      let bytes = UnsafeRawBufferPointer(rebasing: all[found.bytes])
      do throws(RowTableError) { result = .success(try body(bytes)) } catch { result = .failure(error) }
    }
    if found.isInBuffer { buffer.withUnsafeBytes(take) } else { unquoted.withUnsafeBytes(take) }
    guard let result else { preconditionFailure("the body was called") }
    return try result.get()
  }

  /// Whether a cell of the last record is empty.
  func isEmpty(_ cell: Int) -> Bool { cells[cell].bytes.isEmpty }

  /// A cell of the last record as a text.
  func text(_ cell: Int) -> String {
    let found = cells[cell]
    return String(decoding: (found.isInBuffer ? buffer : unquoted)[found.bytes], as: UTF8.self)
  }

  /// The last record's bytes as they stand in the file, with the line break.
  var raw: ArraySlice<UInt8> { buffer[record] }

  /// Reads the next record as it stands in the file; false: the end.
  func readRaw() throws(RowTableError) -> Bool {
    line = linesRead + 1
    var searched = start
    var isQuoted = false
    while true {
      if let found = lineEnd(from: searched, &isQuoted) {
        record = start..<found + 1
        start = found + 1
        return true
      }
      searched = used
      if isAtEnd { break }
      let before = start
      try fill()
      searched -= before - start
    }
    guard !isQuoted else { throw error("a quote is not closed") }
    record = start..<used
    start = used
    return !record.isEmpty
  }

  /// Where the line break of the record lies that is searched from here on; nil: it is not in the buffer yet.
  private func lineEnd(from first: Int, _ isQuoted: inout Bool) -> Int? {
    buffer.withUnsafeBytes { all in
      guard let base = all.baseAddress else { return nil }
      var first = first
      while first < used {
        let found = memchr(base + first, Int32(Self.lineFeed), used - first)
        let end = found.map { base.distance(to: $0) } ?? used
        var quote = first
        while quote < end, let next = memchr(base + quote, Int32(UInt8(ascii: "\"")), end - quote) {
          isQuoted.toggle()
          quote = base.distance(to: next) + 1
        }
        guard found != nil else { return nil }
        linesRead += 1
        if !isQuoted { return end }
        first = end + 1
      }
      return nil
    }
  }

  /// Reads on, behind what is still to come, which moves to the front.
  private func fill() throws(RowTableError) {
    if start > 0 {
      let rest = used - start
      buffer.withUnsafeMutableBytes { all in
        if let base = all.baseAddress { memmove(base, base + start, rest) }
      }
      (start, used) = (0, rest)
    }
    guard used <= Self.recordBytesMax else {
      throw error("the record is longer than \(Self.recordBytesMax) bytes: is a quote missing?")
    }
    if used == buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
    var count = -1
    repeat {
      count = buffer.withUnsafeMutableBytes { all in
        read(descriptor, all.baseAddress.map { $0 + used }, all.count - used)
      }
    } while count < 0 && errno == EINTR
    guard count >= 0 else { throw error("the file cannot be read on: \(String(cString: strerror(errno)))") }
    used += count
    isAtEnd = count == 0
  }

  private func split(_ range: Range<Int>) throws(RowTableError) {
    cells.removeAll(keepingCapacity: true)
    unquoted.removeAll(keepingCapacity: true)
    var index = range.lowerBound
    var isASCII = true
    while true {
      let first = index
      if index < range.upperBound, buffer[index] == UInt8(ascii: "\"") {
        index = quoted(index, range.upperBound)
      } else {
        while index < range.upperBound, buffer[index] != UInt8(ascii: ","),
          buffer[index] != UInt8(ascii: "\"")
        {
          isASCII = isASCII && buffer[index] < 0x80
          index += 1
        }
        cells.append(Cell(bytes: first..<index, isInBuffer: true))
      }
      guard index == range.upperBound || buffer[index] == UInt8(ascii: ",") else {
        throw error("cell \(cells.count) has a quote in the wrong place")
      }
      if index == range.upperBound { break }
      index += 1
    }
    // Quoted cells are rare enough to be looked at again.
    if isASCII && !cells.contains(where: { !$0.isInBuffer }) { return }
    for (number, cell) in cells.enumerated() {
      let bytes = (cell.isInBuffer ? buffer : unquoted)[cell.bytes]
      guard String(validating: bytes, as: UTF8.self) != nil else {
        throw error("cell \(number + 1) is not UTF-8")
      }
    }
  }

  /// Takes a cell that begins with a quote; returns where it ends.
  private func quoted(_ first: Int, _ end: Int) -> Int {
    let begun = unquoted.count
    var index = first + 1
    while index < end {
      if buffer[index] == UInt8(ascii: "\"") {
        index += 1
        guard index < end, buffer[index] == UInt8(ascii: "\"") else { break }
      }
      unquoted.append(buffer[index])
      index += 1
    }
    cells.append(Cell(bytes: begun..<unquoted.count, isInBuffer: false))
    return index
  }

  private func error(_ text: String) -> RowTableError { RowTableError(path: path, line: line, text: text) }

  private static let lineFeed = UInt8(ascii: "\n")
}
