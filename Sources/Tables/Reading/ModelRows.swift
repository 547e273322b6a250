/// Whether scores of a model's version are kept: reads only, makes nothing, takes no lock.
public enum ModelRows {
  private static let what = "scores"

  /// Whether a row of `scores` in a SQLite database names one of these as a model's version; false: there is no such database, too. Reads
  /// the whole table at worst. Throws `PortError`.
  public static func areThere(
    sqlite path: String, pipeline: String, model: String, versions: [String]
  ) throws -> Bool {
    guard TableDatabase.isThere(path) else { return false }
    return try areThere(try TableDatabase(sqlite: path, what, for: .reading).rows, pipeline, model, versions)
  }

  /// As above, in PostgreSQL.
  public static func areThere(
    postgres configuration: PostgresConfiguration, pipeline: String, model: String, versions: [String]
  ) throws -> Bool {
    try areThere(
      try TableDatabase(postgres: configuration, what, for: .reading).rows, pipeline, model, versions)
  }

  private static func areThere(
    _ rows: TableRows, _ pipeline: String, _ model: String, _ versions: [String]
  ) throws -> Bool {
    guard !(try rows.columns(of: "scores")).isEmpty else { return false }
    // Names of models hold neither `=` nor `,`; an underscore in one stands for itself.
    let terms = versions.map { version in
      let name = "\(model)=\(version)".replacing("_", with: "\\_")
      return "',' || model_versions || ',' LIKE \(TableStatements.literal("%,\(name),%")) ESCAPE '\\'"
    }
    let found = try rows(
      "SELECT 1 FROM scores WHERE pipeline = \(TableStatements.literal(pipeline)) "
        + "AND (\(terms.joined(separator: " OR "))) LIMIT 1")
    return !found.isEmpty
  }
}
