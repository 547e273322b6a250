package import Configuration
import Dataflow
import Events
import FeatureStore
import Foundation
import Pipeline
import Tables

/// A replay's name and what is its own: a store generation and tables.
package struct ReplayRun {
  package let name: String

  /// Throws `Failure` for a name that cannot be part of a file's or a schema's name.
  package init(name: String) throws {
    let isName = name.wholeMatch(of: /[a-z0-9][a-z0-9_-]{0,39}/) != nil
    guard isName else {
      throw Failure(
        "--run \(name): a run's name has 1 to 40 small letters, digits, _ and -, and no _ or - in front",
        reason: .usage)
    }
    self.name = name
  }

  /// A name by the clock, UTC.
  package static func defaultName() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    return formatter.string(from: Date())
  }

  /// Store generation: a hash of the name, above all that operators set by hand.
  package var generation: UInt64 {
    let hash = Array(name.utf8).withUnsafeBytes { Hash128(of: $0) }
    return 1 << 62 | hash.low >> 2
  }

  /// Whether a store generation is a replay's: neither operators nor rebuilds count so far.
  package static func isGeneration(_ generation: UInt64) -> Bool { generation >> 62 == 1 }

  /// Before a run's name, the schema of its tables in PostgreSQL.
  package static let schemaPrefix = "replay_"

  /// The run of a SQLite file in the folder of the live one; nil: it is no run's.
  package init?(file: String, beside path: String) {
    let parts = Self.parts(ofFilesBeside: path)
    guard file.hasPrefix(parts.head), file.hasSuffix(parts.tail),
      file.count > parts.head.count + parts.tail.count
    else { return nil }
    do {
      try self.init(name: String(file.dropFirst(parts.head.count).dropLast(parts.tail.count)))
    } catch { return nil }
  }

  /// The settings with this run's own store generation and tables, and no topics.
  package func settings(from live: Settings) -> Settings {
    var own = live
    own.generation = generation
    // A replay has no group whose offsets a transaction could move.
    own.delivery = .effectivelyOnce
    own.scoresTopic = ""
    own.deadLettersTopic = ""
    switch live.table {
    case .none: own.checkpoint = checkpoint(in: live.checkpoints)
    case .postgres:
      own.postgresSchema = Self.schemaPrefix + name
      own.checkpoint = checkpoint(in: live.checkpoints)
    case .sqlite(let path):
      own.table = .sqlite(file(beside: path))
      own.checkpoint = file(beside: path) + Self.checkpointSuffix
    }
    return own
  }

  private func checkpoint(in folder: String) -> String {
    (folder as NSString).appendingPathComponent(Self.checkpointPrefix + name + Self.checkpointSuffix)
  }

  /// What stands in the name of a checkpoint file before and behind a run's name.
  private static let checkpointPrefix = "tally-replay-"
  private static let checkpointSuffix = ".checkpoint"

  /// The run of a file in the folder of checkpoints; nil: it is none.
  package init?(checkpoint file: String) {
    guard file.hasPrefix(Self.checkpointPrefix), file.hasSuffix(Self.checkpointSuffix) else { return nil }
    let name = file.dropFirst(Self.checkpointPrefix.count).dropLast(Self.checkpointSuffix.count)
    do { try self.init(name: String(name)) } catch { return nil }
  }

  /// `tally.db` becomes `tally-replay-NAME.db`.
  private func file(beside path: String) -> String {
    let parts = Self.parts(ofFilesBeside: path)
    let file = parts.head + name + parts.tail
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? file : folder + (folder.hasSuffix("/") ? "" : "/") + file
  }

  /// What stands in a file's name before and behind a run's name.
  private static func parts(ofFilesBeside path: String) -> (head: String, tail: String) {
    let url = URL(fileURLWithPath: path)
    let stem = url.deletingPathExtension().lastPathComponent
    return (stem + "-replay-", url.pathExtension.isEmpty ? "" : "." + url.pathExtension)
  }

  /// Where the rows are, and how to look at them.
  package static func place(of own: Settings) -> String {
    switch own.table {
    case .none: "no table"
    case .postgres:
      "PostgreSQL, schema \(own.postgresSchema ?? "public"): SELECT … FROM \"\(own.postgresSchema ?? "public")\".scores"
    case .sqlite(let path): "SQLite \(path): sqlite3 \(path) 'SELECT count(*) FROM scores'"
    }
  }

  /// Removes the run's states and tables.
  package func discard(_ access: any PipelineAccess, hasStore: Bool) throws {
    let own = access.settings
    if hasStore {
      let store = try access.openStates(partitionCount: 1)
      defer { store.close() }
      try store.removeGeneration()
    }
    switch own.table {
    case .none: break
    case .postgres(let connection):
      var plain = own
      plain.postgresSchema = nil
      try PostgresSchema.drop(plain.postgres(connection), schema: Self.schemaPrefix + name)
    case .sqlite(let path):
      // The lock shows whether somebody writes to it.
      if FileManager.default.fileExists(atPath: path) { _ = try SQLiteTables(path: path) }
      for tail in ["", "-wal", "-shm", ".lock"] { try? FileManager.default.removeItem(atPath: path + tail) }
    }
  }
}
