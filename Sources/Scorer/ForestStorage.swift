import CForest
import Glibc

/// Memory of a forest: cache-line aligned, in large pieces for which the system is asked for large pages, since a row
/// touches hundreds of places in megabytes. Written while the forest is built, then only read.
final class ForestStorage {
  private static let pieceBytes = 1 << 21
  private static let alignment = 64
  private var pieces: [UnsafeMutableRawPointer] = []
  private var position = 0
  private var end = 0
  /// Bytes that are taken.
  private(set) var bytes = 0

  deinit { for piece in pieces { free(piece) } }

  /// A copy of values; never empty.
  func place<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let size = max(values.count, 1) * MemoryLayout<Value>.stride
    let memory = take(size)
    memset(memory, 0, size)
    let typed = memory.bindMemory(to: Value.self, capacity: max(values.count, 1))
    typed.update(from: values, count: values.count)
    return typed
  }

  private func take(_ size: Int) -> UnsafeMutableRawPointer {
    let rounded = (size + Self.alignment - 1) / Self.alignment * Self.alignment
    if rounded > end - position {
      let piece = (rounded + Self.pieceBytes - 1) / Self.pieceBytes * Self.pieceBytes
      // A small forest needs no large page.
      let small = pieces.isEmpty && rounded < Self.pieceBytes / 16
      let length = small ? Self.pieceBytes / 16 : piece
      var memory: UnsafeMutableRawPointer?
      let code = posix_memalign(&memory, small ? 4096 : Self.pieceBytes, length)
      guard code == 0, let memory else { fatalError("no memory for \(length) bytes of a forest") }
      if !small { _ = madvise(memory, length, MADV_HUGEPAGE) }
      pieces.append(memory)
      position = 0
      end = length
    }
    defer {
      position += rounded
      bytes += rounded
    }
    return pieces[pieces.count - 1] + position
  }
}
