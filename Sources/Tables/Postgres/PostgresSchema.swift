import Dataflow

/// A schema of PostgreSQL as a whole.
public enum PostgresSchema {
  /// Removes a schema with everything in it; does nothing when there is none. Throws `PortError`.
  public static func drop(_ configuration: PostgresConfiguration, schema: String) throws {
    let connection = try PostgresConnection.opened(configuration)
    try connection.set(["client_min_messages = warning"])
    try connection.run("DROP SCHEMA IF EXISTS \(TableStatements.quoted(schema)) CASCADE", "drop schema")
  }
}
