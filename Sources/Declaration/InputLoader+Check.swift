import Dataflow
import Features

/// What no single key shows to be wrong.
extension InputLoader {
  func check(_ mapping: InputMapping, _ section: YAMLSection) throws(DeclarationError) {
    if mapping.eventID == .hashOfRecord, mapping.time == .ingest, features.keepsState {
      throw DeclarationError(
        try section.required("event_id").position,
        found: "event_id: {hash: record} with states and no time in the record",
        allowed: "a path, or an event_time with a path: two equal records would be one event")
    }
    if !mapping.keyIsEntityID, features.keepsState {
      throw DeclarationError(
        try section.required("key").position, found: "key: any with states",
        allowed: "key: entity_id, or state: none: an entity's state lies where its key belongs")
    }
    try checkTexts(mapping)
    try checkPlaces(mapping)
    if mapping.format == .csv { try checkColumns(mapping) }
  }

  /// A text is parsed for the sake of what is read in it: where nothing is, the path is mistyped.
  private func checkTexts(_ mapping: InputMapping) throws(DeclarationError) {
    let inside = paths(of: mapping)
    for text in mapping.parseText {
      let isUsed =
        mapping.from.contains { Self.begins($0.keys, with: text.keys) }
        || inside.contains { $0.keys.count > text.keys.count && Self.begins($0.keys, with: text.keys) }
      guard !isUsed else { continue }
      throw DeclarationError(
        text.position, found: "the path \(quoted(text.text)), in which nothing is read",
        allowed: "a path of from, or one that another path begins with")
    }
  }

  private func checkPlaces(_ mapping: InputMapping) throws(DeclarationError) {
    guard mapping.from.isEmpty else { return }
    for attribute in attributes where !mapping.paths.contains(where: { sameBytes($0.name, attribute.name) }) {
      throw DeclarationError(
        attribute.position, found: "the attribute \(quoted(attribute.name)) without a place in the record",
        allowed: "a path for it under input.attributes.paths, or input.attributes.from")
    }
  }

  /// A line of CSV is an object of texts: it has no keys below its columns, and no numbers.
  private func checkColumns(_ mapping: InputMapping) throws(DeclarationError) {
    for path in paths(of: mapping) + mapping.from where !isReadInText(path.keys, mapping) {
      let isContainer = mapping.from.contains(path)
      guard path.keys.count > (isContainer ? 0 : 1) else { continue }
      throw DeclarationError(
        path.position, found: "the path \(quoted(path.text)) below a column of CSV",
        allowed: "a column, or a path in one that parse_text names (a dot in a name: \"a.b\")")
    }
    for attribute in attributes
    where !attribute.readsText && places(of: attribute, mapping).contains(where: { $0.count == 1 }) {
      switch attribute.type {
      case .number, .flag:
        throw DeclarationError(
          attribute.position, found: "\(quoted(attribute.name)), a column of CSV, without from_text: true",
          allowed: "from_text: true beside type: a line of CSV holds texts only")
      default: continue
      }
    }
  }

  private var attributes: [AttributeDeclaration] { features.profile + features.events.flatMap(\.attributes) }

  /// Paths of values; not those of objects in which attributes are looked for.
  private func paths(of mapping: InputMapping) -> [RecordPath] {
    var paths = [mapping.entityID] + mapping.paths.map(\.path)
    if case .path(let path) = mapping.eventID { paths.append(path) }
    if case .path(let path, _) = mapping.time { paths.append(path) }
    if case .path(let path, _) = mapping.kind { paths.append(path) }
    return paths
  }

  private func places(of attribute: AttributeDeclaration, _ mapping: InputMapping) -> [[String]] {
    if let own = mapping.paths.first(where: { sameBytes($0.name, attribute.name) }) { return [own.path.keys] }
    return mapping.from.map { $0.keys + [attribute.name] }
  }

  private func isReadInText(_ keys: [String], _ mapping: InputMapping) -> Bool {
    mapping.parseText.contains { $0.keys.count == 1 && Self.begins(keys, with: $0.keys) }
  }

  private static func begins(_ keys: [String], with start: [String]) -> Bool {
    keys.count >= start.count && same(Array(keys.prefix(start.count)), start)
  }

  /// JSON's keys are bytes: Swift takes two spellings of one character for the same.
  private static func same(_ a: [String], _ b: [String]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { sameBytes($0, $1) }
  }
}
