internal import Dataflow

/// Removes rows of entities that were scored on a partition which they do not belong to: of an earlier version, for which an entity
/// lived where its first event was seen. For a pipeline that nobody scores.
public final class StrayRows {
  /// Entities in one statement.
  private static let entitiesAtOnce = 200
  private static let what = "rows on other partitions"

  private let rows: TableRows
  private let pipeline: String

  /// Opens a SQLite database, which must be there. Throws `PortError`.
  public init(sqlite path: String, pipeline: String) throws {
    rows = try TableDatabase(sqlite: path, Self.what).rows
    self.pipeline = pipeline
  }

  /// Opens a PostgreSQL. Throws `PortError`.
  public init(postgres configuration: PostgresConfiguration, pipeline: String) throws {
    rows = try TableDatabase(postgres: configuration, Self.what).rows
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
        removed += try rows(
          "DELETE FROM \(table) WHERE pipeline = \(TableStatements.literal(pipeline)) "
            + "AND topic = \(TableStatements.literal(topic)) AND \"partition\" = \(partition) "
            + "AND entity_id IN (\(ids.joined(separator: ", "))) RETURNING 1"
        ).count
      }
    }
    return removed
  }
}
