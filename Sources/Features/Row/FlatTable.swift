/// A fixed table of trivial values that row code reads without reference counts or copies. Freed by its owner.
struct FlatTable<Element: BitwiseCopyable> {
  let base: UnsafeMutablePointer<Element>
  let count: Int

  init(_ elements: [Element]) {
    count = elements.count
    base = .allocate(capacity: max(count, 1))
    for (index, element) in elements.enumerated() { (base + index).initialize(to: element) }
  }

  @inline(__always)
  subscript(index: Int) -> Element {
    assert(index >= 0 && index < count)
    return base[index]
  }

  func deallocate() { base.deallocate() }
}
