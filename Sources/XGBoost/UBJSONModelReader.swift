/// Reads the part of Universal Binary JSON (ubjson.org, draft 12) that libxgboost 1.7 reads, and never past its end,
/// which the library does not promise.
struct UBJSONModelReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// The value of the whole of `bytes`.
  static func read(_ bytes: UnsafeRawBufferPointer) throws(ModelFormatError) -> ModelValue {
    var reader = UBJSONModelReader(bytes: bytes)
    let value = try reader.value(depth: 0)
    guard reader.position == bytes.count else { throw reader.error("the end") }
    return value
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func error(_ expected: String) -> ModelFormatError {
    ModelFormatError(text: "not UBJSON of XGBoost at byte \(position): expected \(expected)")
  }

  private func peek() throws(ModelFormatError) -> UInt8 {
    guard position < bytes.count else { throw error("more") }
    return bytes[position]
  }

  private mutating func byte() throws(ModelFormatError) -> UInt8 {
    let next = try peek()
    position += 1
    return next
  }

  private mutating func expect(_ marker: Unicode.Scalar) throws(ModelFormatError) {
    guard try peek() == UInt8(ascii: marker) else { throw error("\"\(marker)\"") }
    position += 1
  }

  private mutating func integer<Number: FixedWidthInteger>(
    _ type: Number.Type
  ) throws(ModelFormatError) -> Number {
    let size = MemoryLayout<Number>.size
    guard bytes.count - position >= size else { throw error("\(size) more bytes") }
    defer { position += size }
    return Number(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
  }

  private mutating func real() throws(ModelFormatError) -> Double {
    Double(Float(bitPattern: try integer(UInt32.self)))
  }

  /// A length: at most as many elements of `size` bytes as are left.
  private mutating func length(elementBytes size: Int) throws(ModelFormatError) -> Int {
    try expect("L")
    let count = try integer(Int64.self)
    guard count >= 0, count <= (bytes.count - position) / size else {
      throw error("a length within the file")
    }
    return Int(count)
  }

  private mutating func text() throws(ModelFormatError) -> String {
    let count = try length(elementBytes: 1)
    defer { position += count }
    return String(decoding: bytes[position..<position + count], as: UTF8.self)
  }

  private mutating func value(depth: Int) throws(ModelFormatError) -> ModelValue {
    guard depth < ModelValue.depthMax else { throw error("less nesting") }
    let marker = try byte()
    switch marker {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try list(depth)
    case UInt8(ascii: "S"): return .text(try text())
    case UInt8(ascii: "Z"): return .null
    case UInt8(ascii: "T"): return .flag(true)
    case UInt8(ascii: "F"): return .flag(false)
    default:
      if let number = try number(marker) { return .number(number) }
      position -= 1
      throw error("a value")
    }
  }

  private mutating func number(_ marker: UInt8) throws(ModelFormatError) -> Double? {
    switch marker {
    case UInt8(ascii: "d"): try real()
    case UInt8(ascii: "D"): Double(bitPattern: try integer(UInt64.self))
    case UInt8(ascii: "i"): Double(try integer(Int8.self))
    case UInt8(ascii: "U"): Double(try integer(UInt8.self))
    case UInt8(ascii: "I"): Double(try integer(Int16.self))
    case UInt8(ascii: "l"): Double(try integer(Int32.self))
    case UInt8(ascii: "L"): Double(try integer(Int64.self))
    default: nil
    }
  }

  private mutating func object(_ depth: Int) throws(ModelFormatError) -> ModelValue {
    var members = ModelObjectBuilder()
    while try peek() != UInt8(ascii: "}") {
      let name = try text()
      try members.append(name, try value(depth: depth + 1))
    }
    position += 1
    return members.object
  }

  private mutating func list(_ depth: Int) throws(ModelFormatError) -> ModelValue {
    var elements = ModelListBuilder()
    switch try peek() {
    case UInt8(ascii: "$"):
      position += 1
      return .numbers(try typedNumbers())
    case UInt8(ascii: "#"):
      position += 1
      let count = try length(elementBytes: 1)
      for _ in 0..<count {
        elements.append(try value(depth: depth + 1))
        if elements.isTooLong { throw error("a shorter list") }
      }
    default:
      while try peek() != UInt8(ascii: "]") {
        elements.append(try value(depth: depth + 1))
        if elements.isTooLong { throw error("a shorter list") }
      }
      position += 1
    }
    return elements.list
  }

  private mutating func typedNumbers() throws(ModelFormatError) -> [Double] {
    let marker = try byte()
    let size: Int
    switch marker {
    case UInt8(ascii: "U"): size = 1
    case UInt8(ascii: "i"): size = 1
    case UInt8(ascii: "I"): size = 2
    case UInt8(ascii: "d"), UInt8(ascii: "l"): size = 4
    case UInt8(ascii: "L"), UInt8(ascii: "D"): size = 8
    default:
      position -= 1
      throw error("a type of numbers")
    }
    try expect("#")
    let count = try length(elementBytes: size)
    var numbers: [Double] = []
    numbers.reserveCapacity(count)
    for _ in 0..<count { numbers.append(try number(marker) ?? .nan) }
    return numbers
  }
}
