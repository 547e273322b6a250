import Dataflow
import Declaration
import Features
import Testing

/// A pipeline with `input:` from line 3 on; tests break one place of it.
private let withInput = """
  pipeline: people
  idle_ttl: 400d
  input:
    format: json
    key: entity_id
    entity_id: pid
    event_id: id
    event_time: {path: meta.at, unit: ms}
    kind: {path: type, map: {signup: {profile: snapshot}, enter: login}}
    attributes:
      from: [., more]
      parse_text: [more]
      wrong: missing
      paths: {device: 'meta."the.device"'}
  profile:
    age: {type: number, min: 0, max: 120}
  events:
    login: {device: text}
  features:
    age: profile.age
  models: {score: {file: score.json}}
  """

private func changed(_ changes: [(String, String)]) -> String {
  var yaml = withInput
  for (place, replacement) in changes {
    let parts = yaml.split(separator: place, omittingEmptySubsequences: false)
    if parts.count != 2 { Issue.record("the fixture has no single place \(place)") }
    yaml = parts.joined(separator: replacement)
  }
  return yaml
}

@Suite struct InputErrorTests {
  static let keys: [Mistake] = [
    Mistake("format: json", "format: xml", 4, 11, "\"xml\"", "one of json, csv, envelope"),
    Mistake("  format: json\n", "", 4, 3, "without the key format", "format"),
    Mistake("format: json", "format: envelope", 5, 3, "the key \"key\"", "format"),
    Mistake("key: entity_id", "key: pid", 5, 8, "\"pid\"", "one of entity_id, any"),
    Mistake("key: entity_id", "key: any", 5, 8, "key: any with states", "state: none"),
    Mistake("key: entity_id", "keys: entity_id", 5, 3, "the key \"keys\"", "format, key, entity_id"),
    Mistake("  entity_id: pid\n", "", 4, 3, "without the key entity_id", "entity_id"),
    Mistake("entity_id: pid", "entity_id: .", 6, 14, "\".\"", "a path such as"),
    Mistake("entity_id: pid", "entity_id: ''", 6, 14, "\"\"", "a path such as"),
    Mistake("entity_id: pid", "entity_id: [pid]", 6, 14, "a list", "text"),
    Mistake("entity_id: pid", "entity_id: a..b", 6, 14, "\"a..b\"", "a path such as"),
    Mistake("entity_id: pid", "entity_id: .a", 6, 14, "\".a\"", "a path such as"),
    Mistake("entity_id: pid", "entity_id: a.", 6, 14, "\"a.\"", "a path such as"),
    Mistake("entity_id: pid", "entity_id: 'a.\"b'", 6, 14, "a.", "a path such as"),
    Mistake("entity_id: pid", "entity_id: 'a.\"b\"c'", 6, 14, "a.", "a path such as"),
    Mistake("entity_id: pid", "entity_id: 'a.\"\"'", 6, 14, "a.", "a path such as"),
    Mistake(
      "entity_id: pid", "entity_id: \(Array(repeating: "a", count: 33).joined(separator: "."))", 6, 14, "a.a",
      "at most 32 keys deep"),
    Mistake("  event_id: id\n", "", 4, 3, "without the key event_id", "event_id"),
    Mistake("event_id: id", "event_id: {hash: key}", 7, 20, "\"key\"", "record"),
    Mistake("event_id: id", "event_id: {hash: record, of: id}", 7, 28, "the key \"of\"", "hash"),
    Mistake("event_id: id", "event_id: {path: id}", 7, 13, "a section", "text"),
    Mistake("{path: meta.at, unit: ms}", "now", 8, 15, "\"now\"", "ingest"),
    Mistake("{path: meta.at, unit: ms}", "{path: meta.at}", 8, 15, "without the key unit", "unit"),
    Mistake("{path: meta.at, unit: ms}", "{unit: ms}", 8, 15, "without the key path", "path"),
    Mistake("unit: ms", "unit: days", 8, 37, "\"days\"", "one of ns, us, ms, s, rfc3339"),
    Mistake("unit: ms", "unit: ms, zone: UTC", 8, 41, "the key \"zone\"", "path, unit"),
    Mistake("path: meta.at", "path: .", 8, 22, "\".\"", "a path such as"),
  ]

