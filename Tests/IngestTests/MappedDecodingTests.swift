import Dataflow
import Events
import Ingest
import Testing

@Suite("A mapped record") struct MappedDecodingTests {
  private static let time: Int64 = 1_767_225_600_000_000

  @Test func isAnEvent() throws {
    let bench = try MappedBench(mappedYAML)
    let record = mappedRecord(
      #""age":30,"extra":{"plan":"free"},"work":{"title":"cook"},"unknown":{"a":[1,{}]},"vip":null"#)
    #expect(bench.complaint(record) == "")
    let event = try bench.bench.last()
    #expect(event.entityID == "7" && event.eventID == "e1" && event.kind == .profileSnapshot)
    #expect(event.timeMicros == Self.time && event.source == "")
    #expect(bench.attributes == ["age": "30", "plan": "\"free\"", "title": "\"cook\"", "vip": "null"])
  }

  // MARK: Ids

  static let ids: [(json: String, id: String)] = [
    ("\"a b\"", "a b"), ("\"ü\\u20ac\"", "ü€"), ("0", "0"), ("-0", "0"), ("42", "42"), ("-42", "-42"),
    ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
    ("9223372036854775808", "9223372036854775808"), ("18446744073709551615", "18446744073709551615"),
    ("42.0", "42"), ("4.2e1", "42"), ("-7.0", "-7"), ("9007199254740991.0", "9007199254740991"),
  ]

  @Test("has ids of texts and whole numbers", arguments: ids) func id(json: String, id: String) throws {
    let bench = try MappedBench(mappedYAML)
    #expect(bench.complaint(mappedRecord("\"pid\":\(json)", without: "pid")) == "")
    #expect(try bench.bench.last().entityID == id)
    #expect(bench.complaint(mappedRecord("\"id\":\(json)", without: "id")) == "")
    #expect(try bench.bench.last().eventID == id && bench.bench.last().entityID == "7")
  }

  static let wrongIDs: [(json: String, complaint: String)] = [
    ("null", "missing-NAME: PATH is absent or null"), ("\"\"", "missing-NAME: PATH is empty"),
    ("4.5", "wrong-type: PATH is a number that is not whole"),
    ("9007199254740994.0", "wrong-type: PATH is a real number beyond ±2^53, which two ids may share"),
    ("18446744073709551616", "wrong-type: PATH is a number"),
    ("1e999", "wrong-type: PATH is an infinite number or NaN"),
    ("NaN", "wrong-type: PATH is an infinite number or NaN"),
    ("true", "wrong-type: PATH is true or false"), ("[1]", "wrong-type: PATH is a list"),
    ("{\"a\":1}", "wrong-type: PATH is an object"), ("\"\\ud800\"", "invalid-utf8: PATH is no valid text"),
    ("\"a\\nb\"", "invalid-id: PATH has a control character, or more than 256 bytes"),
    (
      "\"\(String(repeating: "x", count: 257))\"",
      "invalid-id: PATH has a control character, or more than 256 bytes"
    ),
  ]

  @Test("without a proper id is a letter that names the path", arguments: wrongIDs)
  func wrongID(json: String, complaint: String) throws {
    let bench = try MappedBench(mappedYAML)
    for (path, name) in [("pid", "entity-id"), ("id", "event-id")] {
      let expected = complaint.replacing("PATH", with: path).replacing("NAME", with: name)
      #expect(bench.complaint(mappedRecord("\"\(path)\":\(json)", without: path)) == expected)
    }
    #expect(
      bench.complaint(mappedRecord(without: "pid")) == "missing-entity-id: pid is absent or null")
  }

  @Test func hashOfTheRecordIsAnID() throws {
    let bench = try MappedBench(mapped(("event_id: id", "event_id: {hash: record}")))
    let record = mappedRecord("\"age\":30", without: "id")
    #expect(bench.complaint(record) == "")
    let id = try bench.bench.last().eventID
    #expect(id == recordHash(record))
    // Printed by Python's xxhash 3: xxh3_128_hexdigest(b'{"pid":7}').
    #expect(recordHash(#"{"pid":7}"#) == "976ada203ce675155b579643ab867801")
    #expect(bench.complaint(record.replacing("30", with: "31")) == "")
    #expect(try bench.bench.last().eventID != id)
    // One blank more is another record.
    #expect(bench.complaint(record.replacing("30", with: " 30")) == "")
    #expect(try bench.bench.last().eventID != id)
  }

  // MARK: Kinds

  @Test(
    "is of the kind that its word means",
    arguments: [
      ("\"signup\"", EventKind.profileSnapshot, ""), ("\"update\"", .profileChange, ""),
      ("\"enter\"", .engagement, "login"), ("\"login\"", .engagement, "login"),
      ("\"\\u0065nter\"", .engagement, "login"), ("\"Enter\"", .engagement, ""), ("7", .engagement, ""),
    ])
  func kind(json: String, kind: EventKind, type: String) throws {
    let bench = try MappedBench(mappedYAML)
    #expect(bench.complaint(mappedRecord("\"type\":\(json)", without: "type")) == "")
    let event = try bench.bench.last()
    #expect(event.kind == kind && event.type == type)
  }

  @Test(
    "has a kind",
    arguments: [
      ("null", "missing-type: type is absent or null"), ("\"\"", "missing-type: type is empty"),
      ("true", "wrong-type: type is true or false"), ("{}", "wrong-type: type is an object"),
    ])
  func wrongKind(json: String, complaint: String) throws {
    let bench = try MappedBench(mappedYAML)
    #expect(bench.complaint(mappedRecord("\"type\":\(json)", without: "type")) == complaint)
  }

  @Test func kindsMayAlwaysBeTheSame() throws {
    for (yaml, kind) in [
      ("{profile: change}", EventKind.profileChange), ("{type: login}", .engagement),
      ("{profile: snapshot}", .profileSnapshot),
    ] {
      let bench = try MappedBench(
        mapped(
          ("{path: type, map: {signup: {profile: snapshot}, update: {profile: change}, enter: login}}", yaml)
        ))
      #expect(bench.complaint(mappedRecord(without: "type")) == "")
      #expect(try bench.bench.last().kind == kind)
    }
  }

  @Test func withoutStatesAnUnknownWordIsALetter() throws {
    let bench = try MappedBench(
      mapped(
        ("idle_ttl: 400d", "state: none"), ("  logins: count(login, 30d)\n", ""),
        ("events:\n  login: {device: text}\n", ""),
        (", update: {profile: change}, enter: login", ", refresh: {profile: snapshot}")))
    #expect(bench.complaint(mappedRecord()) == "")
    #expect(
      bench.complaint(mappedRecord("\"type\":\"d\"", without: "type"))
        == "unknown-kind: the word at type is none that kind.map names")
  }
}
