import Dataflow
import GRDB
import GRDBSQLite

/// A prepared statement that is bound and stepped without GRDB's per-value objects; valid inside one access
/// of the queue.
struct SQLiteCells {
  private let statement: OpaquePointer
  private var bound: Int32 = 0
  private var status: Int32 = SQLITE_OK

  /// Starts on `statement`'s first parameter.
  init(_ statement: Statement) {
    self.statement = statement.sqliteStatement
    sqlite3_reset(self.statement)
  }

  /// Binds null to the next parameter.
  mutating func null() { note(sqlite3_bind_null(statement, next())) }

  /// Binds a whole number to the next parameter.
  mutating func cell(_ number: Int64) { note(sqlite3_bind_int64(statement, next(), number)) }

  /// Binds a float to the next parameter; NaN becomes null.
  mutating func cell(_ number: Float) {
    if number.isNaN { null() } else { note(sqlite3_bind_double(statement, next(), Double(number))) }
  }

  /// Binds UTF-8 to the next parameter.
  mutating func text(_ raw: UnsafeRawBufferPointer) {
    // An empty buffer may have no address, which would bind null.
    let start = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
    withUnsafePointer(to: 0 as CChar) { empty in
      note(sqlite3_bind_text(statement, next(), start ?? empty, Int32(raw.count), Self.transient))
    }
  }

  /// Binds UTF-8 to the next parameter.
  mutating func text(_ whole: [UInt8]) { whole.withUnsafeBytes { text($0) } }

  /// Binds a string to the next parameter.
  mutating func text(_ string: String) {
    var copy = string
    copy.withUTF8 { text(UnsafeRawBufferPointer($0)) }
  }

  /// Binds bytes to the next parameter; without address: null.
  mutating func blob(_ raw: UnsafeRawBufferPointer) {
    guard let start = raw.baseAddress else { return null() }
    if raw.isEmpty {
      note(sqlite3_bind_zeroblob(statement, next(), 0))
    } else {
      note(sqlite3_bind_blob(statement, next(), start, Int32(raw.count), Self.transient))
    }
  }

  /// Runs the statement and makes it ready for the next row. Returns SQLite's code.
  mutating func step() -> Int32 {
    if status == SQLITE_OK {
      let stepped = sqlite3_step(statement)
      if stepped != SQLITE_DONE && stepped != SQLITE_ROW { status = stepped }
    }
    sqlite3_reset(statement)
    bound = 0
    return status
  }

  private mutating func next() -> Int32 {
    bound += 1
    return bound
  }

  private mutating func note(_ code: Int32) { if status == SQLITE_OK { status = code } }

  /// SQLite copies the value.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
