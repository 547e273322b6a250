import Events

/// Rows in COPY's binary format (PostgreSQL 15, "COPY", "Binary Format"), in a reused buffer.
package final class PostgresCopyBuffer {
  /// 2000-01-01, from which PostgreSQL counts, as microseconds since 1970.
  private static let epochMicros: Int64 = 946_684_800_000_000

  package init() {}

  /// What was written.
  private(set) var bytes: [UInt8] = []
  /// Rows begun.
  package private(set) var rows = 0

  /// Starts anew; capacity stays.
  func begin() {
    bytes.empty()
    rows = 0
    // "PGCOPY", signature bytes that any text conversion would break, then flags and extension length: 0.
    bytes.append(contentsOf: [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00])
    append(0 as Int32)
    append(0 as Int32)
  }

  /// Ends the rows.
  func end() { append(-1 as Int16) }

  /// Starts a row of `count` fields.
  func row(fields count: Int) {
    rows += 1
    append(Int16(count))
  }

  func null() { append(-1 as Int32) }

  /// A text, or bytes.
  func field(_ raw: UnsafeRawBufferPointer) {
    append(Int32(raw.count))
    bytes.append(contentsOf: raw)
  }

  /// A text in UTF-8, or bytes.
  func field(_ whole: [UInt8]) {
    append(Int32(whole.count))
    bytes.append(contentsOf: whole)
  }

  /// A 32-bit whole number.
  func field(_ number: Int32) {
    append(4 as Int32)
    append(number)
  }

  /// A 64-bit whole number.
  func field(_ number: Int64) {
    append(8 as Int32)
    append(number)
  }

  /// A 32-bit float; NaN becomes null.
  func field(_ number: Float) {
    guard !number.isNaN else { return null() }
    append(4 as Int32)
    append(number.bitPattern)
  }

  /// True or false.
  func field(_ flag: Bool) {
    append(1 as Int32)
    bytes.append(flag ? 1 : 0)
  }

  /// A moment, microseconds since 1970.
  func field(micros: Int64) { field(micros - Self.epochMicros) }

  private func append<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }
}
