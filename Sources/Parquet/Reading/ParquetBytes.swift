internal import Glibc

/// A file that is read here and there.
final class ParquetBytes {
  /// Length when it was opened.
  let count: Int
  private let descriptor: CInt

  init(path: String) throws(ParquetError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ParquetError("it cannot be opened: \(String(cString: strerror(errno)))")
    }
    var status = stat()
    let isRegular = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    count = Int(status.st_size)
    guard isRegular else { throw ParquetError("not a regular file: Parquet is read from its end") }
  }

  deinit { close(descriptor) }

  func read(_ range: Range<Int>) throws(ParquetError) -> [UInt8] {
    var problem: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { target, made in
      while made < range.count {
        let got = pread(
          descriptor, target.baseAddress.map { $0 + made }, range.count - made, range.lowerBound + made)
        if got < 0 && errno == EINTR { continue }
        guard got > 0 else {
          problem = got < 0 ? errno : EIO
          return
        }
        made += got
      }
    }
    guard bytes.count == range.count else {
      throw ParquetError("it cannot be read: \(String(cString: strerror(problem)))")
    }
    return bytes
  }
}
