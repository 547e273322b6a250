/// What Tally has made in a database, so that it knows its own from somebody else's: columns, and views with their definitions.
struct TableMade: Equatable {
  /// Holds it: a kind (`column`, `index`, `view`, `view_of`), a name, and for views the text or the pipelines, with commas.
  static let table = "tally_made"
  static let select = "SELECT kind, name, detail FROM \(table)"

  /// Columns as `table.column`.
  private(set) var columns: Set<String> = []
  /// Names of indices.
  private(set) var indices: Set<String> = []
  /// Views with the SELECT that they were made of.
  private(set) var views: [String: String] = [:]
  /// Pipelines that have declared the views alike; an earlier version did not note them.
  private(set) var viewOwners: [String: Set<String>] = [:]

  mutating func add(kind: String, name: String, detail: String) {
    switch kind {
    case "column": columns.insert(name)
    case "view": views[name] = detail
    case "view_of": viewOwners[name] = Set(detail.split(separator: ",").map(String.init))
    case "index": indices.insert(name)
    default: break
    }
  }

  func has(_ column: String, of table: String) -> Bool { columns.contains("\(table).\(column)") }

  /// Statements.
  static let create =
    "CREATE TABLE \(table) (kind text NOT NULL, name text NOT NULL, detail text NOT NULL, PRIMARY KEY (kind, name))"

  static func note(column: String, of table: String) -> String {
    note("column", "\(table).\(column)", "")
  }

  static func note(index: String) -> String { note("index", index, "") }

  static func note(view: String, _ select: String, pipelines: Set<String>) -> [String] {
    [note("view", view, select), note("view_of", view, pipelines.sorted().joined(separator: ","))]
  }

  private static func note(_ kind: String, _ name: String, _ detail: String) -> String {
    let values = [kind, name, detail].map(TableStatements.literal).joined(separator: ", ")
    return "INSERT INTO \(table) (kind, name, detail) VALUES (\(values)) "
      + "ON CONFLICT (kind, name) DO UPDATE SET detail = excluded.detail"
  }
}
