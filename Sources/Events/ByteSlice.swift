/// A run of bytes in a batch's arena: valid until the batch is emptied.
public struct ByteSlice: Equatable, Sendable, BitwiseCopyable {
  /// First byte's position in the arena.
  public var start: Int32
  /// Number of bytes.
  public var count: Int32

  /// A run of `count` bytes from `start`.
  @inlinable
  public init(start: Int32, count: Int32) {
    self.start = start
    self.count = count
  }

  /// No bytes.
  public static let empty = ByteSlice(start: 0, count: 0)
}
