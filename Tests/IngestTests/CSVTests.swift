import Dataflow
import Declaration
import Events
import Foundation
import TestNumbers
import Testing

@testable import Ingest

@Suite("A file of CSV") struct CSVTests {
  static let yaml = """
    pipeline: people
    idle_ttl: 400d
    input:
      format: csv
      entity_id: pid
      event_id: {hash: record}
      event_time: {path: at, unit: s}
      kind: {profile: snapshot}
      attributes: {from: [., more], parse_text: [more], wrong: missing}
    profile:
      age: {type: number, min: 0, max: 120, from_text: true}
      note: text
    features:
      age: profile.age
    models: {score: {file: score.json}}
    """

  private static func reading(ingestTimeMs: Int64 = -1) throws -> FileReading {
    FileReading(input: try loadPipeline(yaml: yaml).input, ingestTimeMs: ingestTimeMs)
  }

  private static func withFiles(_ texts: [String], _ body: ([String]) throws -> Void) throws {
    func next(_ rest: ArraySlice<String>, _ paths: [String]) throws {
      guard let first = rest.first else { return try body(paths) }
      try FileSourceTests.withFile(first) { try next(rest.dropFirst(), paths + [$0]) }
    }
    try next(texts[...], [])
  }

  private static func records(
    _ texts: String..., from offset: Int64 = 0, limit: Int = 3
  ) throws -> [(offset: Int64, key: String?, value: String?)] {
    var all: [(offset: Int64, key: String?, value: String?)] = []
    try withFiles(texts) { paths in
      let source = try FileSource(paths: paths, topic: "t", reading: reading())
      all = try FileSourceTests.readAll(source, from: offset, limit: limit)
      #expect(try source.bounds(0).high == all.last.map { $0.offset + 1 } ?? offset)
    }
    return all
  }

