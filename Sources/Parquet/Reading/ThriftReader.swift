/// A value of Thrift's compact protocol.
indirect enum ThriftValue {
  case flag(Bool)
  case number(Int64)
  case real
  case binary(Range<Int>)
  case list([ThriftValue])
  case structure([Int: ThriftValue])
  case map

  /// A struct's field; nil: it has none, or this is no struct.
  subscript(_ number: Int) -> ThriftValue? {
    guard case .structure(let fields) = self else { return nil }
    return fields[number]
  }

  var number: Int? {
    guard case .number(let value) = self else { return nil }
    return Int(value)
  }

  var list: [ThriftValue]? {
    guard case .list(let all) = self else { return nil }
    return all
  }

  var binary: Range<Int>? {
    guard case .binary(let range) = self else { return nil }
    return range
  }

  var flag: Bool? {
    guard case .flag(let value) = self else { return nil }
    return value
  }
}

/// Reads Thrift's compact protocol out of bytes that nobody vouches for.
struct ThriftReader {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next value begins.
  private(set) var place: Int
  private var depth = 0
  /// Values that have been made: a list of few bytes must not become one of a billion structs.
  private var values = 0

  private static let depthMost = 16
  private static let valuesMost = 1 << 24

  init(_ bytes: UnsafeRawBufferPointer, from place: Int = 0) {
    self.bytes = bytes
    self.place = place
  }

  /// A struct's fields.
  mutating func structure() throws(ParquetError) -> ThriftValue {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthMost else { throw malformed }
    var fields: [Int: ThriftValue] = [:]
    var last = 0
    while true {
      let head = try byte()
      if head == 0 { return .structure(fields) }
      let step = Int(head >> 4)
      last = step > 0 ? last + step : Int(truncatingIfNeeded: try zigzag())
      guard last > 0, last <= Int(Int16.max) else { throw malformed }
      fields[last] = try value(of: head & 15, inList: false)
    }
  }

  private mutating func value(of kind: UInt8, inList: Bool) throws(ParquetError) -> ThriftValue {
    values += 1
    guard values <= Self.valuesMost else { throw malformed }
    switch kind {
    case 1, 2: return .flag(inList ? try byte() == 1 : kind == 1)
    case 3: return .number(Int64(Int8(bitPattern: try byte())))
    case 4, 5, 6: return .number(try zigzag())
    case 7:
      _ = try take(8)
      return .real
    case 8: return .binary(try take(try length()))
    case 9, 10: return try list()
    case 11:
      try skipMap()
      return .map
    case 12: return try structure()
    default: throw malformed
    }
  }

  private mutating func list() throws(ParquetError) -> ThriftValue {
    let head = try byte()
    let count = head >> 4 == 15 ? try length() : Int(head >> 4)
    // Each element has a byte at least.
    guard count <= bytes.count - place else { throw malformed }
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthMost else { throw malformed }
    var all: [ThriftValue] = []
    all.reserveCapacity(count)
    for _ in 0..<count { all.append(try value(of: head & 15, inList: true)) }
    return .list(all)
  }

  private mutating func skipMap() throws(ParquetError) {
    let count = try length()
    guard count > 0 else { return }
    guard count <= bytes.count - place else { throw malformed }
    let kinds = try byte()
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthMost else { throw malformed }
    for _ in 0..<count {
      _ = try value(of: kinds >> 4, inList: true)
      _ = try value(of: kinds & 15, inList: true)
    }
  }

  private mutating func byte() throws(ParquetError) -> UInt8 {
    guard place < bytes.count else { throw malformed }
    place += 1
    return bytes[place - 1]
  }

  private mutating func take(_ count: Int) throws(ParquetError) -> Range<Int> {
    guard count >= 0, count <= bytes.count - place else { throw malformed }
    place += count
    return place - count..<place
  }

  private mutating func length() throws(ParquetError) -> Int {
    let value = try varint()
    guard value <= UInt64(Int32.max) else { throw malformed }
    return Int(value)
  }

  private mutating func zigzag() throws(ParquetError) -> Int64 {
    let value = try varint()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  private mutating func varint() throws(ParquetError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      let next = try byte()
      value |= UInt64(next & 0x7f) << shift
      if next & 0x80 == 0 { return value }
    }
    throw malformed
  }

  private var malformed: ParquetError { ParquetError("headers or footer are malformed") }
}
