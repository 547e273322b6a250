extension Array {
  /// Bytes of a buffer's capacity that are kept from batch to batch; what one large batch needed beyond is given back.
  @usableFromInline static var keptBytesMax: Int { 8 << 20 }

  /// Empties a buffer that is filled again and again: it keeps its capacity, unless that is more than 8 MiB.
  @inlinable
  public mutating func empty() {
    if capacity > Self.keptBytesMax / Swift.max(MemoryLayout<Element>.stride, 1) {
      self = []
    } else {
      removeAll(keepingCapacity: true)
    }
  }
}
