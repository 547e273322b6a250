/// One page of a column.
struct Page {
  let column: StoredColumn
  let codec: Codec
  /// Bytes when unpacked.
  let size: Int
  let rowsLeft: Int

  /// Takes a dictionary; texts' bytes go to the column's, so that cells can point at them.
  mutating func dictionary(
    _ body: UnsafeRawBufferPointer, _ header: ThriftValue?, _ cells: inout ParquetCells
  ) throws(ParquetError) -> ParquetCells {
    guard let count = header?[1]?.number, count >= 0 else { throw malformed }
    var found = column.noCells
    found.bytes = cells.bytes
    cells.bytes = []
    let bytes = try codec.unpack(body, to: size)
    try Self.with(bytes) { plain throws(ParquetError) in
      try column.appendPlain(plain, count: count, to: &found)
    }
    swap(&cells.bytes, &found.bytes)
    return found
  }

  /// Takes a page of cells; `isSecond`: of the format's second version, whose levels are not packed.
  mutating func read(
    _ body: UnsafeRawBufferPointer, _ header: ThriftValue?, _ isSecond: Bool, _ dictionary: ParquetCells?,
    _ cells: inout ParquetCells
  ) throws(ParquetError) {
    guard let header, let rows = header[1]?.number, (0...rowsLeft).contains(rows),
      let encoding = header[isSecond ? 4 : 2]?.number
    else { throw malformed }
    var levels: [UInt32] = []
    var bytes: [UInt8]
    var start = 0
    if isSecond {
      guard let definition = header[5]?.number, let repetition = header[6]?.number, definition >= 0,
        repetition == 0,
        definition <= min(body.count, size)
      else { throw malformed }
      if column.isOptional {
        levels = try RunLengths.numbers(
          UnsafeRawBufferPointer(rebasing: body[..<definition]), width: 1, count: rows)
      }
      let rest = UnsafeRawBufferPointer(rebasing: body[definition...])
      let isPacked = header[7]?.flag ?? true
      bytes = try (isPacked ? codec : .none).unpack(rest, to: size - definition)
    } else {
      bytes = try codec.unpack(body, to: size)
      if column.isOptional {
        guard header[3]?.number == ParquetNumber.runLengths, bytes.count >= 4 else { throw malformed }
        let length = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - 4 else { throw malformed }
        start = 4 + length
        levels = try Self.with(bytes) { all throws(ParquetError) in
          try RunLengths.numbers(UnsafeRawBufferPointer(rebasing: all[4..<4 + length]), width: 1, count: rows)
        }
      }
    }
    let first = cells.count
    let count = column.isOptional ? levels.count { $0 == 1 } : rows
    try Self.with(bytes) { all throws(ParquetError) in
      let values = UnsafeRawBufferPointer(rebasing: all[start...])
      try take(values, encoding, count, dictionary, &cells)
    }
    var next = first
    guard cells.count <= Int(Int32.max) else { throw malformed }
    for row in 0..<rows {
      let isThere = levels.isEmpty || levels[row] == 1
      cells.places.append(isThere ? Int32(next) : -1)
      if isThere { next += 1 }
    }
  }

  private func take(
    _ values: UnsafeRawBufferPointer, _ encoding: Int, _ count: Int, _ dictionary: ParquetCells?,
    _ cells: inout ParquetCells
  ) throws(ParquetError) {
    switch encoding {
    case ParquetNumber.plain: try column.appendPlain(values, count: count, to: &cells)
    case ParquetNumber.dictionary, 2:
      guard let dictionary else {
        throw ParquetError("column \(column.name): a page's dictionary is missing")
      }
      guard count > 0 else { return }
      guard let width = values.first else { throw malformed }
      let codes = try RunLengths.numbers(
        UnsafeRawBufferPointer(rebasing: values[1...]), width: Int(width), count: count)
      try cells.append(codes: codes, of: dictionary, name: column.name)
    case ParquetNumber.runLengths where column.form == .flag:
      guard values.count >= 4 else { throw malformed }
      let codes = try RunLengths.numbers(
        UnsafeRawBufferPointer(rebasing: values[4...]), width: 1, count: count)
      cells.append(codes.map { Int64($0) })
    default:
      throw ParquetError(
        "column \(column.name): encoded in a way that is not read (\(encoding)): write it plain or with a dictionary"
      )
    }
  }

  /// Arrays' own functions do not pass typed errors on.
  private static func with<R>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(ParquetError) -> R
  ) throws(ParquetError) -> R {
    var result: Result<R, ParquetError>?
    bytes.withUnsafeBytes { all in
      do throws(ParquetError) { result = .success(try body(all)) } catch { result = .failure(error) }
    }
    guard let result else { preconditionFailure("the body was called") }
    return try result.get()
  }

  private var malformed: ParquetError { ParquetError("column \(column.name): a page is malformed") }
}
