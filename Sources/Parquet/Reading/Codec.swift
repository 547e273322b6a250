internal import CSnappy
internal import CZlib
internal import CZstd

/// Unpacks pages.
enum Codec: Int {
  case none = 0
  case snappy = 1
  case gzip = 2
  case zstd = 6

  /// The bytes, which must be as many as the page's header says.
  func unpack(_ packed: UnsafeRawBufferPointer, to count: Int) throws(ParquetError) -> [UInt8] {
    if self == .none {
      guard packed.count == count else { throw broken }
      return Array(packed)
    }
    if count == 0 { return [] }
    var bytes = [UInt8](repeating: 0, count: count)
    let isWhole = bytes.withUnsafeMutableBytes { target in
      switch self {
      case .none: false
      case .snappy: unpackSnappy(packed, target)
      case .zstd:
        ZSTD_decompress(target.baseAddress, target.count, packed.baseAddress, packed.count) == target.count
      case .gzip: unpackGzip(packed, target)
      }
    }
    guard isWhole else { throw broken }
    return bytes
  }

  private func unpackSnappy(_ packed: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer) -> Bool
  {
    var length = 0
    let source = packed.assumingMemoryBound(to: CChar.self).baseAddress
    guard snappy_uncompressed_length(source, packed.count, &length) == SNAPPY_OK, length == target.count
    else {
      return false
    }
    return snappy_uncompress(
      source, packed.count, target.assumingMemoryBound(to: CChar.self).baseAddress, &length) == SNAPPY_OK
      && length == target.count
  }

  private func unpackGzip(_ packed: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer) -> Bool {
    var stream = z_stream()
    guard tally_inflate_init(&stream) == Z_OK else { return false }
    defer { inflateEnd(&stream) }
    stream.next_in = UnsafeMutablePointer(
      mutating: packed.assumingMemoryBound(to: UInt8.self).baseAddress)
    stream.avail_in = UInt32(packed.count)
    stream.next_out = target.assumingMemoryBound(to: UInt8.self).baseAddress
    stream.avail_out = UInt32(target.count)
    return inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0
  }

  private var broken: ParquetError { ParquetError("a page cannot be unpacked") }
}
