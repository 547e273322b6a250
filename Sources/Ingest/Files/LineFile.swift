import Dataflow
import Glibc

/// Reads files line by line in large pieces, one after the other. A line lies in the buffer until the next `fill`.
///
/// Lengths are taken when the files are first opened: what is appended later is not read.
struct LineFile: ~Copyable {
  private let bytes: FileBytes
  private let buffer: UnsafeMutableRawPointer
  private let capacity: Int
  /// The part of the buffer that holds unread bytes.
  private var begin = 0
  private var end = 0
  /// Whether the files have no more bytes than those in the buffer.
  private var hasEnded = false
  /// Whether the rest of a line that was cut has to be passed over.
  private var isCutting = false

  /// Bytes read at once, at least.
  static let bufferBytesMin = 1 << 20

  /// Lengths of the files, bytes.
  var lengths: [Int] { bytes.lengths }

  /// Opens files. A line of more than `lineBytesMax` bytes is cut to `lineBytesMax` + 1 bytes. `lengths`: as they
  /// were when they were first opened.
  init(paths: [String], lineBytesMax: Int, lengths: [Int]? = nil) throws(PortError) {
    bytes = try FileBytes(paths, lengths: lengths)
    capacity = max(Self.bufferBytesMin, 2 * (lineBytesMax + 1))
    buffer = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// Makes room and reads on, so that at least one whole line (or the cut of one) is in the buffer unless the file
  /// is at its end. Lines taken before are gone.
  mutating func fill() throws(PortError) {
    if begin > 0 {
      buffer.copyMemory(from: buffer + begin, byteCount: end - begin)
      end -= begin
      begin = 0
    }
    while end < capacity && !hasEnded {
      let count = try bytes.read(into: buffer + end, count: capacity - end)
      if count == 0 { hasEnded = true }
      end += count
    }
  }

  /// The next line in the buffer, without its end; nil: fill first, or the file is at its end (`isAtEnd`).
  mutating func next(lineBytesMax: Int) -> UnsafeRawBufferPointer? {
    while begin < end {
      let found = memchr(buffer + begin, Int32(UInt8(ascii: "\n")), end - begin)
      let lineEnd = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(buffer) }
      if isCutting {
        isCutting = lineEnd == nil && !hasEnded
        begin = lineEnd.map { $0 + 1 } ?? end
        continue
      }
      let isLast = lineEnd == nil && hasEnded
      guard lineEnd != nil || isLast || end - begin > lineBytesMax else { return nil }
      let count = (lineEnd ?? end) - begin
      let line = UnsafeRawBufferPointer(start: buffer + begin, count: min(count, lineBytesMax + 1))
      isCutting = lineEnd == nil && !isLast
      begin = lineEnd.map { $0 + 1 } ?? end
      return line
    }
    return nil
  }

  /// Whether every line was taken.
  var isAtEnd: Bool { begin == end && hasEnded }
}