  static let kindsAndAttributes: [Mistake] = [
    Mistake("path: type, map:", "map:", 9, 15, "a section", "map beside path"),
    Mistake("path: type, map:", "path: type, words:", 9, 22, "the key \"words\"", "profile, type, path, map"),
    Mistake("path: type,", "path: type, type: login,", 9, 28, "\"login\"", "either type, or path and map"),
    Mistake("profile: snapshot", "profile: all", 9, 46, "\"all\"", "one of snapshot, change"),
    Mistake(
      "profile: snapshot", "profile: snapshot, type: login", 9, 62, "\"login\"", "either profile or type"),
    Mistake("enter: login", "enter: logn", 9, 64, "\"logn\"", "login"),
    Mistake("enter: login", "enter: {}", 9, 64, "without the key type", "type"),
    Mistake("enter: login", "signup: login", 9, 28, "the key \"signup\" twice", "once"),
    Mistake("from: [., more]", "of: [., more]", 11, 5, "the key \"of\"", "from, parse_text, wrong, paths"),
    Mistake("from: [., more]", "from: more", 11, 11, "\"more\"", "a list"),
    Mistake(
      "from: [., more]", "from: [., mor]", 12, 18, "the path \"more\", in which nothing is read", "from"),
    Mistake("from: [., more]", "from: [., more..x]", 11, 15, "\"more..x\"", "a path such as"),
    Mistake("parse_text: [more]", "parse_text: [.]", 12, 18, "\".\"", "a path such as"),
    Mistake(
      "parse_text: [more]", "parse_text: [more, pid]", 12, 24, "\"pid\", in which nothing", "begins with"),
    Mistake("wrong: missing", "wrong: clamp", 13, 12, "\"clamp\"", "one of letter, missing"),
    Mistake("paths: {device:", "paths: {devise:", 14, 13, "the attribute \"devise\"", "a declared attribute"),
    Mistake("{device: 'meta.\"the.device\"'}", "{device: .}", 14, 21, "\".\"", "a path such as"),
  ]

  @Test(arguments: keys + kindsAndAttributes) func isReportedWhereItStands(_ mistake: Mistake) throws {
    let error = try #require(loadError(changed([(mistake.place, mistake.replacement)])))
    #expect(error.position == SourcePosition(line: mistake.line, column: mistake.column), "\(error)")
    #expect(error.found.contains(mistake.found), "\(error)")
    #expect(error.allowed.contains(mistake.allowed), "\(error)")
  }

  private func error(_ changes: (String, String)...) -> DeclarationError? { loadError(changed(changes)) }

  private static let stateless = [
    ("idle_ttl: 400d", "state: none"), ("events:\n  login: {device: text}\n", ""), (", enter: login", ""),
    ("    paths: {device: 'meta.\"the.device\"'}\n", ""),
  ]

