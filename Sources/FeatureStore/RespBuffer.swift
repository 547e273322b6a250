import Events

/// Redis commands as bytes for the wire (RESP 2, redis.io/docs/reference/protocol-spec), in a reused buffer.
struct RespBuffer {
  /// What was written.
  private(set) var bytes: [UInt8] = []
  /// Commands begun.
  private(set) var commands = 0

  /// Forgets all commands; capacity stays.
  mutating func removeAll() {
    bytes.empty()
    commands = 0
  }

  /// Begins a command of `count` words, its name included.
  mutating func begin(words count: Int) {
    commands += 1
    line(UInt8(ascii: "*"), count)
  }

  /// Adds a word of text.
  mutating func word(_ text: StaticString) {
    text.withUTF8Buffer { word(UnsafeRawBufferPointer($0)) }
  }

  /// Adds a word of text.
  mutating func word(_ text: String) {
    var copy = text
    copy.withUTF8 { word(UnsafeRawBufferPointer($0)) }
  }

  /// Adds a word of bytes.
  mutating func word(_ raw: UnsafeRawBufferPointer) {
    line(UInt8(ascii: "$"), raw.count)
    bytes.append(contentsOf: raw)
    endLine()
  }

  /// Adds a word of two runs of bytes, as keys have: the partition's part, and the rest.
  mutating func word(_ first: [UInt8], _ second: UnsafeRawBufferPointer) {
    line(UInt8(ascii: "$"), first.count + second.count)
    bytes.append(contentsOf: first)
    bytes.append(contentsOf: second)
    endLine()
  }

  /// Adds a word of bytes.
  mutating func word(_ whole: [UInt8]) {
    whole.withUnsafeBytes { word($0) }
  }

  /// Adds a whole number as a word.
  mutating func word(_ number: Int64) {
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { space in
      let start = Self.decimal(number, into: space)
      word(UnsafeRawBufferPointer(rebasing: space[start...]))
    }
  }

  private mutating func line(_ kind: UInt8, _ count: Int) {
    bytes.append(kind)
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { space in
      let start = Self.decimal(Int64(count), into: space)
      bytes.append(contentsOf: space[start...])
    }
    endLine()
  }

  private mutating func endLine() {
    bytes.append(UInt8(ascii: "\r"))
    bytes.append(UInt8(ascii: "\n"))
  }

  /// Writes decimal digits at the end of `space` (24 bytes); returns where they start.
  private static func decimal(_ number: Int64, into space: UnsafeMutableRawBufferPointer) -> Int {
    var rest = number.magnitude
    var start = space.count
    repeat {
      start -= 1
      space[start] = UInt8(truncatingIfNeeded: 48 + rest % 10)
      rest /= 10
    } while rest > 0
    if number < 0 {
      start -= 1
      space[start] = UInt8(ascii: "-")
    }
    return start
  }
}
