import Dataflow
import Events
import Foundation
import Glibc
import Ingest
import TestServers
import Testing

@Suite("A file of events") struct FileSourceTests {
  /// Writes a file, calls `body` with its path, removes it.
  static func withFile(_ text: String, _ body: (String) throws -> Void) throws {
    let path = "/tmp/tally-lines-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).jsonl"
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
    defer { unlink(path) }
    try body(path)
  }

  static func line(_ number: Int) -> String {
    var event = SampleEvent()
    event.eventID = "e\(number)"
    event.entityID = "c\(number % 7)"
    return event.json
  }

  /// Reads to the end; offset, key and value of every record.
  static func readAll(_ source: FileSource, from offset: Int64 = 0, limit: Int = 100) throws -> [(
    offset: Int64, key: String?, value: String?
  )] {
    let batch = RecordBatch()
    #expect(try source.poll(into: batch, limit: limit, timeoutMs: 0, fillMs: 0) == .assigned([0]))
    try source.assign([(partition: 0, offset: offset)])
    var all: [(offset: Int64, key: String?, value: String?)] = []
    while try source.poll(into: batch, limit: limit, timeoutMs: 0, fillMs: 0) == .records {
      #expect(batch.records.count <= limit && !batch.records.isEmpty)
      for record in batch.records {
        all.append(
          (
            record.offset, record.key.baseAddress.map { _ in String(decoding: record.key, as: UTF8.self) },
            record.value.baseAddress.map { _ in String(decoding: record.value, as: UTF8.self) }
          ))
      }
    }
    #expect(batch.records.isEmpty)
    return all
  }

  @Test("is a log of its lines", arguments: ["", "\n"]) func lines(_ end: String) throws {
    // More than one buffer full.
    let count = 9000
    try Self.withFile((0..<count).map(Self.line).joined(separator: "\n") + end) { path in
      let source = try FileSource(path: path, topic: "t")
      #expect(try source.bounds(0) == LogBounds(low: 0, high: Int64(count)))
      let all = try Self.readAll(source, limit: 500)
      #expect(all.count == count)
      for (index, record) in all.enumerated() {
        #expect(record.offset == Int64(index))
        #expect(record.key == "c\(index % 7)")
        #expect(record.value == Self.line(index))
      }
      let again = try FileSource(path: path, topic: "t")
      #expect(try again.identity() == source.identity())
      #expect(try Self.readAll(again, from: 8990).map(\.offset) == Array(8990..<9000))
      let outside = try FileSource(path: path, topic: "t")
      let error = #expect(throws: PortError.self) { try outside.assign([(partition: 0, offset: 9001)]) }
      #expect(error?.code == .refused)
      #expect(error?.description.contains("position outside the log") == true)
    }
  }

  @Test("may give keys, and shows what is odd as it is") func shapes() throws {
    let good = Self.line(1)
    let text = [
      "k1\t\(good)", "", "\t\(good)", "no json", "k2\tnot json", "k3\t", "\(good)\r", "{\"entity_id\":1}",
      "{\"a\":\"\t\"}",
    ].joined(separator: "\n")
    try Self.withFile(text) { path in
      let all = try Self.readAll(try FileSource(path: path, topic: "t"))
      #expect(all.map(\.key) == ["k1", nil, "c1", nil, "k2", "k3", "c1", nil, nil])
      #expect(
        all.map(\.value) == [
          good, nil, "\t\(good)", "no json", "not json", nil, good, "{\"entity_id\":1}", "{\"a\":\"\t\"}",
        ])
    }
  }

  @Test("has one record for a line that is too long") func longLines() throws {
    let long = String(repeating: "x", count: 3_000_000)
    let limits = DecoderLimits(valueBytesMax: 1000)
    try Self.withFile("\(Self.line(0))\n\(long)\n\(Self.line(2))\nk\t\(long)") { path in
      let all = try Self.readAll(try FileSource(path: path, topic: "t", limits: limits))
      #expect(all.map(\.offset) == [0, 1, 2, 3])
      #expect(all[0].value == Self.line(0))
      #expect((all[1].value?.utf8.count ?? 0) > 1000)
      #expect(all[2].value == Self.line(2))
      #expect((all[3].value?.utf8.count ?? 0) > 1000)
    }
  }

  /// Packs a file with a tool that is not ours; nil: the tool is not there.
  static func packed(_ path: String, by tool: String, _ options: [String] = []) throws -> String? {
    let target = path + "." + tool
    let packing = "\(tool) \(options.joined(separator: " ")) -c '\(path)' > '\(target)'"
    let status = try runInShell("command -v \(tool) || exit 7; \(packing)")
    if status == 7 { return nil }
    #expect(status == 0)
    return target
  }

  @Test("may be several, packed or not", arguments: ["gzip", "zstd"]) func packedFiles(_ tool: String) throws
  {
    // Very packable lines, so that output waits for room, and others.
    let lines = (0..<4000).map { Self.line($0) } + [String(repeating: "x", count: 200_000), Self.line(1)]
    let text = lines.joined(separator: "\n")
    try Self.withFile(text) { path in
      let plain = try Self.readAll(try FileSource(path: path, topic: "t"))
      #expect(plain.count == lines.count)
      guard let packed = try Self.packed(path, by: tool, ["-9"]) else { return }
      defer { unlink(packed) }
      let one = try Self.readAll(try FileSource(path: packed, topic: "t"))
      #expect(one.map(\.value) == plain.map(\.value) && one.map(\.offset) == plain.map(\.offset))
      // The first has no line feed at its end.
      let source = try FileSource(paths: [packed, path, packed], topic: "t")
      let three = try Self.readAll(source)
      #expect(three.map(\.value) == (plain + plain + plain).map(\.value))
      #expect(try source.bounds(0).high == Int64(3 * lines.count))
      #expect(
        try Self.readAll(FileSource(paths: [packed, path], topic: "t"), from: 5000).count == 2 * lines.count
          - 5000)

      // Members one after the other are one file.
      let bytes = try #require(FileManager.default.contents(atPath: packed))
      let twice = packed + ".twice"
      defer { unlink(twice) }
      try (bytes + bytes).write(to: URL(fileURLWithPath: twice))
      #expect(try Self.readAll(FileSource(path: twice, topic: "t")).count == 2 * lines.count - 1)

      for cut in [bytes.count - 1, bytes.count / 2, 20] {
        try bytes.prefix(cut).write(to: URL(fileURLWithPath: twice))
        let error = #expect(throws: PortError.self) { try Self.readAll(FileSource(path: twice, topic: "t")) }
        #expect(error?.description.contains("cut off") == true, "\(cut): \(error?.description ?? "")")
      }
      var broken = bytes
      for index in (bytes.count / 2)..<(bytes.count / 2 + 40) { broken[index] ^= 0x5a }
      try broken.write(to: URL(fileURLWithPath: twice))
      #expect(throws: PortError.self) { try Self.readAll(FileSource(path: twice, topic: "t")) }
    }
  }

  @Test("may be empty, must be there") func edges() throws {
    try Self.withFile("") { path in
      let source = try FileSource(path: path, topic: "t")
      #expect(try source.bounds(0) == LogBounds(low: 0, high: 0))
      #expect(try Self.readAll(source).isEmpty)
    }
    #expect(throws: PortError.self) { try FileSource(path: "/tmp/no-such-file-\(getpid())", topic: "t") }
    #expect(throws: PortError.self) { try FileSource(path: "/tmp", topic: "t") }
  }
}
