public import Dataflow
package import GRDB
import Glibc

/// A SQLite database that Tally writes: one file, one writing process, any number of its workers.
///
/// Share one `SQLiteTables` among all workers and give each its own `SQLiteTableSink` on it: writes take
/// turns inside. A lock file beside the database keeps a second process from writing; others may read at any
/// time (WAL). Safe from any thread.
public final class SQLiteTables: Sendable {
  /// Longest wait for a reader that blocks a write, milliseconds.
  static let busyTimeoutMs = 5_000

  /// Path of the database.
  public let path: String
  /// GRDB's queue gives its one connection to one thread at a time.
  package let queue: DatabaseQueue
  private let lock: SQLiteLock

  /// Opens or makes the database. Throws `PortError.refused` when another process writes to it.
  public init(path: String) throws {
    self.path = path
    lock = try SQLiteLock(path: path + ".lock", database: path)
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.busyMode = .timeout(Double(Self.busyTimeoutMs) / 1_000)
    do {
      queue = try Self.open(path, configuration)
      // A commit must be durable before the state moves. GRDB sets NORMAL for WAL, under which a power cut
      // may take committed transactions back, and the table would then stand behind the state.
      try queue.writeWithoutTransaction {
        try $0.execute(sql: "PRAGMA synchronous = FULL; \(Self.overwriteWhatIsRemoved)")
      }
    } catch {
      throw SQLiteProblem.error(error, "sqlite \(path): open")
    }
  }