  @Test func equalRecordsWithoutATimeAreNoEvents() throws {
    let found = try #require(
      error(("event_id: id", "event_id: {hash: record}"), ("{path: meta.at, unit: ms}", "ingest")))
    #expect(found.position == SourcePosition(line: 7, column: 13) && found.found.contains("hash: record"))
    #expect(error(("event_id: id", "event_id: {hash: record}")) == nil)
    #expect(error(("{path: meta.at, unit: ms}", "ingest")) == nil)
    #expect(
      loadError(
        changed(
          Self.stateless + [
            ("event_id: id", "event_id: {hash: record}"), ("{path: meta.at, unit: ms}", "ingest"),
          ]
        )) == nil)
  }

  @Test func withoutStatesRecordsAreProfiles() throws {
    #expect(loadError(changed(Self.stateless)) == nil)
    #expect(loadError(changed(Self.stateless + [("key: entity_id", "key: any")])) == nil)
    let change = try #require(loadError(changed(Self.stateless + [("profile: snapshot", "profile: change")])))
    #expect(change.position == SourcePosition(line: 9, column: 46) && change.allowed.contains("snapshot"))
  }

  @Test func everyAttributeHasAPlace() throws {
    let found = try #require(error(("from: [., more]", "from: []"), ("parse_text: [more]", "parse_text: []")))
    #expect(found.position == SourcePosition(line: 16, column: 3))
    #expect(found.found == "the attribute \"age\" without a place in the record")
    #expect(
      error(
        ("from: [., more]", "from: []"), ("parse_text: [more]", "parse_text: []"),
        ("paths: {device:", "paths: {age: a, device:"))
        == nil)
  }

  @Test func columnsOfCSVHoldTextsOnly() throws {
    let csv = [("format: json", "format: csv"), ("meta.at", "at"), ("'meta.\"the.device\"'", "device")]
    let number = try #require(loadError(changed(csv)))
    #expect(number.position == SourcePosition(line: 16, column: 3))
    #expect(number.found.contains("\"age\", a column of CSV, without from_text"))
    let good = csv + [("max: 120", "max: 120, from_text: true")]
    #expect(loadError(changed(good)) == nil)
    // A column may hold JSON.
    #expect(loadError(changed(csv + [("from: [., more]", "from: [more]")])) == nil)
    #expect(loadError(changed(good.map { $0.0 == "meta.at" ? ("meta.at", "more.at") : $0 })) == nil)
    let path = try #require(loadError(changed(good.filter { $0.0 != "meta.at" })))
    #expect(path.position == SourcePosition(line: 8, column: 22), "\(path)")
    #expect(path.found == "the path \"meta.at\" below a column of CSV")
    let container = try #require(loadError(changed(good + [("[., more]", "[., more, other]")])))
    #expect(container.found == "the path \"other\" below a column of CSV")
  }

  @Test func theWholeIsRead() throws {
    let input = try #require(try loadPipeline(yaml: withInput).input)
    #expect(input.format == .json && input.keyIsEntityID && input.wrong == .missing)
    #expect(input.entityID.keys == ["pid"] && input.from.map(\.keys) == [[], ["more"]])
    #expect(input.parseText.map(\.keys) == [["more"]])
    #expect(input.paths.map(\.name) == ["device"] && input.paths[0].path.keys == ["meta", "the.device"])
    guard case .path(let id) = input.eventID, case .path(let time, .milliseconds) = input.time,
      case .path(let type, let words) = input.kind
    else { return #expect(Bool(false), "\(input)") }
    #expect(id.keys == ["id"] && time.keys == ["meta", "at"] && type.keys == ["type"])
    #expect(
      words.map(\.word) == ["signup", "enter"]
        && words.map(\.kind) == [.profileSnapshot, .engagement("login")])
    #expect(id.position == SourcePosition(line: 7, column: 13) && id.text == "id")
  }

  @Test func defaults() throws {
    let yaml = changed([
      ("  key: entity_id\n", ""),
      (
        "  attributes:\n    from: [., more]\n    parse_text: [more]\n    wrong: missing\n    paths: {device: 'meta.\"the.device\"'}\n",
        ""
      ),
    ])
    let input = try #require(try loadPipeline(yaml: yaml).input)
    #expect(input.keyIsEntityID && input.wrong == .letter && input.parseText.isEmpty && input.paths.isEmpty)
    #expect(input.from.map(\.keys) == [[]])
    #expect(try loadPipeline(yaml: small).input == nil)
    #expect(try loadPipeline(yaml: small + "\ninput: {format: envelope}\n").input == nil)
  }
}
