import CForest
import Glibc

/// Memory that scoring writes; one thread at a time.
public final class ForestScratch {
  static let rankStride = Int(TALLY_SLOTS_MAX)

  /// Where its parts are.
  struct Memory {
    /// [64 rows][256 slots]
    let ranks: UnsafeMutablePointer<UInt8>
    /// [256 slots][64 rows]
    let lanes: UnsafeMutablePointer<UInt8>
    /// [groups][64 rows], or [64 rows][groups]
    let margins: UnsafeMutablePointer<Float>
  }
  let memory: Memory
  /// The most groups that a model may have.
  let groups: Int
  private let start: UnsafeMutableRawPointer

  init(groups: Int) {
    self.groups = groups
    let rankBytes = Int(TALLY_ROWS) * Self.rankStride
    let bytes = rankBytes * 2 + Int(TALLY_ROWS) * groups * MemoryLayout<Float>.stride
    start = .allocate(byteCount: bytes, alignment: 64)
    memset(start, 0, bytes)
    memory = Memory(
      ranks: start.assumingMemoryBound(to: UInt8.self),
      lanes: (start + rankBytes).assumingMemoryBound(to: UInt8.self),
      margins: (start + 2 * rankBytes).assumingMemoryBound(to: Float.self))
  }

  deinit { start.deallocate() }
}