  /// GRDB asks for the size of the write-ahead log after it has seen it; a reader that closes in between, as the last one, removes it,
  /// and GRDB fails with an error that is not the database's.
  private static func open(_ path: String, _ configuration: Configuration) throws -> DatabaseQueue {
    for _ in 1..<openTries {
      do {
        return try DatabaseQueue(path: path, configuration: configuration)
      } catch let error as DatabaseError {
        throw error
      } catch {
        usleep(openPauseMicros)
      }
    }
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  private static let openTries = 20
  private static let openPauseMicros: UInt32 = 20_000

  /// What an erasure removes must not lie on in the free parts of pages.
  static let overwriteWhatIsRemoved = "PRAGMA secure_delete = ON"

  /// Takes the write-ahead log, which has the pages as they were, into the database and empties it, if no reader needs it. Waits for
  /// nobody: `SQLiteTraces.empty` does.
  package static func emptyLog(_ database: Database) {
    try? database.execute(sql: "PRAGMA busy_timeout = 0")
    defer { try? database.execute(sql: "PRAGMA busy_timeout = \(busyTimeoutMs)") }
    // Its answer says whether a reader was in the way; the next erasure tries again.
    _ = try? Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
  }

  /// Adds what tables and columns are missing. Returns the tables' columns that an earlier plan wrote and this one does not.
  package func migrate(_ plan: TablePlan) throws -> [String: [String]] {
    let detail = "sqlite \(path): tables"
    return try SQLiteProblem.catching(detail) {
      try queue.writeWithoutTransaction { database in
        var left: [String: [String]] = [:]
        // A table that is rebuilt must not take along the views and the foreign keys that name it.
        try database.execute(sql: "PRAGMA legacy_alter_table = ON; PRAGMA foreign_keys = OFF")
        defer { try? database.execute(sql: "PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON") }
        try database.inTransaction(.immediate) {
          left = try Self.migrate(database, plan, detail)
          return .commit
        }
        return left
      }
    }
  }

  private static func migrate(
    _ database: Database, _ plan: TablePlan, _ detail: String
  ) throws -> [String: [String]] {
    let migration = try inspect(database, plan, detail)
    for statement in migration.statements { try database.execute(sql: statement) }
    for view in migration.views { try make(view.name, view.statements, database, detail) }
    // SQLite looks at what a view names only when it is read, and what is made above may break another.
    for view in plan.views(.sqlite) {
      try make(view.name, ["SELECT * FROM \(TableStatements.quoted(view.name)) LIMIT 0"], database, detail)
    }
    return migration.left
  }

  /// Tries the views that a pipeline declares on empty tables in memory, each by itself. Returns what SQLite says against them.
  ///
  /// Tables that pipelines share have more columns than one pipeline's, so that this is a hint: the database decides. Throws
  /// `PortError.refused` for names that cannot be columns.
  public static func objections(toViewsOf context: ScoreContext) throws -> [String] {
    var objections: [String] = []
    for view in context.views where view.sqlite != nil {
      var alone = context
      alone.views = [view]
      let plan = try TablePlan(alone)
      do {
        try DatabaseQueue().write { _ = try migrate($0, plan, "views") }
      } catch let error as PortError {
        objections.append(error.cause)
      }
    }
    return objections
  }

  private static func make(
    _ view: String, _ statements: [String], _ database: Database, _ detail: String
  ) throws {
    do {
      for statement in statements { try database.execute(sql: statement) }
    } catch let error as DatabaseError {
      var problem = SQLiteProblem.error(error, detail)
      // It speaks of the declaration: no row is read yet.
      if problem.code == .refused, let message = error.message {
        problem = PortError(.refused, detail, cause: message, reason: problem.reason)
      }
      throw TableMigration.refused(view: view, problem, detail)
    }
  }

  private static func inspect(_ database: Database, _ plan: TablePlan, _ detail: String) throws
    -> TableMigration
  {
    var found: [String: [String: String]] = [:]
    var blocking: [TableMigration.Blocking] = []
    // A view that is broken by now has no columns that SQLite could tell.
    for view in plan.views(.sqlite).map(\.name) {
      let sql = "SELECT count(*) FROM sqlite_master WHERE lower(name) = lower(?)"
      if try Int.fetchOne(database, sql: sql, arguments: [view]) ?? 0 > 0 { found[view] = [:] }
    }
    for table in plan.tables.map(\.name) + [TableMigration.versionTable, TableMade.table] {
      let rows = try Row.fetchAll(
        database,
        sql:
          "SELECT name, type, \"notnull\" AND dflt_value IS NULL AND pk = 0, hidden IN (2, 3) FROM pragma_table_xinfo(?)",
        arguments: [table])
      if rows.isEmpty { continue }
      for row in rows {
        let isRequired = Bool.fromDatabaseValue(row[2]) ?? false
        let isGenerated = Bool.fromDatabaseValue(row[3]) ?? false
        guard isRequired || isGenerated else { continue }
        blocking.append(
          .init(
            table: table, column: String.fromDatabaseValue(row[0]) ?? "",
            isRequired: isRequired && !isGenerated, isGenerated: isGenerated))
      }
      found[table] = Dictionary(
        rows.map {
          (String.fromDatabaseValue($0[0]) ?? "", (String.fromDatabaseValue($0[1]) ?? "").lowercased())
        },
        uniquingKeysWith: { first, _ in first })
    }
    var version: Int?
    if found[TableMigration.versionTable] != nil {
      version = try Int.fetchOne(database, sql: "SELECT max(version) FROM \(TableMigration.versionTable)")
    }
    let key = try scoresKey(database, plan.scores.name)
    var made: TableMade?
    if found[TableMade.table] != nil {
      var noted = TableMade()
      for row in try Row.fetchAll(database, sql: TableMade.select) {
        noted.add(
          kind: String.fromDatabaseValue(row[0]) ?? "", name: String.fromDatabaseValue(row[1]) ?? "",
          detail: String.fromDatabaseValue(row[2]) ?? "")
      }
      made = noted
    }
    return try TableMigration(
      plan, found: found, made: made, blocking: blocking, key: key, foundVersion: version, .sqlite,
      detail: detail)
  }

  /// The key of `scores`; nil: there is no such table.
  private static func scoresKey(_ database: Database, _ table: String) throws -> ScoresKey.Found? {
    func texts(_ sql: String) throws -> [String] {
      try String.fetchAll(database, sql: sql, arguments: [table])
    }
    let made = try texts("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?")
    guard let created = made.first else { return nil }
    return ScoresKey.Found(
      columns: try texts("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"), created: created,
      belongings: try texts(
        "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL"
      ),
      copied: try texts("SELECT name FROM pragma_table_info(?)"))
  }
}

/// A lock file: held while this exists, freed by the system when the process ends, however it ends.
private struct SQLiteLock: ~Copyable {
  private let descriptor: Int32
  /// Tries for a lock that somebody holds, and the pause between them.
  private static let lockTries = 10
  private static let lockPauseMicros: UInt32 = 50_000

  init(path: String, database: String) throws {
    descriptor = try Self.hold(path, database)
  }

  deinit { close(descriptor) }

  private static func hold(_ path: String, _ database: String) throws -> Int32 {
    let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard opened >= 0 else {
      throw PortError(
        .refused, "sqlite \(database): lock file", cause: String(cString: strerror(errno)),
        reason: .tableRefused)
    }
    // A process that is being started by us may hold a copy of an old descriptor for a moment.
    var tries = lockTries
    while flock(opened, LOCK_EX | LOCK_NB) != 0 && tries > 0 {
      tries -= 1
      usleep(lockPauseMicros)
    }
    guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      close(opened)
      throw PortError(
        .refused, "sqlite \(database)",
        cause:
          "another process writes to it (it holds \(path)): stop that one, or give this one another file",
        reason: .twoOwners
      )
    }
    return opened
  }
}
