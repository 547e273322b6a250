/// Where PostgreSQL is and how to talk to it. Its text never shows the connection string, which may hold a
/// password.
public struct PostgresConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  /// libpq's connection string: `host=… port=… user=… dbname=…`, or
  /// `postgresql://user@host:port/db?sslmode=require`. libpq's environment (PGHOST, PGPASSWORD, ~/.pgpass, …)
  /// fills in what it leaves out.
  public var connection: String
  /// Password, in place of the connection string's; nil: that one.
  public var password: String?
  /// Schema that the tables lie in, made when it is not there; nil: the first of the server's search path.
  public var schema: String?
  /// libpq's keywords over those of the connection string: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`.
  public var options: [String: String] = [:]
  /// Longest wait for a connection, milliseconds.
  public var connectTimeoutMs: Int
  /// Longest time of one statement, milliseconds; the server ends a longer one.
  public var statementTimeoutMs: Int
  /// Longest time of one statement of a migration, milliseconds: a large table may get a new key.
  var migrationTimeoutMs: Int { max(statementTimeoutMs, 6 * 3_600_000) }
  /// Time after which the server ends a transaction whose process stands still: it keeps a partition's position from whoever has
  /// taken the partition over.
  public var idleTimeoutMs = 10_000

  package init(
    connection: String, password: String? = nil, schema: String? = nil, connectTimeoutMs: Int = 5_000,
    statementTimeoutMs: Int = 30_000
  ) {
    self.connection = connection
    self.password = password
    self.schema = schema
    self.connectTimeoutMs = connectTimeoutMs
    self.statementTimeoutMs = statementTimeoutMs
  }

  /// The timeouts only.
  public var description: String {
    "PostgresConfiguration(connection: ***, connectTimeoutMs: \(connectTimeoutMs), "
      + "statementTimeoutMs: \(statementTimeoutMs))"
  }

  /// Nothing to look into.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
