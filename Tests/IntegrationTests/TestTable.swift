import TestPlaces
import Foundation
import GRDB
import TestServers

/// A database of a test, and a way to look into it that is not the program's.
struct TestTable: Sendable {
  /// Which database.
  enum Kind: String, CaseIterable, Sendable {
    case postgres
    case sqlite
  }

  let kind: Kind
  /// Path of the SQLite file, or name of the database in PostgreSQL.
  private var place: String
  private let server: PostgresServer?

  /// `postgres` nil: the server that tests share. `folder`: where SQLite's file goes.
  init(_ kind: Kind, postgres own: PostgresServer? = nil, folder: String? = nil) throws {
    self.kind = kind
    switch kind {
    case .postgres:
      let server = try own ?? PostgresServer.common()
      self.server = server
      place = try server.createDatabase()
    case .sqlite:
      server = nil
      place = try (folder ?? Places.newFolder("table")) + "/scores.db"
    }
  }

  /// An empty database of the same kind and server.
  func another() throws -> TestTable { try TestTable(kind, postgres: server) }

  /// The program's options for it.
  var options: [String] {
    server.map { ["--postgres", $0.connection(place)] } ?? ["--sqlite", place]
  }

  /// The same through a relay in front of PostgreSQL.
  func options(through relay: Relay) -> [String] {
    guard let server else { return options }
    let direct = server.connection(place)
    return [
      "--postgres", direct.replacingOccurrences(of: "port=\(server.port) ", with: "port=\(relay.port) "),
    ]
  }

  /// Moves the database's tables and indices to a folder of another disk; nobody may be connected.
  func move(to folder: String) throws {
    guard let server else { throw TestFailure("only PostgreSQL has tablespaces") }
    try server.moveTables(of: place, to: folder)
  }

  /// All rows of a query, cells as text, "" for null.
  @discardableResult
  func query(_ sql: String) throws -> [[String]] {
    if let server { return try server.query(sql, database: place) }
    var configuration = Configuration()
    configuration.busyMode = .timeout(60)
    let database = try DatabaseQueue(path: place, configuration: configuration)
    defer { try? database.close() }
    return try database.writeWithoutTransaction { database in
      try Row.fetchAll(database, sql: sql).map { row in row.databaseValues.map(Self.text) }
    }
  }

  private static func text(_ value: DatabaseValue) -> String {
    switch value.storage {
    case .null: ""
    case .int64(let number): "\(number)"
    case .double(let number): Int64(exactly: number).map { "\($0)" } ?? "\(Float(number))"
    case .string(let text): text
    case .blob(let data): String(decoding: data, as: UTF8.self)
    }
  }

  /// The only cell of a query's only row, as a number; nil: the tables are not there yet.
  func number(_ sql: String) -> Int? { (try? query(sql))?.first?.first.flatMap { Int($0) } }

  /// Sum of all positions; 0: there are none yet.
  var progress: Int { number("SELECT coalesce(sum(next_offset), 0) FROM positions") ?? 0 }

  /// All rows of `scores` without the wall clock, by the record's place; of a replay's tables when `run` is not empty.
  func scores(of run: String = "") throws -> [String: String] {
    let (other, table) = try tables(of: run, "scores")
    return try other.rows(
      """
      SELECT "partition" || '/' || "offset", entity_id || '/' || event_id, \(micros("event_time")), \(micros("as_of")),
        engagement, churn, lifetime_value, engagement_category, \(flag("intervene")), model_versions, definition
      FROM \(table)
      """)
  }

  /// All rows of `scores` of a pipeline of profiles, sorted, without the wall clock; of a replay's tables when `run` is not empty.
  func profileScores(of run: String = "") throws -> [[String]] {
    let (other, table) = try tables(of: run, "scores")
    return try other.query(
      """
      SELECT "partition", "offset", entity_id, event_id, \(micros("as_of")), value, \(flag("rich")), model_versions
      FROM \(table) ORDER BY "partition", "offset"
      """)
  }

  /// All rows of `scores`, sorted, without the wall clock; of a replay's tables when `run` is not empty.
  func dump(_ run: String, place: Bool) throws -> [[String]] {
    let (other, table) = try tables(of: run, "scores")
    return try other.query(
      """
      SELECT pipeline, entity_id, event_id, \(micros("event_time")), \(micros("as_of")),
        \(place ? "topic, \"partition\", \"offset\"" : "''"), engagement, churn, lifetime_value, engagement_category,
        \(flag("intervene")), model_versions, definition
      FROM \(table) ORDER BY entity_id, event_id, "offset"
      """)
  }

  /// A database and what a table of a run is called in it; throws when there is none.
  private func tables(of run: String, _ name: String) throws -> (TestTable, String) {
    guard !run.isEmpty else { return (self, name) }
    if kind == .postgres { return (self, "\"replay_\(run)\".\(name)") }
    var other = self
    other.place = place.replacingOccurrences(of: ".db", with: "-replay-\(run).db")
    guard FileManager.default.fileExists(atPath: other.place) else { throw TestFailure("no table \(name)") }
    return (other, name)
  }

  /// Features that the table carries.
  static let features = [
    "age", "location", "account_type", "social_influence_score", "transaction_revenue_month",
    "days_since_last_login", "churn_risk_score", "notification_click_rate",
  ]

  /// All rows of `latest_scores`, by person: event, moment, values; of a replay's tables when `run` is not empty.
  func latest(of run: String = "", features: [String] = features) throws -> [String: String] {
    let (other, table) = try tables(of: run, "latest_scores")
    return try other.rows(
      """
      SELECT entity_id, event_id, \(micros("as_of")), engagement, churn, lifetime_value,
        \(features.map { "\"\($0)\"" }.joined(separator: ", "))
      FROM \(table)
      """)
  }

  /// Rows by their first cell; the others as numbers where they are, so that both databases print the same.
  private func rows(_ sql: String) throws -> [String: String] {
    var found: [String: String] = [:]
    for row in try query(sql) {
      let cells = row.dropFirst().map { cell in
        Int64(cell).map { "\($0)" } ?? Float(cell).map { "\($0)" } ?? cell
      }
      guard found.updateValue(cells.joined(separator: "|"), forKey: row[0]) == nil else {
        throw TestFailure("two rows of one key")
      }
    }
    return found
  }

  private func micros(_ column: String) -> String {
    kind == .sqlite ? column : "(extract(epoch FROM \(column)) * 1000000)::bigint"
  }

  private func flag(_ column: String) -> String {
    kind == .sqlite ? column : "\(column)::integer"
  }

  /// A bytes column in lower-case hexadecimal; null is "none".
  func hex(_ column: String) -> String {
    kind == .sqlite
      ? "coalesce(lower(hex(\(column))), 'none')" : "coalesce(encode(\(column), 'hex'), 'none')"
  }
}
