/// Writes protobuf's wire format into a reused buffer (protobuf.dev, "Encoding").
///
/// Fields with default values are the caller's to leave out.
public struct WireWriter {
  /// What was written.
  public var bytes: [UInt8] = []

  /// Without bytes; they grow with what is written.
  public init() {}

  /// Forgets what was written; capacity stays.
  public mutating func removeAll() { bytes.empty() }

  /// A base-128 varint without tag.
  @inlinable
  public mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// A zigzag varint without tag.
  @inlinable
  public mutating func zigzag(_ value: Int64) {
    varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  /// A uint64, uint32, bool, enum, or (as two's complement) int64/int32 field.
  @inlinable
  public mutating func field(_ number: Int, varint value: UInt64) {
    varint(UInt64(number << 3))
    varint(value)
  }

  /// Writes a field of protobuf's type sint64: zigzag, as a varint (wire type 0).
  @inlinable
  public mutating func field(_ number: Int, zigzag value: Int64) {
    varint(UInt64(number << 3))
    zigzag(value)
  }

  /// Writes a field of protobuf's type double: 8 bytes, little-endian (wire type 1).
  @inlinable
  public mutating func field(_ number: Int, double value: Double) {
    varint(UInt64(number << 3 | 1))
    fixed64(value.bitPattern)
  }

  /// Writes a field of protobuf's type float: 4 bytes, little-endian (wire type 5).
  @inlinable
  public mutating func field(_ number: Int, float value: Float) {
    varint(UInt64(number << 3 | 5))
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Eight bytes, little-endian, without tag.
  @inlinable
  public mutating func fixed64(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// A bytes or string field.
  @inlinable
  public mutating func field(_ number: Int, bytes raw: UnsafeRawBufferPointer) {
    varint(UInt64(number << 3 | 2))
    varint(UInt64(raw.count))
    bytes.append(contentsOf: raw)
  }

  /// Writes a field of protobuf's type string: its length as a varint, then UTF-8 (wire type 2).
  @inlinable
  public mutating func field(_ number: Int, string: String) {
    var copy = string
    copy.withUTF8 { field(number, bytes: UnsafeRawBufferPointer($0)) }
  }

  /// Opens a length-delimited field of unknown length; pass the result to `close`.
  @inlinable
  public mutating func open(_ number: Int) -> Int {
    varint(UInt64(number << 3 | 2))
    return bytes.count
  }

  /// Ends what `open` began: puts the length before the content.
  @inlinable
  public mutating func close(_ mark: Int) {
    let count = bytes.count - mark
    if count < 0x80 {
      bytes.insert(UInt8(count), at: mark)
      return
    }
    var length: UInt64 = UInt64(count)
    var at = mark
    while length >= 0x80 {
      bytes.insert(UInt8(truncatingIfNeeded: length) | 0x80, at: at)
      length >>= 7
      at += 1
    }
    bytes.insert(UInt8(length), at: at)
  }
}

/// Reads protobuf's wire format; every read is bounded by the input and reports a malformed one.
public struct WireReader {
  /// What is left of the input.
  public var rest: UnsafeRawBufferPointer
  /// Whether something was malformed; nothing more is read then.
  public var failed = false

  /// A reader of `bytes`, which must outlive it.
  @inlinable
  public init(_ bytes: UnsafeRawBufferPointer) {
    rest = bytes
    failed = false
  }

  /// Whether nothing is left or something was malformed.
  public var atEnd: Bool { failed || rest.isEmpty }

  /// Bytes of a tag and of a length, at most, even in a longer form than needed: protobuf's own readers take no more.
  private static let headBytesMax = 5

  /// A varint; 0 after a failure. One of more than 64 bits is malformed.
  public mutating func varint() -> UInt64 { varint(bytesMax: 10) }

  @inline(__always)
  private mutating func varint(bytesMax: Int) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    for index in 0..<min(rest.count, bytesMax) {
      let byte = rest[index]
      if shift == 63 && byte > 1 { break }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 {
        rest = UnsafeRawBufferPointer(rebasing: rest[(index + 1)...])
        return value
      }
      shift += 7
    }
    return fail()
  }

  /// A zigzag varint; 0 after a failure.
  public mutating func zigzag() -> Int64 {
    let value = varint()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// A tag: the field's number and wire type (0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes).
  public mutating func tag() -> (number: Int, type: Int) {
    let value = varint(bytesMax: Self.headBytesMax)
    let number = value >> 3
    if number == 0 || number > 0x1fff_ffff { failed = true }
    return (Int(truncatingIfNeeded: number), Int(value & 7))
  }

  /// Eight bytes, little-endian; 0 after a failure.
  public mutating func fixed64() -> UInt64 {
    guard !failed, rest.count >= 8 else { return fail() }
    let value = UInt64(littleEndian: rest.loadUnaligned(as: UInt64.self))
    rest = UnsafeRawBufferPointer(rebasing: rest[8...])
    return value
  }

  /// A length-delimited field's content; empty after a failure.
  public mutating func delimited() -> UnsafeRawBufferPointer {
    let count = varint(bytesMax: Self.headBytesMax)
    guard !failed, count <= UInt64(rest.count) else {
      _ = fail()
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    let content = UnsafeRawBufferPointer(rebasing: rest[..<Int(count)])
    rest = UnsafeRawBufferPointer(rebasing: rest[Int(count)...])
    return content
  }

  /// Passes over a field's value of the given wire type.
  public mutating func skip(_ type: Int) {
    switch type {
    case 0: _ = varint()
    case 1: _ = fixed64()
    case 2: _ = delimited()
    case 5:
      guard rest.count >= 4 else {
        _ = fail()
        return
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[4...])
    default: _ = fail()
    }
  }

  private mutating func fail() -> UInt64 {
    failed = true
    rest = UnsafeRawBufferPointer(start: nil, count: 0)
    return 0
  }
}
