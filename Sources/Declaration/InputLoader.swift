import Dataflow
import Features

/// Reads how records become events: `input:`.
struct InputLoader {
  let features: FeatureSetDeclaration

  static func input(
    _ root: YAMLSection, features: FeatureSetDeclaration
  ) throws(DeclarationError) -> InputMapping? {
    guard let value = root["input"] else { return nil }
    return try InputLoader(features: features).mapping(value)
  }

  private func mapping(_ value: YAMLValue) throws(DeclarationError) -> InputMapping? {
    let section = try value.section()
    try section.allow(["format", "key", "entity_id", "event_id", "event_time", "kind", "attributes"])
    let format = try section.required("format").choice(of: ["json", "csv", "envelope"])
    if format == "envelope" {
      try section.allow(["format"])
      return nil
    }
    let attributes = try section["attributes"].map { (value) throws(DeclarationError) in
      try self.attributes(value)
    }
    let time = try self.time(section.required("event_time"))
    let mapping = InputMapping(
      format: InputMapping.Format(rawValue: format) ?? .json,
      entityID: try valuePath(section.required("entity_id")),
      eventID: try eventID(section.required("event_id")), time: time,
      kind: try kind(section.required("kind")),
      from: attributes?.from ?? [RecordPath(keys: [], text: ".", position: value.position)],
      parseText: attributes?.parseText ?? [], wrong: attributes?.wrong ?? .letter,
      paths: attributes?.paths ?? [],
      keyIsEntityID: try section["key"]?.choice(of: ["entity_id", "any"]) != "any")
    try check(mapping, section)
    return mapping
  }

  // MARK: Ids and times

  private func eventID(_ value: YAMLValue) throws(DeclarationError) -> InputMapping.EventID {
    guard value.isSection, let hash = try value.section()["hash"] else { return .path(try valuePath(value)) }
    try value.section().allow(["hash"])
    _ = try hash.choice(of: ["record"])
    return .hashOfRecord
  }

  private func time(_ value: YAMLValue) throws(DeclarationError) -> InputMapping.Time {
    guard value.isSection else {
      _ = try value.choice(of: ["ingest"])
      return .ingest
    }
    let section = try value.section()
    try section.allow(["path", "unit"])
    let unit = try section.required("unit").choice(of: TimeUnit.allCases.map(\.rawValue))
    return .path(try valuePath(section.required("path")), TimeUnit(rawValue: unit) ?? .microseconds)
  }

  // MARK: Kinds

  /// `{profile: snapshot}`, `{type: login}`, or `{path: type, map: {signup: login}}`.
  private func kind(_ value: YAMLValue) throws(DeclarationError) -> InputMapping.Kind {
    let section = try value.section()
    try section.allow(["profile", "type", "path", "map"])
    guard let path = section["path"] else {
      if let map = section["map"] { throw map.wrong(allowed: "map beside path") }
      return .always(try meaning(value))
    }
    var words: [InputMapping.KindWord] = []
    for entry in try section["map"]?.section().entries ?? [] {
      words.append(InputMapping.KindWord(word: entry.key, kind: try meaning(entry.value)))
    }
    for key in ["profile", "type"] {
      if let wrong = section[key] { throw wrong.wrong(allowed: "either \(key), or path and map") }
    }
    return .path(try valuePath(path), words: words)
  }

  private func meaning(_ value: YAMLValue) throws(DeclarationError) -> MappedKind {
    guard value.isSection else { return try engagement(value) }
    let section = try value.section()
    try section.allow(["profile", "type"])
    guard let profile = section["profile"] else { return try engagement(section.required("type")) }
    if let type = section["type"] { throw type.wrong(allowed: "either profile or type") }
    let mode = try profile.choice(of: ["snapshot", "change"])
    if features.keepsState || mode == "snapshot" {
      return mode == "snapshot" ? .profileSnapshot : .profileChange
    }
    throw profile.wrong(allowed: "snapshot: with state: none every record is a whole profile")
  }

  private func engagement(_ value: YAMLValue) throws(DeclarationError) -> MappedKind {
    guard features.keepsState else { throw value.wrong(allowed: "{profile: snapshot} with state: none") }
    return .engagement(try value.choice(of: features.events.map(\.name)))
  }

  // MARK: Attributes

  private struct Attributes {
    var from: [RecordPath]
    var parseText: [RecordPath]
    var wrong = WrongValue.letter
    var paths: [InputMapping.AttributePath]
  }

  /// `{from: [., profile_json], parse_text: [profile_json], paths: {age: person.age}}`.
  private func attributes(_ value: YAMLValue) throws(DeclarationError) -> Attributes {
    let section = try value.section()
    try section.allow(["from", "parse_text", "wrong", "paths"])
    var attributes = Attributes(from: [], parseText: [], paths: [])
    if try section["wrong"]?.choice(of: ["letter", "missing"]) == "missing" { attributes.wrong = .missing }
    for item in try section["from"]?.list() ?? [] { attributes.from.append(try path(item)) }
    if section["from"] == nil {
      attributes.from = [RecordPath(keys: [], text: ".", position: value.position)]
    }
    for item in try section["parse_text"]?.list() ?? [] { attributes.parseText.append(try valuePath(item)) }
    let names = Set(features.profile.map(\.name) + features.events.flatMap { $0.attributes.map(\.name) })
    for entry in try section["paths"]?.section().entries ?? [] {
      guard names.contains(entry.key) else {
        throw DeclarationError(
          entry.position, found: "the attribute \(quoted(entry.key))", allowed: "a declared attribute")
      }
      attributes.paths.append(InputMapping.AttributePath(name: entry.key, path: try valuePath(entry.value)))
    }
    return attributes
  }
}
