/// Writes Thrift's compact protocol, in which Parquet's headers and footer are (thrift, doc/specs/thrift-compact-protocol.md).
///
/// Structs are written in the order of calls; each field's number is above the last one's.
struct ThriftWriter {
  private(set) var bytes: [UInt8] = []
  /// Last field of each open struct.
  private var last: [Int] = [0]

  private enum Kind: UInt8 {
    case yes = 1
    case no = 2
    case int32 = 5
    case int64 = 6
    case binary = 8
    case list = 9
    case structure = 12
  }

  mutating func field(_ number: Int, int32 value: Int) {
    header(number, .int32)
    varint(zigzag: Int64(value))
  }

  mutating func field(_ number: Int, int64 value: Int) {
    header(number, .int64)
    varint(zigzag: Int64(value))
  }

  mutating func field(_ number: Int, bool value: Bool) { header(number, value ? .yes : .no) }

  mutating func field(_ number: Int, binary value: some Collection<UInt8>) {
    header(number, .binary)
    append(value)
  }

  /// A struct; `body` writes its fields.
  mutating func field(_ number: Int, _ body: (inout ThriftWriter) -> Void) {
    header(number, .structure)
    element(body)
  }

  /// A list of structs.
  mutating func field<Element>(
    _ number: Int, structures all: [Element], _ body: (inout ThriftWriter, Element) -> Void
  ) {
    listHeader(number, all.count, .structure)
    for one in all { element { body(&$0, one) } }
  }

  /// A list of numbers.
  mutating func field(_ number: Int, int32s all: [Int]) {
    listHeader(number, all.count, .int32)
    for value in all { varint(zigzag: Int64(value)) }
  }

  /// A list of texts.
  mutating func field(_ number: Int, binaries all: [[UInt8]]) {
    listHeader(number, all.count, .binary)
    for value in all { append(value) }
  }

  /// Ends the outermost struct.
  mutating func finish() { bytes.append(0) }

  private mutating func element(_ body: (inout ThriftWriter) -> Void) {
    last.append(0)
    body(&self)
    last.removeLast()
    bytes.append(0)
  }

  private mutating func header(_ number: Int, _ kind: Kind) {
    let step = number - last[last.count - 1]
    precondition(step > 0, "fields come in ascending order")
    last[last.count - 1] = number
    if step <= 15 {
      bytes.append(UInt8(step) << 4 | kind.rawValue)
    } else {
      bytes.append(kind.rawValue)
      varint(zigzag: Int64(number))
    }
  }

  private mutating func listHeader(_ number: Int, _ count: Int, _ kind: Kind) {
    header(number, .list)
    if count < 15 {
      bytes.append(UInt8(count) << 4 | kind.rawValue)
    } else {
      bytes.append(0xf0 | kind.rawValue)
      varint(UInt64(count))
    }
  }

  private mutating func append(_ value: some Collection<UInt8>) {
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  private mutating func varint(zigzag value: Int64) {
    varint(UInt64(bitPattern: value << 1) ^ UInt64(bitPattern: value >> 63))
  }

  private mutating func varint(_ value: UInt64) {
    bytes.append(varint: value)
  }
}
