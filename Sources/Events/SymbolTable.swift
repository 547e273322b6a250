/// Numbers for the names that a pipeline speaks of: event types, attribute names, vocabulary words and filter
/// literals. Built once when a pipeline is compiled; read by decoders, so that row code compares numbers.
///
/// Names are compared as UTF-8 bytes. Intern everything before decoding begins.
public final class SymbolTable: @unchecked Sendable {
  /// The number of a name that is not in the table.
  public static let unknown: Int32 = -1

  /// Names by number.
  public private(set) var names: [String] = []
  private var slots: [Int32] = Array(repeating: -1, count: 64)
  private var hashes: [UInt64] = []
  private var spans: [(start: Int, count: Int)] = []
  private var bytes: [UInt8] = []
  private var lists: [Bool] = []

  package init() {}

  /// The number of `name`, given now if it has none. Not safe while another thread reads.
  public func intern(_ name: String) -> Int32 {
    var copy = name
    return copy.withUTF8 { utf8 in
      let raw = UnsafeRawBufferPointer(utf8)
      let found = lookup(raw)
      if found >= 0 { return found }
      let number = Int32(names.count)
      names.append(name)
      spans.append((bytes.count, raw.count))
      bytes.append(contentsOf: raw)
      hashes.append(Self.hash(raw))
      if names.count * 2 > slots.count { rehash(capacity: slots.count * 2) } else { place(number) }
      return number
    }
  }

  /// Says that an attribute of this name is a list somewhere, so that decoders look into its elements. Not safe while another thread
  /// reads.
  public func noteList(_ number: Int32) {
    while lists.count <= Int(number) { lists.append(false) }
    lists[Int(number)] = true
  }

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
    while true {
      let number = slots[slot]
      if number < 0 { return Self.unknown }
      if hashes[Int(number)] == hash && equals(number, name) { return number }
      slot = (slot + 1) & mask
    }
  }

  /// Calls `body` with a name's UTF-8; the pointer is valid only inside. Allocates nothing.
  public func withName<Result>(_ number: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let span = spans[Int(number)]
    return bytes.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[span.start..<span.start + span.count]))
    }
  }

  private func equals(_ number: Int32, _ name: UnsafeRawBufferPointer) -> Bool {
    let span = spans[Int(number)]
    guard span.count == name.count else { return false }
    for index in 0..<span.count where bytes[span.start + index] != name[index] { return false }
    return true
  }

  private func rehash(capacity: Int) {
    slots = Array(repeating: -1, count: capacity)
    for number in names.indices { place(Int32(number)) }
  }

  private func place(_ number: Int32) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hashes[Int(number)]) & mask
    while slots[slot] >= 0 { slot = (slot + 1) & mask }
    slots[slot] = number
  }

  /// FNV-1a, 64 bit, with a final mix (Fowler, Noll, Vo).
  public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return hash ^ (hash >> 29)
  }
}
