internal import Glibc

/// Reads a Parquet file with flat columns, a row group at a time: plain values and dictionaries, not packed or by snappy, gzip or zstd.
///
/// What it cannot read is refused by name when the file is opened, or when the page is read. Nothing in the file is trusted.
public final class ParquetReader {
  /// Names of the columns, in their order.
  public let names: [String]
  /// Rows of each row group.
  public let groupRows: [Int]

  private let file: ParquetBytes
  private let columns: [StoredColumn]
  private let chunks: [[Chunk]]
  private static let footerBytesMost = 64 << 20
  private static let groupRowsMost = 1 << 28
  private static let pageBytesMost = 1 << 30

  /// Where a column's pages of a row group lie.
  private struct Chunk {
    var codec: Codec
    var range: Range<Int>
    var values: Int
  }

  /// Opens a file and reads its footer.
  public init(path: String) throws(ParquetError) {
    file = try ParquetBytes(path: path)
    guard file.count >= 12 else { throw ParquetError("not a Parquet file: it is too short") }
    let tail = try file.read(file.count - 8..<file.count)
    guard tail[4...].elementsEqual("PAR1".utf8) else {
      throw ParquetError(
        tail[4...].elementsEqual("PARE".utf8)
          ? "its footer is encrypted" : "not a Parquet file: it does not end with PAR1, or it is cut off")
    }
    let length = tail.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= min(file.count - 12, Self.footerBytesMost) else {
      throw ParquetError("its footer is larger than the file, or than \(Self.footerBytesMost) bytes")
    }
    let bytes = try file.read(file.count - 8 - length..<file.count - 8)
    let footer = try Self.footer(bytes)
    let schema = footer[2]?.list ?? []
    columns = try Self.columns(schema, bytes)
    names = columns.map(\.name)
    var rows: [Int] = []
    var chunks: [[Chunk]] = []
    for group in footer[4]?.list ?? [] {
      guard let count = group[3]?.number, count >= 0, let all = group[1]?.list, all.count == columns.count
      else {
        throw ParquetError("a row group lacks columns, or its number of rows")
      }
      guard count <= Self.groupRowsMost else {
        throw ParquetError("a row group has \(count) rows: at most \(Self.groupRowsMost) are read at once")
      }
      rows.append(count)
      var found: [Chunk] = []
      for (column, chunk) in zip(columns, all) {
        found.append(try Self.chunk(chunk, column, rows: count, fileBytes: file.count))
      }
      chunks.append(found)
    }
    groupRows = rows
    self.chunks = chunks
  }

  private static func footer(_ bytes: [UInt8]) throws(ParquetError) -> ThriftValue {
    var result: Result<ThriftValue, ParquetError> = .failure(ParquetError("no footer"))
    bytes.withUnsafeBytes { all in
      do throws(ParquetError) {
        var reader = ThriftReader(all)
        result = .success(try reader.structure())
      } catch { result = .failure(error) }
    }
    return try result.get()
  }

  private static func columns(
    _ schema: [ThriftValue], _ bytes: [UInt8]
  ) throws(ParquetError) -> [StoredColumn] {
    var columns: [StoredColumn] = []
    for element in schema.dropFirst() {
      let name = element[4]?.binary.map { String(decoding: bytes[$0], as: UTF8.self) } ?? ""
      guard let type = element[1]?.number, element[5]?.number ?? 0 == 0 else {
        throw ParquetError("column \(name) is nested: only flat columns are read")
      }
      guard let form = StoredColumn.Form(rawValue: type) else {
        throw ParquetError("column \(name) is of a type that is not read (INT96 or FIXED_LEN_BYTE_ARRAY)")
      }
      let repetition = element[3]?.number ?? 0
      guard repetition <= 1 else {
        throw ParquetError("column \(name) is a list: only flat columns are read")
      }
      guard element[6]?.number != 5, element[10]?[5] == nil else {
        throw ParquetError("column \(name) is a decimal: make it a double")
      }
      columns.append(
        StoredColumn(name: name, form: form, isOptional: repetition == 1, scale: scale(of: element)))
    }
    guard !columns.isEmpty else { throw ParquetError("it has no columns") }
    return columns
  }

  /// How times become microseconds; other numbers stay.
  private static func scale(of element: ThriftValue) -> (Int64, Int64) {
    if let unit = element[10]?[8]?[2] {
      return unit[1] != nil ? (1000, 1) : unit[3] != nil ? (1, 1000) : (1, 1)
    }
    return element[6]?.number == 9 ? (1000, 1) : (1, 1)
  }

  private static func chunk(
    _ value: ThriftValue, _ column: StoredColumn, rows: Int, fileBytes: Int
  ) throws(ParquetError) -> Chunk {
    guard value[1] == nil, let data = value[3], let number = data[4]?.number, let count = data[5]?.number,
      let size = data[7]?.number, let first = data[9]?.number
    else { throw ParquetError("column \(column.name): the footer does not say where its pages lie") }
    guard let codec = Codec(rawValue: number) else {
      throw ParquetError(
        "column \(column.name): packed in a way that is not read (\(number)): snappy, gzip or zstd are")
    }
    // Some writers say 0 where there is no dictionary.
    let start = data[11]?.number.flatMap { $0 > 0 ? min($0, first) : nil } ?? first
    guard count == rows, start >= 4, size >= 0, size <= fileBytes, start <= fileBytes - size else {
      throw ParquetError(
        "column \(column.name): the footer's figures contradict each other, or the file's length")
    }
    return Chunk(codec: codec, range: start..<start + size, values: count)
  }

  /// Reads some columns of a row group, by their numbers.
  public func read(group: Int, columns wanted: [Int]) throws(ParquetError) -> [ParquetCells] {
    var all: [ParquetCells] = []
    for column in wanted {
      let chunk = chunks[group][column]
      let bytes = try file.read(chunk.range)
      var result: Result<ParquetCells, ParquetError> = .failure(ParquetError("nothing read"))
      bytes.withUnsafeBytes { raw in
        do throws(ParquetError) {
          result = .success(try Self.cells(raw, chunk, columns[column]))
        } catch { result = .failure(error) }
      }
      all.append(try result.get())
    }
    return all
  }

  private static func cells(
    _ bytes: UnsafeRawBufferPointer, _ chunk: Chunk, _ column: StoredColumn
  ) throws(ParquetError) -> ParquetCells {
    var cells = column.noCells
    var dictionary: ParquetCells?
    var place = 0
    while cells.places.count < chunk.values {
      var reader = ThriftReader(bytes, from: place)
      let header = try reader.structure()
      guard let kind = header[1]?.number, let size = header[2]?.number, let packed = header[3]?.number,
        (0...pageBytesMost).contains(size), packed >= 0, packed <= bytes.count - reader.place
      else { throw ParquetError("column \(column.name): a page's header is malformed") }
      let body = UnsafeRawBufferPointer(rebasing: bytes[reader.place..<reader.place + packed])
      place = reader.place + packed
      var page = Page(
        column: column, codec: chunk.codec, size: size, rowsLeft: chunk.values - cells.places.count)
      switch kind {
      case 0: try page.read(body, header[5], false, dictionary, &cells)
      case 3: try page.read(body, header[8], true, dictionary, &cells)
      case 2: dictionary = try page.dictionary(body, header[7], &cells)
      default: break
      }
    }
    return cells
  }
}
