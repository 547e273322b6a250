/// A growing list of plain values that is filled again and again. Whoever has it may add to it: its memory lies behind a pointer, so that
/// row code neither counts references nor checks exclusive access. Freed by its owner; one thread.
public struct ReusedBuffer<Element: BitwiseCopyable>: RandomAccessCollection {
  @usableFromInline
  struct Head {
    @usableFromInline var base: UnsafeMutablePointer<Element>
    @usableFromInline var count: Int
    @usableFromInline var capacity: Int

    @usableFromInline
    init(capacity: Int) {
      base = .allocate(capacity: capacity)
      count = 0
      self.capacity = capacity
    }
  }

  @usableFromInline let head: UnsafeMutablePointer<Head>
  /// Bytes of capacity that are kept when it is emptied; what one large batch needed beyond is given back.
  @usableFromInline static var keptBytesMax: Int { 8 << 20 }

  /// An empty one.
  public init(capacity: Int) {
    head = .allocate(capacity: 1)
    head.initialize(to: Head(capacity: Swift.max(capacity, 16)))
  }

  /// Gives its memory back.
  public func deallocate() {
    head.pointee.base.deallocate()
    head.deallocate()
  }

  /// 0.
  @inlinable public var startIndex: Int { 0 }
  /// Values in it.
  @inlinable public var endIndex: Int { head.pointee.count }
  /// The same.
  @inlinable public var count: Int { head.pointee.count }

  /// A value.
  @inlinable
  public subscript(index: Int) -> Element {
    precondition(index >= 0 && index < head.pointee.count, "index out of range")
    return head.pointee.base[index]
  }

  /// The first value; valid until something is added.
  @inlinable public var base: UnsafePointer<Element> { UnsafePointer(head.pointee.base) }

  /// Adds a value.
  @inlinable
  public func append(_ element: Element) {
    if head.pointee.count == head.pointee.capacity { grow(by: 1) }
    head.pointee.base[head.pointee.count] = element
    head.pointee.count += 1
  }

  /// Adds values that lie elsewhere.
  @inlinable
  public func append(from pointer: UnsafePointer<Element>, count: Int) {
    if head.pointee.capacity - head.pointee.count < count { grow(by: count) }
    (head.pointee.base + head.pointee.count).update(from: pointer, count: count)
    head.pointee.count += count
  }

  /// Adds the same value so many times. Returns where they lie, valid until something is added.
  @inlinable
  public func extend(by count: Int, with element: Element) -> UnsafeMutablePointer<Element> {
    if head.pointee.capacity - head.pointee.count < count { grow(by: count) }
    let first = head.pointee.base + head.pointee.count
    first.update(repeating: element, count: count)
    head.pointee.count += count
    return first
  }

  /// Replaces a value.
  @inlinable
  public func set(_ index: Int, _ element: Element) {
    precondition(index >= 0 && index < head.pointee.count, "index out of range")
    head.pointee.base[index] = element
  }

  /// Forgets the values from a position on.
  @inlinable
  public func cut(to count: Int) { if count < head.pointee.count { head.pointee.count = count } }

  /// Forgets all values; keeps the memory, unless it is more than 8 MiB.
  @inlinable
  public func removeAll() {
    head.pointee.count = 0
    if head.pointee.capacity > Self.keptBytesMax / Swift.max(MemoryLayout<Element>.stride, 1) { shrink() }
  }

  @usableFromInline
  func grow(by more: Int) {
    let capacity = Swift.max(2 * head.pointee.capacity, head.pointee.count + more)
    let moved = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    moved.update(from: head.pointee.base, count: head.pointee.count)
    head.pointee.base.deallocate()
    head.pointee.base = moved
    head.pointee.capacity = capacity
  }

  @usableFromInline
  func shrink() {
    head.pointee.base.deallocate()
    head.pointee = Head(capacity: 16)
  }
}
