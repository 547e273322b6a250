internal import CZstd

/// Packs pages with zstd, each with a checksum, which its readers compare.
final class Compressor {
  private let context: OpaquePointer
  private var packed: UnsafeMutableRawBufferPointer

  /// zstd's own default.
  private static let level: Int32 = 3

  init() throws(ParquetError) {
    guard let context = ZSTD_createCCtx() else { throw ParquetError("zstd cannot be set up") }
    self.context = context
    packed = .allocate(byteCount: 1 << 16, alignment: 16)
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  deinit {
    ZSTD_freeCCtx(context)
    packed.deallocate()
  }

  /// The packed bytes, there until the next call.
  func compress(_ bytes: [UInt8]) throws(ParquetError) -> UnsafeRawBufferPointer {
    let bound = ZSTD_compressBound(bytes.count)
    if bound > packed.count {
      packed.deallocate()
      packed = .allocate(byteCount: bound, alignment: 16)
    }
    let count = bytes.withUnsafeBytes {
      ZSTD_compress2(context, packed.baseAddress, packed.count, $0.baseAddress, $0.count)
    }
    guard ZSTD_isError(count) == 0 else {
      throw ParquetError("zstd: \(String(cString: ZSTD_getErrorName(count)))")
    }
    return UnsafeRawBufferPointer(rebasing: packed[0..<count])
  }
}

/// What keeps a table from being written.
public struct ParquetError: Error, Equatable, Sendable, CustomStringConvertible {
  /// For readers.
  public let description: String

  init(_ text: String) { description = text }
}
