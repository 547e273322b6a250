import Configuration
import Features
import Foundation
import Tables

/// What an erasure has left in the table's database, once the pipeline has done it.
package struct EraseTraces {
  package let access: any PipelineAccess
  package let key: [UInt8]
  /// Whether a SQLite file of any size is written anew.
  package let vacuums: Bool

  private var settings: Settings { access.settings }

  /// A SQLite file up to this size is written anew without being asked: nobody can write to it for some seconds.
  private static let vacuumBytesMax: Int64 = 256 << 20
  /// Letters that are named, at most.
  private static let lettersMax = 20

  /// Takes from a SQLite file what is left of removed rows; says what it cannot take. Throws `PortError`.
  package func remove() throws {
    guard case .sqlite(let path) = settings.table else { return }
    let traces = try SQLiteTraces(path: path)
    guard try traces.emptyLog() || !traces.contain(key) else { return access.report.warn(Self.reader(path)) }
    guard traces.contain(key) else { return }
    guard vacuums || traces.bytes <= Self.vacuumBytesMax else {
      return access.report.warn(
        "\(path) still has the id's bytes, in free parts of pages or in rows of others: --vacuum writes the file anew, "
          + "and nobody can write to it meanwhile")
    }
    try traces.vacuum()
    let isEmpty = try traces.emptyLog()
    guard traces.contain(key) else { return }
    access.report.warn(
      isEmpty
        ? "\(path) still has the id's bytes in rows that are not the entity's: as a part of another id, or in a letter"
        : Self.reader(path))
  }

  private static func reader(_ path: String) -> String {
    "a reader keeps \(path)-wal, which still has what was removed: erase once more when it has ended"
  }

  /// Names letters that have the id in their bytes and are not the entity's by key or entity id.
  package func tellOfLetters() throws {
    guard settings.table != .none else { return }
    let found = try settings.deadLetterTable(access.pipeline).containing(key, limit: Self.lettersMax + 1)
    guard !found.isEmpty else { return }
    let places = found.prefix(Self.lettersMax).map(\.text).joined(separator: " ")
    access.report.say(
      "erase: letters under other keys have the id in their bytes; look at them (tally dead-letters show), and remove those that are "
        + "the entity's: tally dead-letters purge \(places)\(found.count > Self.lettersMax ? " (and more)" : "")"
    )
  }

  /// What no erasure reaches.
  package var whatStays: String {
    let database =
      switch settings.table {
      case .postgres:
        "; removed rows in PostgreSQL's files until VACUUM, and in its write-ahead log and backups"
      case .sqlite: "; backups of the SQLite file"
      case .none: ""
      }
    let store =
      access.pipeline.program.keepsState ? "; Redis' append-only file until it is rewritten" : ""
    return
      "what stays: the topics' records until their retention ends\(store); letters that tell the entity in no readable way, or by "
      + "another id\(database)"
  }
}
