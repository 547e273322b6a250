/// The fields of a line of CSV, one after the other. Row code.
struct CSVFields {
  /// A field; within quotes each quote is doubled.
  struct Field {
    var bytes: UnsafeRawBufferPointer
    var isQuoted: Bool
  }

  enum State {
    case reading
    /// The last field was read.
    case ended
    /// A quote stands where none may.
    case stray
    /// The last field's quotes are not closed: a line break in it, if anything.
    case open
  }

  private let line: UnsafeRawBufferPointer
  private var at = 0
  private(set) var state = State.reading

  init(_ line: UnsafeRawBufferPointer) { self.line = line }

  /// The next field; nil: there is none, `state` says why.
  mutating func next() -> Field? {
    guard state == .reading else { return nil }
    if at > line.count {
      state = .ended
      return nil
    }
    guard at < line.count, line[at] == Self.quote else { return plain() }
    let first = at + 1
    var end = first
    while true {
      guard end < line.count else {
        state = .open
        return nil
      }
      if line[end] == Self.quote {
        guard end + 1 < line.count, line[end + 1] == Self.quote else { break }
        end += 1
      }
      end += 1
    }
    guard end + 1 == line.count || line[end + 1] == UInt8(ascii: ",") else {
      state = .stray
      return nil
    }
    at = end + 2
    return Field(bytes: UnsafeRawBufferPointer(rebasing: line[first..<end]), isQuoted: true)
  }

  private mutating func plain() -> Field? {
    let first = at
    while at < line.count, line[at] != UInt8(ascii: ",") {
      if line[at] == Self.quote {
        state = .stray
        return nil
      }
      at += 1
    }
    at += 1
    return Field(bytes: UnsafeRawBufferPointer(rebasing: line[first..<(at - 1)]), isQuoted: false)
  }

  private static let quote = UInt8(ascii: "\"")

  /// Whether a line leaves a field's quotes open; `wereOpen`: those that a line before it has left open.
  static func leavesOpen(_ line: UnsafeRawBufferPointer, wereOpen: Bool) -> Bool {
    var quotes = 0
    for byte in line where byte == quote { quotes += 1 }
    if quotes == 0 { return wereOpen }
    if wereOpen { return quotes.isMultiple(of: 2) }
    var fields = CSVFields(line)
    while fields.next() != nil {}
    return fields.state == .open
  }
}
