/// JSON that grows, plain or as the inside of a text.
///
/// Its bytes stay where they are from record to record, and it keeps their end itself: an array that grows by a few
/// bytes a hundred times a record is what costs most.
struct ProfileText {
  private var storage = [UInt8](repeating: 0, count: 16_384)
  /// How many bytes there are.
  private(set) var count = 0
  /// Whether what follows stands inside a text, where a quotation mark has a backslash before it.
  var isInside = false

  /// Makes it empty.
  mutating func clear() {
    count = 0
    isInside = false
  }

  /// Appends all of it to `bytes`.
  func append(to bytes: inout [UInt8]) {
    storage.withUnsafeBufferPointer { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: $0[..<count])) }
  }

  /// Text without quotation marks and backslashes.
  @inline(__always)
  mutating func put(_ text: StaticString) {
    let added = text.utf8CodeUnitCount
    makeRoom(added)
    let end = count
    storage.withUnsafeMutableBytes { Self.copy(text, to: $0, at: end) }
    count += added
  }

  @inline(__always)
  mutating func put(byte: UInt8) {
    makeRoom(1)
    storage[count] = byte
    count += 1
  }

  /// A quotation mark.
  @inline(__always)
  mutating func quote() {
    makeRoom(2)
    var end = count
    let isInside = isInside
    storage.withUnsafeMutableBytes { end = Self.quote(isInside, in: $0, at: end) }
    count = end
  }

  /// A text of one part.
  @inline(__always)
  mutating func quoted(_ text: StaticString) {
    makeRoom(text.utf8CodeUnitCount + 4)
    var end = count
    let isInside = isInside
    storage.withUnsafeMutableBytes { end = Self.quoted(text, isInside, in: $0, at: end) }
    count = end
  }

  /// The key of an object, after a comma or the object's beginning.
  @inline(__always)
  mutating func key(_ name: StaticString, after: UInt8 = UInt8(ascii: ",")) {
    makeRoom(name.utf8CodeUnitCount + 6)
    var end = count
    let isInside = isInside
    storage.withUnsafeMutableBytes { room in
      room[end] = after
      end = Self.quoted(name, isInside, in: room, at: end + 1)
      room[end] = UInt8(ascii: ":")
    }
    count = end + 1
  }

  /// The inside of a JSON text, which may hold escapes.
  mutating func put(escaped text: StaticString) {
    guard isInside else { return put(text) }
    let source = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    for byte in source {
      if byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") { put(byte: UInt8(ascii: "\\")) }
      put(byte: byte)
    }
  }

  /// A whole number.
  mutating func put(_ value: Int) {
    if value < 0 { put(byte: UInt8(ascii: "-")) }
    makeRoom(20)
    var digits = 1
    var limit: UInt = 10
    while digits < 19 && value.magnitude >= limit {
      digits += 1
      limit *= 10
    }
    var rest = value.magnitude
    for place in stride(from: count + digits - 1, through: count, by: -1) {
      storage[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    count += digits
  }

  /// Takes off the end down to `length` bytes, and what would then end in the middle of a character or an escape.
  mutating func cut(to length: Int) {
    count = length
    while count > 0 && (storage[count - 1] == UInt8(ascii: "\\") || storage[count - 1] >= 0x80) { count -= 1 }
  }

  /// Makes small ASCII letters from `start` on large; nothing there may be an escape.
  mutating func capitalise(from start: Int) {
    for index in start..<count where (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(storage[index]) {
      storage[index] -= 32
    }
  }

  /// Makes large ASCII letters from `start` on small.
  mutating func lowercase(from start: Int) {
    for index in start..<count where (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(storage[index]) {
      storage[index] += 32
    }
  }

  @inline(__always)
  private static func quote(_ isInside: Bool, in room: UnsafeMutableRawBufferPointer, at end: Int) -> Int {
    room[end] = UInt8(ascii: "\\")
    let place = isInside ? end + 1 : end
    room[place] = UInt8(ascii: "\"")
    return place + 1
  }

  @inline(__always)
  private static func copy(_ text: StaticString, to room: UnsafeMutableRawBufferPointer, at end: Int) {
    let source = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    UnsafeMutableRawBufferPointer(rebasing: room[end..<end + source.count]).copyMemory(from: source)
  }

  @inline(__always)
  private static func quoted(
    _ text: StaticString, _ isInside: Bool, in room: UnsafeMutableRawBufferPointer, at end: Int
  ) -> Int {
    let start = quote(isInside, in: room, at: end)
    copy(text, to: room, at: start)
    return quote(isInside, in: room, at: start + text.utf8CodeUnitCount)
  }

  @inline(__always)
  private mutating func makeRoom(_ added: Int) {
    if count + added > storage.count { grow(added) }
  }

  @inline(never)
  private mutating func grow(_ added: Int) {
    storage.append(contentsOf: repeatElement(0, count: storage.count + added))
  }
}
