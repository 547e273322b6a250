/// Names in a database that are Tally's own.
public enum ScoreTables {
  /// All tables that Tally makes.
  public static let names = [
    "scores", "latest_scores", "dead_letters", "positions", "tally_schema", "tally_made",
  ]
  /// Indices, which share one space of names with tables and views.
  static let indices = [
    "scores_by_entity", "dead_letters_by_entity", "dead_letters_by_key", "dead_letters_by_age",
  ]
  /// Beginnings that a later version of Tally, or the database itself, may use.
  public static let reservedPrefixes = ["tally_", "pg_", "sqlite_"]

  /// Whether a view cannot have this name; letters' case does not tell names apart.
  public static func isReserved(_ name: String) -> Bool {
    let key = name.lowercased()
    return names.contains(key) || indices.contains(key) || names.contains { key == "\($0)_pkey" }
      || reservedPrefixes.contains { key.hasPrefix($0) }
  }
}

/// A view over the tables of scores, as a pipeline declares it: one SELECT, in the words of the database that keeps it.
public struct TableView: Equatable, Sendable {
  /// Name in the database.
  public var name: String
  /// The SELECT for PostgreSQL; nil: the view is not made there.
  public var postgres: String?
  /// The SELECT for SQLite; nil: the view is not made there.
  public var sqlite: String?

  package init(name: String, postgres: String?, sqlite: String?) {
    self.name = name
    self.postgres = postgres
    self.sqlite = sqlite
  }
}

/// The list of entities that the terminal shows beside a running pipeline: by their latest score, highest first.
public struct BoardDeclaration: Equatable, Sendable {
  /// What stands above the entities.
  public var title: String
  /// Output that the entities are ordered by.
  public var orderBy: String
  /// Outputs and decisions that are shown beside it, in order.
  public var show: [String]

  package init(title: String, orderBy: String, show: [String]) {
    self.title = title
    self.orderBy = orderBy
    self.show = show
  }
}