  @Test func namesItsColumns() throws {
    let all = try Self.records(
      "\u{feff}pid,at,\"note\"\r\n7,5,x\r\n\"a,b\",6,\"say \"\"no\"\"\"\r\n,,\r\n\"\",7,\"\"")
    #expect(all.map(\.offset) == [0, 1, 2, 3])
    #expect(all.map(\.key) == ["7", "a,b", nil, ""])
    #expect(
      all.map(\.value) == [
        #"{"pid":"7","at":"5","note":"x"}"#, #"{"pid":"a,b","at":"6","note":"say \"no\""}"#, "{}",
        #"{"pid":"","at":"7","note":""}"#,
      ])
  }

  /// As pandas and R write row numbers.
  @Test func columnsWithoutANameAreNotRead() throws {
    let all = try Self.records("\"\",pid,at,\n0,7,5,x\n1,8,,\"\"\n")
    #expect(all.map(\.value) == [#"{"pid":"7","at":"5"}"#, #"{"pid":"8"}"#])
  }

  @Test func isJSONOfItsTexts() throws {
    let all = try Self.records("pid,no\\te\n1,a\\b\t\u{1}é,x\n1,a\\b\t\u{1}é\n")
    #expect(all.map(\.value) == ["1,a\\b\t\u{1}é,x", #"{"pid":"1","no\\te":"a\\b\u0009\u0001é"}"#])
  }

  @Test func repeatsItsColumnsInEachFile() throws {
    let all = try Self.records("pid,at\n1,5\n", "", "pid,at\r\n2,6\npid,at\n3,7", "pid,at")
    #expect(all.map(\.key) == ["1", "2", "3"] && all.map(\.offset) == [0, 1, 2])
    #expect(try Self.records("pid,at\n1,5\n", "pid,at\n2,6\n3,7\n", from: 2).map(\.key) == ["3"])
    #expect(try Self.records("", "").isEmpty)
    #expect(try Self.records("pid,at").isEmpty)
  }

  static let headers: [(texts: [String], problem: String)] = [
    (["pid,at\n1,2\n", "at,pid\n2,1\n"], "it names other columns than the first file's"),
    (["pid,at\n1,2\n", "1,2\n"], "it names other columns than the first file's"),
    (["\npid,at\n1,2\n"], "no column has a name"), (["\"\",\n"], "no column has a name"),
    (["pid, at\n"], "the name of column 2 begins or ends with a blank"),
    (["pid,at,pid\n"], "columns 1 and 3 have the same name"), (["pid,\"at\n"], "its quotes are not in order"),
    (["pid,a\"t\n"], "its quotes are not in order"), (["\"pid\"x,at\n"], "its quotes are not in order"),
    ([String(repeating: "secret", count: 100_000)], "it is too long"),
  ]

  @Test(arguments: headers) func mustNameItsColumns(texts: [String], problem: String) throws {
    try Self.withFiles(texts) { paths in
      let error = #expect(throws: PortError.self) {
        try FileSource(paths: paths, topic: "t", reading: Self.reading())
      }
      let text = error?.description ?? ""
      #expect(
        text.contains("the first line of CSV must name the columns") && text.contains(problem), "\(text)")
      #expect(!text.contains("secret") && error?.reason == .badFile)
    }
  }

  /// What is no record of the columns is a letter with the line as it is, whatever it looks like.
  @Test(
    arguments: [
      "1", "1,2,3,4", "1,2,\"x", "1,2,x\"", "1,2,\"x\"y", "1,2,x\"y\"", #"{"pid":"1","at":"1767225600"}"#,
      "\"",
      "1,2,3,\"", "[]",
    ])
  func brokenLinesAreLetters(_ line: String) throws {
    let bench = try MappedBench(Self.yaml)
    try FileSourceTests.withFile("pid,at,note\n\(line)\n") { path in
      let source = try FileSource(path: path, topic: "t", reading: Self.reading())
      let batch = RecordBatch()
      _ = try source.poll(into: batch, limit: 9, timeoutMs: 0, fillMs: 0)
      try source.assign([(partition: 0, offset: 0)])
      _ = try source.poll(into: batch, limit: 9, timeoutMs: 0, fillMs: 0)
      let record = try #require(batch.records.first)
      #expect(String(decoding: record.value, as: UTF8.self) == line)
      #expect(bench.bench.decoder.decode(record, into: bench.bench.batch) == .undecodable)
      #expect(bench.detail.hasPrefix("no line of CSV with as many fields as columns"))
    }
  }

  /// The lines of a field with line breaks are no records, not even one that looks like one, wherever reading begins.
  @Test func lineBreaksInFieldsAreNotRead() throws {
    let text = "pid,at,note\n1,2,\"a\n2,3,b\npid,at,note\nc\",\"d\n3,4,x\ne\"\n4,5,y\n"
    for start in 0..<7 {
      try FileSourceTests.withFile(text) { path in
        let source = try FileSource(path: path, topic: "t", reading: Self.reading())
        #expect(try source.bounds(0).high == 7)
        let all = try FileSourceTests.readAll(source, from: Int64(start), limit: 2)
        #expect(all.map(\.offset) == Array(Int64(start)..<7))
        #expect(all.filter { $0.value?.first == "{" }.map(\.offset) == [6])
      }
    }
  }

  @Test func linesThatAreTooLongAreNoRecords() throws {
    let limits = DecoderLimits(valueBytesMax: 100)
    // Cut to 358 bytes it has as many fields as columns, most of them empty.
    let header = (0..<80).map { "c\($0)" }.joined(separator: ",")
    let line = String(repeating: ",", count: 79) + String(repeating: "x", count: 600)
    try FileSourceTests.withFile("\(header)\n\(line)\n") { path in
      let source = try FileSource(path: path, topic: "t", limits: limits, reading: Self.reading())
      let all = try FileSourceTests.readAll(source)
      #expect(all.count == 1 && (all[0].value?.utf8.count ?? 0) > 100)
    }
  }

  @Test func isTheSameLogWithTheSameFirstRecord() throws {
    func identity(_ text: String, at ingest: Int64 = -1) throws -> String {
      var found = ""
      try FileSourceTests.withFile(text) {
        found = try FileSource(path: $0, topic: "t", reading: Self.reading(ingestTimeMs: ingest)).identity()
          .clusterID
      }
      return found
    }
    let one = try identity("pid,at\n1,2\n")
    #expect(try identity("pid,at\n1,2\n3,4\n") == one && identity("pid,at\npid,at\n1,2\n") == one)
    #expect(try identity("pid,at\n2,2\n") != one && identity("pid,at\n1,2\n", at: 5) != one)
    #expect(try identity("pid,at\n") != one)
  }

  @Test func recordsHaveTheGivenTime() throws {
    try FileSourceTests.withFile("pid,at\n1,2\n") { path in
      for time in [Int64(-1), 1_767_225_600_000] {
        let source = try FileSource(path: path, topic: "t", reading: Self.reading(ingestTimeMs: time))
        let batch = RecordBatch()
        _ = try source.poll(into: batch, limit: 9, timeoutMs: 0, fillMs: 0)
        try source.assign([(partition: 0, offset: 0)])
        _ = try source.poll(into: batch, limit: 9, timeoutMs: 0, fillMs: 0)
        #expect(batch.records.map(\.ingestTimeMs) == [time] && batch.records.allSatisfy(\.isOfFile))
      }
    }
  }

  @Test func becomesEvents() throws {
    let bench = try MappedBench(Self.yaml)
    try FileSourceTests.withFile(
      "pid,at,age,note,more\n1,1767225600,30,,\n2,1767225600,,\"\",\"{\"\"age\"\":\"\"31\"\"}\"\n"
    ) {
      path in
      let source = try FileSource(path: path, topic: "t", reading: Self.reading())
      let batch = RecordBatch()
      _ = try source.poll(into: batch, limit: 9, timeoutMs: 0, fillMs: 0)
      try source.assign([(partition: 0, offset: 0)])
      _ = try source.poll(into: batch, limit: 9, timeoutMs: 0, fillMs: 0)
      var seen: [[String: String]] = []
      for record in batch.records {
        #expect(bench.bench.decoder.decode(record, into: bench.bench.batch) == nil, "\(bench.detail)")
        seen.append(bench.attributes)
      }
      #expect(seen == [["age": "\"30\""], ["age": "\"31\"", "note": "\"\""]])
    }
  }

  // MARK: Against a plain reading

  /// Fields of a line, character by character; nil: not in order.
  static func plainFields(_ line: [UInt8]) -> [(text: [UInt8], isQuoted: Bool)]? {
    var fields: [(text: [UInt8], isQuoted: Bool)] = [([], false)]
    var inQuotes = false
    var afterQuotes = false
    var index = 0
    while index < line.count {
      let byte = line[index]
      index += 1
      if inQuotes {
        if byte != UInt8(ascii: "\"") { fields[fields.count - 1].text.append(byte); continue }
        if index < line.count, line[index] == byte {
          fields[fields.count - 1].text.append(byte)
          index += 1
        } else {
          inQuotes = false
          afterQuotes = true
        }
      } else if byte == UInt8(ascii: ",") {
        fields.append(([], false))
        afterQuotes = false
      } else if byte == UInt8(ascii: "\"") {
        guard !afterQuotes, fields[fields.count - 1].text.isEmpty else { return nil }
        fields[fields.count - 1].isQuoted = true
        inQuotes = true
      } else {
        guard !afterQuotes else { return nil }
        fields[fields.count - 1].text.append(byte)
      }
    }
    return inQuotes ? nil : fields
  }

  @Test(arguments: [UInt64(1), 2, 3]) func agreesWithAPlainReading(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let bytes = Array("ab,,\"\"\"\\\t\u{1}é ".utf8)
    let columns = try "a,b,c".utf8.withContiguousStorageIfAvailable {
      try CSVColumns(UnsafeRawBufferPointer($0))
    }!
    var good = 0
    for _ in 0..<20_000 {
      let length = Int.random(in: 0...14, using: &random)
      let line = (0..<length).map { _ in bytes.randomElement(using: &random)! }
      guard String(validating: line, as: UTF8.self) != nil else { continue }
      var json: [UInt8] = [1]
      let isRead = line.withUnsafeBytes { columns.append($0, to: &json) }
      let expected = Self.plainFields(line).flatMap { $0.count == 3 ? $0 : nil }
      #expect(isRead == (expected != nil), "seed \(seed): \(line)")
      guard isRead, let expected else {
        #expect(json == [1])
        continue
      }
      good += 1
      let object = try JSONSerialization.jsonObject(with: Data(json.dropFirst())) as? [String: String]
      var wanted: [String: String] = [:]
      for (name, field) in zip(["a", "b", "c"], expected) where field.isQuoted || !field.text.isEmpty {
        wanted[name] = String(decoding: field.text, as: UTF8.self)
      }
      #expect(object == wanted, "seed \(seed): \(line)")
    }
    #expect(good > 200)
  }
}
