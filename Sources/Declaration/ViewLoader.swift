import Dataflow
import Features

/// Reads the views and the board: what operators look at.
enum ViewLoader {
  /// Most columns that the board shows beside the one that orders it.
  private static let shownMax = 4
  /// Most bytes of a view's text, far below what either database takes.
  private static let textBytesMax = 64 << 10

  static func views(_ root: YAMLSection) throws(DeclarationError) -> [TableView] {
    var views: [TableView] = []
    for entry in try root["views"]?.section().entries ?? [] {
      try Names.checkIdentifier(entry.key, at: entry.position)
      guard !ScoreTables.isReserved(entry.key) else {
        throw DeclarationError(
          entry.position, found: "the name \(quoted(entry.key))",
          allowed: "a name other than those of Tally's tables and indices, and not beginning with "
            + ScoreTables.reservedPrefixes.joined(separator: ", "))
      }
      guard !views.contains(where: { $0.name.lowercased() == entry.key.lowercased() }) else {
        throw DeclarationError(
          entry.position, found: "the view \(quoted(entry.key)) twice",
          allowed: "names that differ in more than the letters' case")
      }
      views.append(try view(entry))
    }
    return views
  }

  private static func view(_ entry: YAMLEntry) throws(DeclarationError) -> TableView {
    guard entry.value.isSection else {
      let text = try select(entry.value)
      return TableView(name: entry.key, postgres: text, sqlite: text)
    }
    let section = try entry.value.section()
    try section.allow(["postgres", "sqlite"])
    guard !section.entries.isEmpty else {
      throw entry.value.wrong(allowed: "a SELECT, or one for each of postgres, sqlite")
    }
    var view = TableView(name: entry.key, postgres: nil, sqlite: nil)
    if let value = section["postgres"] { view.postgres = try select(value) }
    if let value = section["sqlite"] { view.sqlite = try select(value) }
    return view
  }

  /// One SELECT, without the semicolon at its end; what it says, the database checks.
  private static func select(_ value: YAMLValue) throws(DeclarationError) -> String {
    let allowed = "one statement of SQL that begins with SELECT or WITH, of at most \(textBytesMax) bytes"
    var text = try value.string().utf8[...]
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    text = text.drop(while: isSpace)
    while let last = text.last, isSpace(last) || last == UInt8(ascii: ";") { text = text.dropLast() }
    let word = String(text.prefix { !isSpace($0) })?.uppercased()
    guard let sql = String(text), word == "SELECT" || word == "WITH", text.count <= textBytesMax else {
      throw value.wrong(allowed: allowed)
    }
    guard !text.contains(UInt8(ascii: ";")), !text.contains(0) else {
      throw DeclarationError(value.position, found: "a text with a semicolon inside", allowed: allowed)
    }
    return sql
  }

  static func board(
    _ root: YAMLSection, models: [ModelDeclaration], decisions: [DecisionDeclaration]
  ) throws(DeclarationError) -> BoardDeclaration? {
    guard let section = try root["board"]?.section() else { return nil }
    try section.allow(["title", "order_by", "show"])
    let outputs = models.flatMap(\.outputs) + decisions.compactMap(\.outputName)
    let columns = outputs + decisions.compactMap(\.columnName)
    let orderBy = try name(section.required("order_by"), among: outputs, "an output")
    var show: [String] = []
    for item in try section["show"]?.list() ?? [] {
      let shown = try name(item, among: columns, "an output or a decision")
      guard shown != orderBy, !show.contains(shown), show.count < shownMax else {
        throw item.wrong(
          allowed: "at most \(shownMax) outputs and decisions, each once and none that is order_by")
      }
      show.append(shown)
    }
    return BoardDeclaration(
      title: try section["title"].map(title) ?? "highest \(orderBy)", orderBy: orderBy, show: show)
  }

  /// Longest title, characters.
  private static let titleMax = 80

  /// What a terminal only shows.
  private static func title(_ value: YAMLValue) throws(DeclarationError) -> String {
    let title = try value.string()
    let isPlain = title.unicodeScalars.allSatisfy {
      ![.control, .format, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
    }
    guard isPlain, (1...titleMax).contains(title.count) else {
      throw DeclarationError(
        value.position, found: isPlain ? "\(title.count) characters" : "a title with control characters",
        allowed: "1 to \(titleMax) characters, none of which steers a terminal")
    }
    return title
  }

  private static func name(
    _ value: YAMLValue, among names: [String], _ what: String
  ) throws(DeclarationError) -> String {
    guard let name = try? value.string(), names.contains(where: { sameBytes($0, name) }) else {
      throw value.wrong(allowed: "\(what): " + Names.list(names))
    }
    return name
  }
}

extension DecisionDeclaration {
  /// The column that it gives; nil: none.
  fileprivate var columnName: String? {
    switch self {
    case .clamp: nil
    case .category(let name, _, _, _), .trigger(let name, _, _), .modelTrigger(let name, _),
      .likeliest(let name, _, _), .condition(let name, _):
      name
    case .number(_, _, let source): source?.name
    }
  }
}
