import Dataflow
import Glibc

/// Reads a file line by line in large pieces. A line lies in the buffer until the next `fill`.
///
/// The file's length is taken when it is first opened: what is appended later is not read.
struct LineFile: ~Copyable {
  private let path: String
  private let descriptor: Int32
  /// Bytes of the file.
  let length: Int
  private let buffer: UnsafeMutableRawPointer
  private let capacity: Int
  /// The part of the buffer that holds unread bytes.
  private var begin = 0
  private var end = 0
  private var readBytes = 0
  /// Whether the rest of a line that was cut has to be passed over.
  private var isCutting = false

  /// Bytes read at once, at least.
  static let bufferBytesMin = 1 << 20

  /// Opens a file. A line of more than `lineBytesMax` bytes is cut to `lineBytesMax` + 1 bytes. `length`: as it was
  /// when it was first opened.
  init(path: String, lineBytesMax: Int, length: Int? = nil) throws(PortError) {
    self.path = path
    capacity = max(Self.bufferBytesMin, 2 * (lineBytesMax + 1))
    let opened = open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw Self.error("open", path, errno) }
    var status = stat()
    guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      Glibc.close(opened)
      throw PortError(.refused, "file \(path): not a regular file")
    }
    descriptor = opened
    self.length = length ?? Int(status.st_size)
    buffer = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit {
    buffer.deallocate()
    Glibc.close(descriptor)
  }

  /// Makes room and reads on, so that at least one whole line (or the cut of one) is in the buffer unless the file
  /// is at its end. Lines taken before are gone.
  mutating func fill() throws(PortError) {
    if begin > 0 {
      buffer.copyMemory(from: buffer + begin, byteCount: end - begin)
      end -= begin
      begin = 0
    }
    while end < capacity && readBytes < length {
      let count = read(descriptor, buffer + end, min(capacity - end, length - readBytes))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Self.error("read", path, errno) }
      // Shorter than when it was opened.
      guard count > 0 else { throw PortError(.refused, "file \(path): cut off at byte \(readBytes)") }
      readBytes += count
      end += count
    }
  }

  /// The next line in the buffer, without its end; nil: fill first, or the file is at its end (`isAtEnd`).
  mutating func next(lineBytesMax: Int) -> UnsafeRawBufferPointer? {
    while begin < end {
      let found = memchr(buffer + begin, Int32(UInt8(ascii: "\n")), end - begin)
      let lineEnd = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(buffer) }
      if isCutting {
        isCutting = lineEnd == nil && !(readBytes == length)
        begin = lineEnd.map { $0 + 1 } ?? end
        continue
      }
      let isLast = lineEnd == nil && readBytes == length
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
  var isAtEnd: Bool { begin == end && readBytes == length }

  private static func error(_ what: String, _ path: String, _ code: Int32) -> PortError {
    PortError(.refused, "file \(path): \(what)", cause: String(cString: strerror(code)))
  }
}
