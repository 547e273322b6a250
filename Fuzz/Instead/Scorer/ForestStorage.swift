import CForest
import Glibc

/// Memory of a forest as the product has it, but every array in an allocation of its own, so that the address sanitizer
/// sees a kernel that reads beyond one. Sizes are rounded to cache lines as there, since kernels may read whole lines.
final class ForestStorage {
  private static let alignment = 64
  private var pieces: [UnsafeMutableRawPointer] = []
  /// Bytes that are taken.
  private(set) var bytes = 0

  deinit { for piece in pieces { free(piece) } }

  /// A copy of values; never empty.
  func place<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let size = max(values.count, 1) * MemoryLayout<Value>.stride
    let rounded = (size + Self.alignment - 1) / Self.alignment * Self.alignment
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, Self.alignment, rounded) == 0, let memory else {
      fatalError("no memory for \(rounded) bytes of a forest")
    }
    pieces.append(memory)
    bytes += rounded
    memset(memory, 0, size)
    let typed = memory.bindMemory(to: Value.self, capacity: max(values.count, 1))
    typed.update(from: values, count: values.count)
    return typed
  }
}
