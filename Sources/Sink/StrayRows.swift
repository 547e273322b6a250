internal import Dataflow
import GRDB

/// Removes rows of entities that were scored on a partition which they do not belong to: of an earlier version, for which an entity
/// lived where its first event was seen. For a pipeline that nobody scores.
public final class StrayRows {
  private enum Database {
    case sqlite(DatabaseQueue)
    case postgres(StrayConnection)
  }

  /// Entities in one statement.
  private static let entitiesAtOnce = 200
  private static let detail = "rows on other partitions"

  private let database: Database
  private let pipeline: String

  /// Opens a SQLite database, which must be there. Throws `PortError`.
  public init(sqlite path: String, pipeline: String) throws {
    database = .sqlite(try SQLiteProblem.catching(Self.detail) { try DatabaseQueue(path: path) })
    self.pipeline = pipeline
  }

  /// Opens a PostgreSQL. Throws `PortError`.
  public init(postgres configuration: PostgresConfiguration, pipeline: String) throws {
    database = .postgres(StrayConnection(try PostgresConnection.entered(configuration)))
    self.pipeline = pipeline
  }

  /// Removes the rows of entities in `scores` and `latest_scores` that came from a partition. Returns how many. Doing it again does no
  /// harm. Throws `PortError`.
  public func remove(_ entities: [[UInt8]], topic: String, partition: Int32) throws -> Int {
    var removed = 0
    for start in stride(from: 0, to: entities.count, by: Self.entitiesAtOnce) {
      let ids = entities[start..<min(start + Self.entitiesAtOnce, entities.count)].map {
        TableStatements.literal(String(decoding: $0, as: UTF8.self))
      }
      for table in TablePlan.tablesOfEntities {
        removed += try run(
          "DELETE FROM \(table) WHERE pipeline = \(TableStatements.literal(pipeline)) "
            + "AND topic = \(TableStatements.literal(topic)) AND \"partition\" = \(partition) "
            + "AND entity_id IN (\(ids.joined(separator: ", ")))")
      }
    }
    return removed
  }

  private func run(_ sql: String) throws -> Int {
    switch database {
    case .sqlite(let queue):
      return try SQLiteProblem.catching(Self.detail) {
        try queue.write { database in
          try database.execute(sql: sql)
          return database.changesCount
        }
      }
    case .postgres(let held):
      var changed = 0
      try held.connection.run(sql, Self.detail) { _, result in changed += result.changed }
      return changed
    }
  }
}

/// Holds a connection, which cannot be copied.
private final class StrayConnection {
  let connection: PostgresConnection

  init(_ connection: consuming PostgresConnection) { self.connection = connection }
}
