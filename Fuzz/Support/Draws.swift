/// Takes decisions from an input's bytes; zeros when they are used up.
struct Draws {
  private var bytes: Slice<UnsafeBufferPointer<UInt8>>

  init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    bytes = UnsafeBufferPointer(start: start, count: count)[...]
  }

  /// Whether bytes are left.
  var hasMore: Bool { !bytes.isEmpty }

  /// The next byte.
  mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

  /// A number below `bound`, which is at most 65,536.
  mutating func below(_ bound: Int) -> Int {
    bound <= 256 ? Int(byte()) % bound : (Int(byte()) << 8 | Int(byte())) % bound
  }

  /// A finite number: mostly small ones that meet often, sometimes any.
  mutating func number() -> Float {
    switch byte() {
    case 0..<160: return Float(Int8(bitPattern: byte())) / 8
    case 160..<200: return Float(Int16(bitPattern: UInt16(below(65_536)))) / 64
    case 200..<210: return -0.0
    case 210..<216: return .leastNonzeroMagnitude
    case 216..<222: return .greatestFiniteMagnitude
    case 222..<228: return -.greatestFiniteMagnitude
    default:
      let any = Float(bitPattern: UInt32(below(65_536)) << 16 | UInt32(below(65_536)))
      return any.isFinite ? any : 1
    }
  }
}
