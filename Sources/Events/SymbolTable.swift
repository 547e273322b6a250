/// Numbers for the names that a pipeline speaks of: event types, attribute names, vocabulary words and filter
/// literals. Built once when a pipeline is compiled; read by decoders, so that row code compares numbers.
///
/// Names are compared as UTF-8 bytes. Intern everything before decoding begins.
public final class SymbolTable: @unchecked Sendable {
  /// The number of a name that is not in the table.
  public static let unknown: Int32 = -1

  /// Where a name lies in `bytes`, and its hash.
  private struct Span: BitwiseCopyable {
    var hash: UInt64
    var start: Int
    var count: Int
  }

  /// Names by number.
  public private(set) var names: [String] = []
  // Behind pointers, so that row code neither counts references nor checks exclusive access.
  private let spans = ReusedBuffer<Span>(capacity: 64)
  private let bytes = ReusedBuffer<UInt8>(capacity: 1024)
  private let lists = ReusedBuffer<Bool>(capacity: 64)
  /// Open addressing over `spans`; -1: nothing.
  private let slots = ReusedBuffer<Int32>(capacity: 64)

  package init() { place(capacity: 64) }

  deinit {
    spans.deallocate()
    bytes.deallocate()
    lists.deallocate()
    slots.deallocate()
  }

  /// The number of `name`, given now if it has none. Not safe while another thread reads.
  public func intern(_ name: String) -> Int32 {
    var copy = name
    return copy.withUTF8 { utf8 in
      let raw = UnsafeRawBufferPointer(utf8)
      let hash = Self.hash(raw)
      let found = lookup(raw, hash: hash)
      if found >= 0 { return found }
      let number = Int32(names.count)
      names.append(name)
      spans.append(Span(hash: hash, start: bytes.count, count: raw.count))
      lists.append(false)
      if let base = utf8.baseAddress { bytes.append(from: base, count: utf8.count) }
      if names.count * 2 > slots.count { place(capacity: slots.count * 2) } else { place(number) }
      return number
    }
  }

  /// Says that an attribute of this name is a list somewhere, so that decoders look into its elements. Not safe while another thread
  /// reads.
  public func noteList(_ number: Int32) { lists.set(Int(number), true) }

  /// Whether an attribute of this name is a list somewhere.
  public func isOfList(_ number: Int32) -> Bool {
    number >= 0 && Int(number) < lists.count && lists[Int(number)]
  }

  /// The number of a name, or `unknown`. Allocates nothing; safe from any thread once nothing is interned.
  public func lookup(_ name: UnsafeRawBufferPointer) -> Int32 { lookup(name, hash: Self.hash(name)) }

  /// The same for a name whose `hash` is known.
  public func lookup(_ name: UnsafeRawBufferPointer, hash: UInt64) -> Int32 {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    let (slots, spans) = (slots.base, spans.base)
    while true {
      let number = slots[slot]
      if number < 0 { return Self.unknown }
      let span = spans + Int(number)
      if span.pointee.hash == hash && equals(span, name) { return number }
      slot = (slot + 1) & mask
    }
  }

  /// Calls `body` with a name's UTF-8; the pointer is valid only inside. Allocates nothing.
  public func withName<Result>(_ number: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let span = spans[Int(number)]
    return body(UnsafeRawBufferPointer(start: bytes.base + span.start, count: span.count))
  }

  @inline(__always)
  private func equals(_ span: UnsafePointer<Span>, _ name: UnsafeRawBufferPointer) -> Bool {
    guard span.pointee.count == name.count else { return false }
    let known = bytes.base + span.pointee.start
    for index in 0..<name.count where known[index] != name[index] { return false }
    return true
  }

  private func place(capacity: Int) {
    slots.removeAll()
    for _ in 0..<capacity { slots.append(-1) }
    for number in 0..<spans.count { place(Int32(number)) }
  }

  private func place(_ number: Int32) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: spans[Int(number)].hash) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots.set(slot, number)
  }

  /// A hash of short names, eight bytes at a time; the last word lies over the one before it. Never stored.
  public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    let factor: UInt64 = 0x9e37_79b9_7f4a_7c15
    var hash = UInt64(truncatingIfNeeded: count) &* factor
    if count >= 8 {
      var index = 0
      while index < count - 8 {
        hash = mix(hash, bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self), factor)
        index += 8
      }
      return mix(hash, bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self), factor)
    }
    if count >= 4 {
      let first = UInt64(bytes.loadUnaligned(as: UInt32.self))
      let last = UInt64(bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
      return mix(hash, first | last &<< 32, factor)
    }
    guard count > 0 else { return hash }
    let word = UInt64(bytes[0]) | UInt64(bytes[count / 2]) &<< 8 | UInt64(bytes[count - 1]) &<< 16
    return mix(hash, word, factor)
  }

  @inline(__always)
  private static func mix(_ hash: UInt64, _ word: UInt64, _ factor: UInt64) -> UInt64 {
    let value = (hash ^ word) &* factor
    return value ^ (value &>> 29)
  }
}
