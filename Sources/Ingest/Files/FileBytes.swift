import CZlib
import CZstd
import Dataflow
import Glibc

/// The bytes of files one after the other, plain or unpacked: gzip and zstd are told by their first bytes. Memory is
/// bounded, whatever the files hold. A file that does not end with a line feed is given one.
///
/// Files are read as long as they were when they were first opened.
final class FileBytes {
  /// Lengths of the files as they lie there, bytes.
  let lengths: [Int]
  private let paths: [String]
  private var next = 0
  private var current: PackedFile?
  private var lastByte = UInt8(ascii: "\n")

  /// Opens files; `lengths` as found when they were first opened. Throws `PortError`.
  init(_ paths: [String], lengths: [Int]? = nil) throws(PortError) {
    self.paths = paths
    var found: [Int] = []
    for path in paths { found.append(try PackedFile.length(of: path)) }
    self.lengths = lengths ?? found
  }

  /// Reads up to `count` bytes; 0: the end of the last file. Throws `PortError` for a file that is cut off or corrupt.
  func read(into target: UnsafeMutableRawPointer, count: Int) throws(PortError) -> Int {
    while true {
      if let file = current {
        let got = try file.read(into: target, count: count)
        if got > 0 {
          lastByte = target.load(fromByteOffset: got - 1, as: UInt8.self)
          return got
        }
        current = nil
        if lastByte != UInt8(ascii: "\n") && next < paths.count {
          lastByte = UInt8(ascii: "\n")
          target.storeBytes(of: lastByte, as: UInt8.self)
          return 1
        }
      }
      guard next < paths.count else { return 0 }
      current = try PackedFile(paths[next], length: lengths[next])
      next += 1
    }
  }
}

/// One file, unpacked if need be.
private final class PackedFile {
  private enum Packing { case plain, gzip, zstd }

  private let path: String
  private let descriptor: Int32
  private let length: Int
  private var readBytes = 0
  private var packing = Packing.plain
  private let input: UnsafeMutableRawPointer
  private var begin = 0
  private var end = 0
  private let zlib = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var zstd: OpaquePointer?
  /// Whether the input ends a gzip member or a zstd frame.
  private var isBetweenMembers = true

  private static let inputBytes = 1 << 17
  /// Largest window that a zstd frame may ask for, as a power of two: 128 MiB, zstd's own default.
  private static let zstdWindowLog: Int32 = 27

  /// Length of a regular file. Throws `PortError`.
  static func length(of path: String) throws(PortError) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw error("open", path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw PortError(.refused, "file \(path): not a regular file", reason: .badFile)
    }
    return Int(status.st_size)
  }

  init(_ path: String, length: Int) throws(PortError) {
    let opened = open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw Self.error("open", path, errno) }
    self.path = path
    self.length = length
    descriptor = opened
    input = .allocate(byteCount: Self.inputBytes, alignment: 16)
    zlib.initialize(to: z_stream())
    try fill()
    let head = UnsafeRawBufferPointer(start: input, count: end)
    if head.starts(with: [0x1f, 0x8b]) {
      guard tally_inflate_init(zlib) == Z_OK else {
        throw PortError(.misuse, "file \(path): zlib cannot start", reason: .badFile)
      }
      packing = .gzip
    } else if head.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
      zstd = ZSTD_createDStream()
      guard zstd != nil else { throw PortError(.misuse, "file \(path): zstd cannot start", reason: .badFile) }
      ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, Self.zstdWindowLog)
      packing = .zstd
    }
  }

  deinit {
    if packing == .gzip { inflateEnd(zlib) }
    ZSTD_freeDStream(zstd)
    zlib.deallocate()
    input.deallocate()
    Glibc.close(descriptor)
  }

  /// Reads up to `count` bytes; 0: the end.
  func read(into target: UnsafeMutableRawPointer, count: Int) throws(PortError) -> Int {
    while true {
      if begin == end { try fill() }
      let hasInput = begin < end
      if !hasInput && isBetweenMembers { return 0 }
      // Without input there may still be output that had no room.
      let got: Int
      switch packing {
      case .plain:
        got = min(count, end - begin)
        target.copyMemory(from: input + begin, byteCount: got)
        begin += got
      case .gzip: got = try inflate(into: target, count: count)
      case .zstd: got = try decompress(into: target, count: count)
      }
      if got > 0 { return got }
      guard hasInput || isBetweenMembers else {
        throw PortError(
          .refused, "file \(path): the compressed data is cut off at byte \(readBytes)", reason: .badFile)
      }
    }
  }

  private func fill() throws(PortError) {
    begin = 0
    end = 0
    while readBytes < length {
      let got = Glibc.read(descriptor, input, min(Self.inputBytes, length - readBytes))
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw Self.error("read", path, errno) }
      // Shorter than when it was opened.
      guard got > 0 else {
        throw PortError(.refused, "file \(path): cut off at byte \(readBytes)", reason: .badFile)
      }
      readBytes += got
      end = got
      return
    }
  }

  /// gzip may be several members, one after the other.
  private func inflate(into target: UnsafeMutableRawPointer, count: Int) throws(PortError) -> Int {
    if isBetweenMembers { inflateReset(zlib) }
    isBetweenMembers = false
    zlib.pointee.next_in = (input + begin).assumingMemoryBound(to: UInt8.self)
    zlib.pointee.avail_in = UInt32(end - begin)
    zlib.pointee.next_out = target.assumingMemoryBound(to: UInt8.self)
    zlib.pointee.avail_out = UInt32(min(count, Int(Int32.max)))
    let room = Int(zlib.pointee.avail_out)
    let status = CZlib.inflate(zlib, Z_NO_FLUSH)
    begin = end - Int(zlib.pointee.avail_in)
    if status == Z_STREAM_END { isBetweenMembers = true }
    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw corrupt("gzip") }
    return room - Int(zlib.pointee.avail_out)
  }

  private func decompress(into target: UnsafeMutableRawPointer, count: Int) throws(PortError) -> Int {
    var from = ZSTD_inBuffer(src: input + begin, size: end - begin, pos: 0)
    var to = ZSTD_outBuffer(dst: target, size: count, pos: 0)
    let status = ZSTD_decompressStream(zstd, &to, &from)
    guard ZSTD_isError(status) == 0 else { throw corrupt("zstd") }
    begin += from.pos
    isBetweenMembers = status == 0
    return to.pos
  }

  private func corrupt(_ format: String) -> PortError {
    PortError(
      .refused, "file \(path): the \(format) data is corrupt near byte \(readBytes - (end - begin))",
      reason: .badFile)
  }

  private static func error(_ what: String, _ path: String, _ code: Int32) -> PortError {
    PortError(.refused, "file \(path): \(what)", cause: String(cString: strerror(code)), reason: .badFile)
  }
}
