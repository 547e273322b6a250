import Events
import Foundation
import TestThreads
import Testing

@testable import Parquet

@Suite(.onThreads) struct ParquetTests {
  private static let files = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Files")
    .path()
  private static let words = ["plain", "with, comma", "with \"quotes\"", "naïve", ""]

  private func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "tally-parquet-" + UUID().uuidString
    defer { unlink(path) }
    try Data(bytes).write(to: URL(filePath: path))
    return try body(path)
  }

  /// All cells as texts; nil: empty.
  private func texts(_ path: String) throws -> [String: [String?]] {
    let reader = try ParquetReader(path: path)
    var all: [String: [String?]] = [:]
    for (group, rows) in reader.groupRows.enumerated() {
      let read = try reader.read(group: group, columns: Array(reader.names.indices))
      for (name, cells) in zip(reader.names, read) {
        #expect(cells.places.count == rows)
        for place in cells.places {
          guard place >= 0 else {
            all[name, default: []].append(nil)
            continue
          }
          let text: String =
            switch cells.values {
            case .wholes(let values): String(values[Int(place)])
            case .numbers(let values): "\(values[Int(place)])"
            case .texts(let values): String(decoding: cells.bytes[values[Int(place)]], as: UTF8.self)
            }
          all[name, default: []].append(text)
        }
      }
    }
    return all
  }

  /// pyarrow is the oracle: `Files/make.py` says what it wrote.
  @Test(arguments: ["snappy", "gzip", "zstd-v2", "plain"]) func readsWhatOthersWrite(_ name: String) throws {
    let found = try texts("\(Self.files)/\(name).parquet")
    #expect(Set(found.keys) == ["id", "number", "word", "flag", "at", "small"])
    for row in 0..<300 {
      #expect(found["id"]?[row] == String(row - 150))
      #expect(found["number"]?[row] == (row % 7 == 3 ? nil : String(Double(row) / 4)))
      #expect(found["word"]?[row] == (row % 11 == 5 ? nil : Self.words[row % 5]))
      #expect(found["flag"]?[row] == (row % 3 == 0 ? "1" : "0"))
      #expect(found["at"]?[row] == String(1_767_225_600_000_000 + row * 1000))
      #expect(found["small"]?[row] == String(row % 5))
    }
    #expect(found.values.allSatisfy { $0.count == 300 })
  }

  @Test(arguments: [
    ("list", "column parts is nested"), ("delta", "column id: encoded in a way that is not read (5)"),
    ("brotli", "column id: packed in a way that is not read (4)"),
  ]) func refusesByName(_ name: String, _ text: String) throws {
    let error = #expect(throws: ParquetError.self) { try texts("\(Self.files)/\(name).parquet") }
    #expect(error?.description.contains(text) ?? false, "\(error?.description ?? "")")
  }

  /// A table of random cells by seed: few and many different ones, empty ones, runs.
  private func table(_ seed: UInt64, rows: Int, groupBytes: Int) throws -> (
    bytes: [UInt8], cells: [String: [String?]]
  ) {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    let columns: [ParquetColumn] = [
      ParquetColumn("a", .float, isOptional: true), ParquetColumn("b", .double), ParquetColumn("c", .int32),
      ParquetColumn("d", .int64, isOptional: true), ParquetColumn("e", .time),
      ParquetColumn("f", .text, isOptional: true),
      ParquetColumn("g", .text), ParquetColumn("h", .float, isOptional: true),
    ]
    let writer = try ParquetWriter(columns, groupBytes: groupBytes) { bytes.append(contentsOf: $0) }
    var cells: [String: [String?]] = [:]
    for row in 0..<rows {
      let bits = random.next()
      func keep(_ column: Int, _ text: String?) { cells[columns[column].name, default: []].append(text) }
      let float = bits % 3 == 0 ? Float(bits % 7) : Float(bits >> 40)
      if bits % 5 == 0 { writer.appendMissing(to: 0) } else { writer.append(float, to: 0) }
      keep(0, bits % 5 == 0 ? nil : "\(Double(float))")
      writer.append(Double(bits), to: 1)
      keep(1, "\(Double(bits))")
      writer.append(Int32(row / 100), to: 2)
      keep(2, "\(row / 100)")
      if row % 1000 < 500 {
        writer.appendMissing(to: 3)
      } else {
        writer.append(Int64(bitPattern: bits), to: 3)
      }
      keep(3, row % 1000 < 500 ? nil : "\(Int64(bitPattern: bits))")
      writer.append(Int64(row), to: 4)
      keep(4, "\(row)")
      let word = Self.words[Int(bits >> 8 % 5)]
      if bits % 2 == 0 { writer.appendMissing(to: 5) } else { writer.append(text: word, to: 5) }
      keep(5, bits % 2 == 0 ? nil : word)
      let text = "\(bits)-" + String(repeating: "x", count: Int(bits >> 20 % 40))
      writer.append(text: text, to: 6)
      keep(6, text)
      writer.appendMissing(to: 7)
      keep(7, nil)
      try writer.endRow()
    }
    try writer.finish(createdBy: "tests", notes: [("seed", "\(seed)")])
    return (bytes, cells)
  }

  @Test(
    arguments: [
      (1, 0, 1 << 20), (2, 1, 1 << 20), (3, 5000, 1 << 20), (4, 80_000, 4 << 20), (5, 70_001, 64 << 20),
    ] as [(UInt64, Int, Int)])
  func readsWhatItWrites(_ seed: UInt64, _ rows: Int, _ groupBytes: Int) throws {
    let (bytes, cells) = try table(seed, rows: rows, groupBytes: groupBytes)
    #expect(
      try table(seed, rows: rows, groupBytes: groupBytes).bytes == bytes, "the same cells give the same bytes"
    )
    let found = try withFile(bytes) { try texts($0) }
    // Texts of Double and Float's exact doubles; empty tables have no cells.
    for (name, column) in cells { #expect(found[name] == column, "column \(name), seed \(seed)") }
    #expect(rows > 0 || found.isEmpty)
  }

  /// Bytes that nobody vouches for end in an error or in cells, never in the program's end.
  @Test(arguments: [11, 12, 13] as [UInt64]) func brokenFilesAreRefusedOrRead(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var (bytes, _) = try table(seed, rows: 200, groupBytes: 1 << 20)
    let others = try ["snappy", "gzip", "zstd-v2", "plain"].map {
      [UInt8](try Data(contentsOf: URL(filePath: "\(Self.files)/\($0).parquet")))
    }
    var refused = 0
    for round in 0..<600 {
      if round % 5 > 0 { bytes = others[round % 5 - 1] }
      var broken = bytes
      for _ in 0..<1 + Int(random.next() % 4) {
        let place = Int(random.next() % UInt64(broken.count))
        broken[place] = UInt8(truncatingIfNeeded: random.next())
      }
      if round % 13 == 0 { broken.removeLast(Int(random.next() % UInt64(broken.count))) }
      try withFile(broken) { path in
        do { _ = try texts(path) } catch is ParquetError { refused += 1 }
      }
    }
    #expect(refused > 100, "seed \(seed): \(refused) of 600 were refused")
  }

  @Test func namesWhatIsNoParquet() throws {
    for (text, wanted) in [
      ("", "too short"), ("a,b\n1,2\n3,4\n5,6\n", "does not end with PAR1"),
      ("PAR1....\u{7f}\u{7f}\u{7f}\u{7f}PAR1", "larger than the file"),
    ] {
      let error = #expect(throws: ParquetError.self) { try withFile(Array(text.utf8)) { try texts($0) } }
      #expect(error?.description.contains(wanted) ?? false, "\(error?.description ?? "")")
    }
  }
}
