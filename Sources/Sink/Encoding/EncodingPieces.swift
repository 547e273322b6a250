import Events

/// Runs of bytes that all messages of a run share, written once.
struct EncodingPieces {
  private var pool: [UInt8] = []
  private var spans: [Range<Int>] = []

  /// Number of pieces.
  var count: Int { spans.count }

  /// Adds a piece; returns its number.
  mutating func add(_ bytes: [UInt8]) -> Int {
    spans.append(pool.count..<(pool.count + bytes.count))
    pool += bytes
    return spans.count - 1
  }

  /// Bytes of a piece.
  func size(_ piece: Int) -> Int { spans[piece].count }

  /// Appends a piece.
  func append(_ piece: Int, to bytes: inout [UInt8]) {
    pool.withUnsafeBytes { bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[spans[piece]])) }
  }

  /// Calls `body` with a piece's bytes; the pointer is valid only inside.
  func withBytes<R>(_ piece: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    pool.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[spans[piece]])) }
  }
}
