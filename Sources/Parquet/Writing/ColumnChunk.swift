/// A column's cells of one row group, until they are written.
struct ColumnChunk {
  let column: ParquetColumn
  /// Rows so far.
  private(set) var rows = 0
  /// For each row of an optional column whether its cell is there: 1 or 0.
  private var levels: [UInt32] = []
  /// Cells that are there.
  private var cells = 0
  /// Numbers in the dictionary; after it was given up, none.
  private var codes: [UInt32] = []
  private var dictionary = CellDictionary()
  private var hasDictionary = true
  /// Cells in the plain form, once there is no dictionary; and where each of them begins, for texts.
  private var plain: [UInt8] = []
  private var starts: [Int] = []
  private var least: [UInt8]?
  private var most: [UInt8]?

  /// More different cells than these, or more bytes of them, are no longer worth a dictionary.
  private static let dictionaryCellsMost = 1 << 16
  private static let dictionaryBytesMost = 1 << 20
  private static let pageRows = 1 << 16
  /// Longer texts stand in no statistics.
  private static let boundBytesMost = 64

  init(_ column: ParquetColumn) { self.column = column }

  /// Bytes that the cells take in memory.
  var size: Int { plain.count + dictionary.plain.count + 4 * (codes.count + levels.count) + 8 * starts.count }

  mutating func appendMissing() {
    precondition(column.isOptional, "the column \(column.name) has no empty cells")
    rows += 1
    levels.append(0)
  }

  mutating func append(_ cell: UnsafeRawBufferPointer) {
    rows += 1
    cells += 1
    if column.isOptional { levels.append(1) }
    note(cell)
    if hasDictionary {
      codes.append(dictionary.number(of: cell, isText: column.kind == .text))
      let isTooLarge =
        dictionary.places.count > Self.dictionaryCellsMost
        || dictionary.plain.count > Self.dictionaryBytesMost
      if isTooLarge { dropDictionary() }
    } else {
      appendPlain(cell)
    }
  }

  private mutating func appendPlain(_ cell: UnsafeRawBufferPointer) {
    if column.kind == .text {
      starts.append(plain.count)
      plain.appendLength(cell.count)
    }
    plain.append(contentsOf: cell)
  }

  /// The least and the greatest cell, for readers that look for a range.
  private mutating func note(_ cell: UnsafeRawBufferPointer) {
    if column.kind.isUnordered(cell) { return }
    if least.map({ $0.withUnsafeBytes { column.kind.isBefore(cell, $0) } }) ?? true { least = Array(cell) }
    if most.map({ $0.withUnsafeBytes { column.kind.isBefore($0, cell) } }) ?? true { most = Array(cell) }
  }

  private mutating func dropDictionary() {
    hasDictionary = false
    let old = dictionary
    let numbers = codes
    dictionary.removeAll()
    codes.removeAll(keepingCapacity: true)
    old.plain.withUnsafeBytes { all in
      for number in numbers { appendPlain(UnsafeRawBufferPointer(rebasing: all[old.places[Int(number)]])) }
    }
  }

  /// Where a chunk lies in the file, for the footer.
  struct Written {
    var column: ParquetColumn
    var dictionaryOffset: Int?
    var dataOffset = 0
    var size = 0
    var compressedSize = 0
    var values = 0
    var missing = 0
    var least: [UInt8]?
    var most: [UInt8]?
  }

  /// Writes dictionary and pages and forgets the cells.
  mutating func flush(
    at offset: Int, _ compressor: Compressor, _ write: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Written {
    if hasDictionary && !isDictionaryWorthIt { dropDictionary() }
    var written = Written(column: column)
    written.values = rows
    written.missing = rows - cells
    (written.least, written.most) = bounds
    var position = offset
    func page(_ body: [UInt8], _ kind: Int, _ describe: (inout ThriftWriter) -> Void) throws {
      let packed = try compressor.compress(body)
      var header = ThriftWriter()
      header.field(1, int32: kind)
      header.field(2, int32: body.count)
      header.field(3, int32: packed.count)
      describe(&header)
      header.finish()
      try header.bytes.withUnsafeBytes(write)
      try write(packed)
      position += header.bytes.count + packed.count
      written.size += header.bytes.count + body.count
    }
    if hasDictionary {
      written.dictionaryOffset = position
      try page(dictionary.plain, ParquetNumber.dictionaryPage) { header in
        header.field(7) {
          $0.field(1, int32: dictionary.places.count)
          $0.field(2, int32: ParquetNumber.plain)
        }
      }
    }
    written.dataOffset = position
    var row = 0
    var cell = 0
    repeat {
      let end = min(row + Self.pageRows, rows)
      let (body, cells) = self.page(row..<end, cell)
      try page(body, ParquetNumber.dataPage) { header in
        header.field(5) {
          $0.field(1, int32: end - row)
          $0.field(2, int32: hasDictionary ? ParquetNumber.dictionary : ParquetNumber.plain)
          $0.field(3, int32: ParquetNumber.runLengths)
          $0.field(4, int32: ParquetNumber.runLengths)
        }
      }
      (row, cell) = (end, cell + cells)
    } while row < rows
    written.compressedSize = position - offset
    self = ColumnChunk(column)
    return written
  }

  private var isDictionaryWorthIt: Bool {
    let plainSize = codes.reduce(0) { $0 + dictionary.places[Int($1)].count + (column.kind == .text ? 4 : 0) }
    return dictionary.plain.count + cells * codeWidth / 8 < plainSize
  }

  private var codeWidth: Int {
    max(1, Int.bitWidth - (max(1, dictionary.places.count) - 1).leadingZeroBitCount)
  }

  /// The body of a page of some rows, whose first cell has this number; and how many cells they have.
  private func page(_ rows: Range<Int>, _ first: Int) -> (body: [UInt8], cells: Int) {
    var body: [UInt8] = []
    var count = rows.count
    if column.isOptional {
      levels.withUnsafeBufferPointer { all in
        let part = UnsafeBufferPointer(rebasing: all[rows])
        count = part.reduce(0) { $0 + Int($1) }
        RunLengths.append(part, width: 1, to: &body)
      }
      let length = body.count
      var head: [UInt8] = []
      head.appendLength(length)
      body = head + body
    }
    if hasDictionary {
      body.append(UInt8(codeWidth))
      codes.withUnsafeBufferPointer { all in
        RunLengths.append(
          UnsafeBufferPointer(rebasing: all[first..<first + count]), width: codeWidth, to: &body)
      }
    } else if let width = column.kind.width {
      body += plain[first * width..<(first + count) * width]
    } else if count > 0 {
      let end = first + count < starts.count ? starts[first + count] : plain.count
      body += plain[starts[first]..<end]
    }
    return (body, count)
  }

  /// As the format wants them: zero has both signs, and long texts have none.
  private var bounds: (least: [UInt8]?, most: [UInt8]?) {
    guard var least, var most, max(least.count, most.count) <= Self.boundBytesMost else { return (nil, nil) }
    let isFloat = column.kind == .float || column.kind == .double
    if isFloat, isZero(least) { least[least.count - 1] = 0x80 }
    if isFloat, isZero(most) { most[most.count - 1] = 0 }
    return (least, most)
  }

  private func isZero(_ bytes: [UInt8]) -> Bool {
    bytes.dropLast().allSatisfy { $0 == 0 } && (bytes.last ?? 0) & 0x7f == 0
  }
}
