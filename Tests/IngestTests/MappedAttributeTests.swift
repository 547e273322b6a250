import CMallocCounter
import Dataflow
import Events
import Features
import Ingest
import Testing

@Suite("A mapped record's attributes") struct MappedAttributeTests {
  static let places: [(fields: String, attributes: [String: String])] = [
    (#""age":30,"extra":{"age":40}"#, ["age": "30"]), (#""age":null,"extra":{"age":40}"#, ["age": "40"]),
    (#""extra":{"age":40,"plan":"free"}"#, ["age": "40", "plan": "\"free\""]),
    (#""extra":"{\"age\":40}""#, ["age": "40"]), (#""extra":" \n{\"age\" : 4.5}\n""#, ["age": "real 4.5"]),
    (#""age":null,"extra":null"#, ["age": "null"]), (#""age":null,"extra":{"age":null}"#, ["age": "null"]),
    (#""extra":{"title":"no"},"title":"no","work":{"title":"cook"}"#, ["title": "\"cook\""]),
    (#""work":null"#, [:]), (#""work":{"title":{}}"#, ["title": "composite"]),
    (#""tags":[]"#, ["tags": "0: "]), (#""tags":["a",null,"b"]"#, ["tags": "3: \"a\", null, \"b\""]),
    (#""extra":"{\"tags\":[\"x\\ny\"]}""#, ["tags": "1: \"x\\u000ay\""]),
    (
      #""jobs":[{"year":1990,"what":"cook"},{},{"what":null,"more":[1]},{"year":2.5e3}]"#
        .replacing("2.5e3", with: "2000.0"),
      ["jobs": "4: year 1990, what \"cook\", what null, year real 2000.0"]
    ),
    (#""jobs":null"#, ["jobs": "null"]), (#""deep":{"age":1,"extra":{"age":2}}"#, [:]),
  ]

  @Test("stand where they are declared to", arguments: places)
  func place(fields: String, attributes: [String: String]) throws {
    let bench = try MappedBench(mappedYAML)
    #expect(bench.complaint(mappedRecord(fields)) == "")
    #expect(bench.attributes == attributes)
  }

  static let wrong: [(fields: String, complaint: String)] = [
    (#""age":"secret""#, "wrong-type: profile.age is no number but a text"),
    (#""age":666"#, "out-of-bounds: profile.age is outside its bounds, 0 to 120"),
    // The first one that is not null counts, also when it is wrong.
    (#""age":"secret","extra":{"age":40}"#, "wrong-type: profile.age is no number but a text"),
    (#""age":[1]"#, "wrong-type: profile.age is no number but an object or a list"),
    (#""tags":"secret""#, "wrong-type: profile.tags is no list but a text"),
    (#""tags":{"secret":1}"#, "wrong-type: profile.tags is no list but an object or a list"),
    (#""tags":["a",1]"#, "wrong-type: an element of profile.tags is no text but a number"),
    (
      #""jobs":[{"year":66}]"#,
      "out-of-bounds: an element of profile.jobs.year is outside its bounds, 1900 to 2100"
    ),
    (#""extra":"secret""#, "wrong-type: extra holds a text that is no JSON object"),
    (#""extra":"""#, "wrong-type: extra holds a text that is no JSON object"),
    (#""extra":"null""#, "wrong-type: extra holds a text that is no JSON object"),
    (#""extra":"[1]""#, "wrong-type: extra holds a text that is no JSON object"),
    (#""extra":"{\"age\":30""#, "wrong-type: extra holds a text that is no JSON object"),
    (#""extra":"{\"age\":30} secret""#, "wrong-type: extra holds a text that is no JSON object"),
    (#""extra":["secret"]"#, "wrong-type: extra is no object but a list"),
    (#""extra":66"#, "wrong-type: extra is no object but a number"),
    (#""extra":"\ud800""#, "wrong-type: extra is no object but a text"),
    // What a path leads through must be an object, too.
    (#""work":"secret""#, "wrong-type: work is no object but a text"),
    (#""work":[{"title":"secret"}]"#, "wrong-type: work is no object but a list"),
    (#""age":30,"age":30"#, "undecodable: age stands twice in one object"),
    (#""pid":7"#, "undecodable: pid stands twice in one object"),
    (#""extra":{"age":1,"age":1}"#, "undecodable: extra.age stands twice in one object"),
    (#""extra":"{\"age\":1,\"\\u0061ge\":1}""#, "undecodable: extra.age stands twice in one object"),
    (#""jobs":[{"year":2000,"year":2000}]"#, "undecodable: jobs.year stands twice in one object"),
  ]

  @Test("are told by path and never by value", arguments: wrong)
  func complaint(fields: String, complaint: String) throws {
    let bench = try MappedBench(mappedYAML)
    #expect(bench.complaint(mappedRecord(fields)) == complaint)
    #expect(!bench.detail.contains("secret") && !bench.detail.contains("66"))
  }

  @Test func mayBeMissingInstead() throws {
    let bench = try MappedBench(mapped(("parse_text: [extra],", "parse_text: [extra], wrong: missing,")))
    for extra in ["\"secret\"", "[]", "1", "\"{\\\"age\\\":\""] {
      #expect(bench.complaint(mappedRecord(#""plan":"free","extra":\#(extra),"work":1"#)) == "")
      #expect(bench.attributes == ["plan": "\"free\""])
    }
    #expect(
      bench.complaint(
        mappedRecord(#""vip":"yes","title":7"#).replacing("\"title\"", with: "\"work\":{\"title\"") + "}")
        == "")
    let replaced = bench.names.counts().replaced
    #expect(
      replaced.first { $0.name == "extra" }?.count == 4 && replaced.first { $0.name == "work" }?.count == 4)
    #expect(
      replaced.first { $0.name == "vip" }?.count == 1 && replaced.first { $0.name == "title" }?.count == 1)
    #expect(replaced.count == 4)
  }

  @Test func pathsMayHaveDotsAndBlanksInQuotes() throws {
    let bench = try MappedBench(
      mapped(
        ("title: work.title", #"title: 'data."a.b"."c d"'"#), ("entity_id: pid", #"entity_id: '"p.id"'"#)))
    let record = mappedRecord(#""p.id":9,"data":{"a.b":{"c d":"x"},"a":{"b":{"c d":"y"}}}"#, without: "pid")
    #expect(bench.complaint(record) == "")
    #expect(bench.attributes == ["title": "\"x\""])
    #expect(try bench.bench.last().entityID == "9")
  }

  @Test func idsMayStandInAText() throws {
    let bench = try MappedBench(
      mapped(("entity_id: pid", "entity_id: extra.pid"), ("{path: ts", "{path: extra.ts")))
    #expect(
      bench.complaint(#"{"id":1,"type":"signup","extra":"{\"pid\":5,\"ts\":1767225600000,\"age\":3}"}"#) == ""
    )
    #expect(try bench.bench.last().entityID == "5")
    #expect(bench.attributes == ["age": "3"])
    #expect(
      bench.complaint(#"{"id":1,"type":"signup","extra":"{\"pid\":5"}"#)
        == "missing-entity-id: extra.pid is absent or null")
  }

  @Test func unmatchedOnesAreNamedAfterManyRecords() throws {
    let bench = try MappedBench(mappedYAML)
    let plain = Array(mappedRecord(#""age":1,"extra":{"plan":"free"},"tags":null"#).utf8)
    #expect(bench.names.counts().unmatched.isEmpty)
    for _ in 1...NameCounts.mappedRecordsMax {
      bench.bench.batch.removeAll()
      #expect(bench.bench.decode(plain, key: "7") == nil)
    }
    #expect(bench.names.counts().unmatched == ["vip", "title", "jobs", "device"])
    #expect(bench.names.counts().mappedRecords == UInt64(NameCounts.mappedRecordsMax))
  }

  @Test(.enabled(if: tally_counts_allocations() == 1, "the sanitizer has its own malloc"))
  func areReadWithoutAllocations() throws {
    let bench = try MappedBench(
      mapped(
        ("event_id: id", "event_id: {hash: record}"), ("{path: ts, unit: ms}", "{path: ts, unit: rfc3339}")))
    let records = [
      #"{"pid":7,"ts":"2026-01-01T00:00:00.5Z","type":"signup","age":30,"tags":["a","\u00e9"],"jobs":[{"year":1999}]}"#,
      #"{"pid":7.0,"ts":"2026-01-01T01:00:00+01:00","type":"enter","extra":"{\"device\":\"a\\tb\"}","work":null}"#,
      #"{"pid":"x","ts":"2026-01-01 00:00:00z","type":"other","vip":"wrong","work":{"title":"cook"}}"#,
    ].map { Array($0.utf8) + [0] }
    func pass() {
      for _ in 0..<50 {
        bench.bench.batch.removeAll()
        // An iterator of an array allocates where nothing is optimized.
        for number in 0..<records.count {
          records[number].withUnsafeBytes { bytes in
            let raw = RawRecord(
              partition: 0, offset: 0, ingestTimeMs: -1, key: UnsafeRawBufferPointer(start: nil, count: 0),
              value: UnsafeRawBufferPointer(start: bytes.baseAddress, count: bytes.count - 1),
              contentType: .json,
              isOfFile: true)
            if bench.bench.decoder.decode(raw, into: bench.bench.batch) != nil {
              Issue.record("\(bench.detail)")
            }
          }
        }
      }
    }
    pass()
    let before = tally_thread_allocations()
    pass()
    #expect(tally_thread_allocations() == before)
  }
}
