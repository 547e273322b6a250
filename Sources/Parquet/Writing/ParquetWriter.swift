/// Writes a table as Parquet: flat columns, dictionaries where cells repeat, pages packed with zstd, statistics for each row group.
///
/// The same cells give the same bytes. Memory is bounded by a row group. One thread.
public final class ParquetWriter {
  /// Rows so far.
  public private(set) var rows = 0
  private var chunks: [ColumnChunk]
  private var groups: [Group] = []
  private let compressor: Compressor
  private let groupBytes: Int
  private let write: (UnsafeRawBufferPointer) throws -> Void
  private var offset = 0
  private var groupRows = 0

  /// Size in memory at which a row group ends, unless something else is asked for.
  public static let groupBytesDefault = 128 << 20
  private static let magic = Array("PAR1".utf8)
  /// The size is looked at now and then.
  private static let rowsBetweenLooks = 1024

  /// A row group as the footer has it.
  private struct Group {
    var columns: [ColumnChunk.Written]
    var rows: Int
    var offset: Int
  }

  /// Begins a table; `write` takes the file's bytes in their order.
  public init(
    _ columns: [ParquetColumn], groupBytes: Int = groupBytesDefault,
    write: @escaping (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    precondition(!columns.isEmpty && Set(columns.map(\.name)).count == columns.count)
    chunks = columns.map { ColumnChunk($0) }
    compressor = try Compressor()
    self.groupBytes = groupBytes
    self.write = write
    try put(Self.magic)
  }

  /// The next cell of a column, a number of the column's kind.
  public func append(_ value: some BitwiseCopyable, to column: Int) {
    withUnsafeBytes(of: value) { bytes in
      precondition(chunks[column].column.kind.width == bytes.count)
      chunks[column].append(bytes)
    }
  }

  /// The next cell of a column of texts.
  public func append(text: UnsafeRawBufferPointer, to column: Int) {
    precondition(chunks[column].column.kind == .text)
    chunks[column].append(text)
  }

  /// The next cell of a column of texts.
  public func append(text: String, to column: Int) {
    var text = text
    text.withUTF8 { append(text: UnsafeRawBufferPointer($0), to: column) }
  }

  /// The next cell of an optional column is empty.
  public func appendMissing(to column: Int) { chunks[column].appendMissing() }

  /// Ends a row, of which every column has a cell.
  public func endRow() throws {
    rows += 1
    groupRows += 1
    guard groupRows % Self.rowsBetweenLooks == 0 else { return }
    if chunks.reduce(0, { $0 + $1.size }) >= groupBytes { try endGroup() }
  }

  /// Writes what is left and the footer. `notes`: texts by name that readers may ask the file for.
  public func finish(createdBy: String, notes: [(name: String, text: String)] = []) throws {
    if groupRows > 0 { try endGroup() }
    var footer = ThriftWriter()
    footer.field(1, int32: 2)
    footer.field(2, structures: [nil] + chunks.map { Optional($0.column) }, describe)
    footer.field(3, int64: rows)
    footer.field(4, structures: groups, describe)
    if !notes.isEmpty {
      footer.field(5, structures: notes) { entry, note in
        entry.field(1, binary: note.name.utf8)
        entry.field(2, binary: note.text.utf8)
      }
    }
    footer.field(6, binary: createdBy.utf8)
    // The order of each column's statistics is that of its type.
    footer.field(7, structures: chunks) { order, _ in order.field(1) { _ in } }
    footer.finish()
    try put(footer.bytes)
    var length: [UInt8] = []
    length.appendLength(footer.bytes.count)
    try put(length + Self.magic)
  }

  private func put(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes(write)
    offset += bytes.count
  }

  private func endGroup() throws {
    var group = Group(columns: [], rows: groupRows, offset: offset)
    for index in chunks.indices {
      precondition(chunks[index].rows == groupRows, "column \(chunks[index].column.name) lacks a cell")
      let written = try chunks[index].flush(at: offset, compressor, write)
      offset += written.compressedSize
      group.columns.append(written)
    }
    groups.append(group)
    groupRows = 0
  }

  /// An element of the schema; nil: its root.
  private func describe(_ element: inout ThriftWriter, _ column: ParquetColumn?) {
    guard let column else {
      element.field(4, binary: "schema".utf8)
      element.field(5, int32: chunks.count)
      return
    }
    element.field(1, int32: column.kind.type)
    element.field(3, int32: column.isOptional ? ParquetNumber.optional : ParquetNumber.required)
    element.field(4, binary: column.name.utf8)
    switch column.kind {
    case .text:
      element.field(6, int32: ParquetNumber.utf8)
      element.field(10) { $0.field(1) { _ in } }
    case .time:
      element.field(6, int32: ParquetNumber.timestampMicros)
      element.field(10) { logical in
        logical.field(8) { time in
          time.field(1, bool: true)
          time.field(2) { unit in unit.field(2) { _ in } }
        }
      }
    case .float, .double, .int32, .int64: break
    }
  }

  private func describe(_ element: inout ThriftWriter, _ group: Group) {
    element.field(1, structures: group.columns) { chunk, written in
      chunk.field(2, int64: written.dictionaryOffset ?? written.dataOffset)
      chunk.field(3) { describe(&$0, written) }
    }
    element.field(2, int64: group.columns.reduce(0) { $0 + $1.size })
    element.field(3, int64: group.rows)
    element.field(5, int64: group.offset)
    element.field(6, int64: group.columns.reduce(0) { $0 + $1.compressedSize })
  }

  private func describe(_ element: inout ThriftWriter, _ written: ColumnChunk.Written) {
    let isCoded = written.dictionaryOffset != nil
    element.field(1, int32: written.column.kind.type)
    element.field(
      2,
      int32s: [ParquetNumber.plain, ParquetNumber.runLengths] + (isCoded ? [ParquetNumber.dictionary] : []))
    element.field(3, binaries: [Array(written.column.name.utf8)])
    element.field(4, int32: ParquetNumber.zstd)
    element.field(5, int64: written.values)
    element.field(6, int64: written.size)
    element.field(7, int64: written.compressedSize)
    element.field(9, int64: written.dataOffset)
    if let offset = written.dictionaryOffset { element.field(11, int64: offset) }
    element.field(12) { statistics in
      statistics.field(3, int64: written.missing)
      if let most = written.most { statistics.field(5, binary: most) }
      if let least = written.least { statistics.field(6, binary: least) }
    }
  }
}
