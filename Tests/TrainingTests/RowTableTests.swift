import Dataflow
import Events
import Features
import Foundation
import TestNumbers
import TestThreads
import Testing
import Training

@Suite(.onThreads) struct RowTableTests {
  private static let words = ["plain", "with, comma", "with \"quotes\"", "two\nlines"]

  private static func program() throws -> FeatureProgram {
    let position = SourcePosition(line: 1, column: 1)
    func feature(_ name: String, _ expression: String) -> FeatureDeclaration {
      FeatureDeclaration(name: name, expression: expression, isColumn: true, labels: [], position: position)
    }
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: [AttributeDeclaration(name: "kind", type: .category(words), position: position)],
        events: [EventTypeDeclaration(name: "login", attributes: [], position: position)],
        features: [
          feature("logins", "count(login)"), feature("kind", "profile.kind"),
          feature("recent", "count(any, 2d)"),
        ],
        idleTTL: nil))
  }

  private static let asOf: EventTime = 1_767_225_600_000_123

  private func withPath<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = NSTemporaryDirectory() + "tally-rows-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder + "/rows.csv")
  }

  /// Labels of numbers, and "action" of classes.
  private func learnt(_ labels: [String]) throws -> LearntLabels {
    try LearntLabels(
      labels.map { label in
        var model = ModelDeclaration(
          name: label, file: "m.json", label: label, objective: "reg:squarederror",
          position: SourcePosition(line: 1, column: 1))
        if label == "action" { model.kind = .classes(Self.words) }
        return model
      })
  }

  private func writer(
    _ path: String, replaces: Bool = false, labels: [String] = ["spent", "left"]
  ) throws -> RowTableWriter {
    try RowTableWriter(
      path: path, replaces: replaces, program: try Self.program(), labels: labels, of: try learnt(labels)
    ) {
      TrainingSet.part(of: $0, heldBackShare: 0.2, seed: 42, time: nil)
    }
  }

  private func row(_ entity: String, _ order: Int, part: TrainingPart? = nil) -> TrainingRow {
    var row = TrainingRow(
      entity: Hash128(of: entity), asOf: Self.asOf, labelTime: Self.asOf + 1, order: order)
    row.part = part
    return row
  }

  private func read(_ path: String, labels: [String] = ["spent", "left"]) throws -> TrainingSet {
    try RowTableReader(path: path, program: try Self.program(), labels: try learnt(labels)).read()
  }

  /// Worked out by hand from RFC 4180 and RFC 3339.
  @Test func writesWhatTheManualSays() throws {
    try withPath { path in
      let writer = try writer(path)
      writer.append(
        row("a,b", 7, part: .test), entity: "a,b", features: [3, 1, .nan], labels: [0.1, .nan, 5],
        named: ["left", "spent", "elsewhere"])
      #expect(try writer.finish() == 1)
      #expect(
        try String(contentsOfFile: path, encoding: .utf8) == """
          entity,as_of,as_of_us,label_time_us,row_order,split,logins,kind,kind_word,recent,spent,left
          "a,b",2026-01-01T00:00:00.000123Z,1767225600000123,1767225600000124,7,test,3,1,"with, comma",,,0.1

          """)
    }
  }

  @Test(arguments: [UInt64(1), 2, 3]) func readingGivesTheSameBits(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    try withPath { path in
      let writer = try writer(path)
      var expected: [(TrainingRow, [Float], [Float])] = []
      for index in 0..<2_000 {
        func number() -> Float {
          switch Int.random(in: 0..<6, using: &generator) {
          case 0: return .nan
          case 1: return -0.0
          case 2: return Float(Int.random(in: -20_000_000...20_000_000, using: &generator))
          default:
            let any = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator))
            return any.isFinite ? any : .leastNonzeroMagnitude
          }
        }
        let kind = Int.random(in: 0...(Self.words.count + 1), using: &generator)
        let features = [number(), kind > Self.words.count ? .nan : Float(kind), number()]
        let labels = [number(), number()]
        let entity = "e \"\(index / 3)\",\u{e9}"
        var place = row(entity, Int(Int64.random(in: 0...Int64.max, using: &generator)))
        writer.append(place, entity: entity, features: features, labels: labels, named: ["spent", "left"])
        place.part = TrainingSet.part(of: place.entity, heldBackShare: 0.2, seed: 42)
        expected.append((place, features, labels))
      }
      #expect(try writer.finish() == 2_000)
      let set = try read(path)
      #expect(set.rows == expected.map(\.0), "seed \(seed)")
      func bits(_ values: some Sequence<Float>) -> [UInt32] {
        values.map { $0.isNaN ? 1 << 31 - 1 : $0.bitPattern }
      }
      for (index, (_, features, labels)) in expected.enumerated() {
        let found = bits(UnsafeBufferPointer(start: set.features.row(index), count: 3))
        #expect(found == bits(features), "seed \(seed), row \(index)")
        #expect(bits(UnsafeBufferPointer(start: set.labels.row(index), count: 2)) == bits(labels))
      }
    }
  }

  @Test func leavesOutRowsBeforeAnErasure() throws {
    try withPath { path in
      let writer = try writer(path)
      for (order, entity) in ["x\"y", "b", "x\"y", "-", "x\"y", "b"].enumerated() {
        if entity == "-" {
          writer.erase(Hash128(of: "x\"y"))
        } else {
          writer.append(
            row(entity, order), entity: entity, features: [1, 3, 2], labels: [1, 0], named: ["spent", "left"])
        }
      }
      #expect(try writer.finish() == 3)
      #expect(try read(path).rows.map(\.order) == [1, 4, 5])
    }
  }

  @Test func leavesNothingBehindUnlessFinished() throws {
    try withPath { path in
      let folder = (path as NSString).deletingLastPathComponent
      do { _ = try writer(path) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      _ = try writer(path).finish()
      #expect(throws: RowTableError.self) { try writer(path) }
      _ = try writer(path, replaces: true).finish()
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["rows.csv"])
    }
  }

  /// Any order of columns, and of ours only what is needed.
  @Test func readsWhatAnotherProgramWrites() throws {
    try withPath { path in
      try "left,recent,entity,kind,logins\r\n1,2,a,,3\r\n\r\n,4.5,\"b\",4,1e-3".write(
        toFile: path, atomically: true, encoding: .utf8)
      let set = try read(path)
      #expect(set.labelNames == ["left"] && set.columnNames == ["logins", "kind", "recent"])
      #expect(set.rows.map(\.entity) == [Hash128(of: "a"), Hash128(of: "b")])
      #expect(set.rows.map(\.order) == [0, 1] && set.rows.allSatisfy { $0.part == nil })
      #expect(set.features.row(0)[0] == 3 && set.features.row(0)[1].isNaN && set.features.row(0)[2] == 2)
      #expect(set.features.row(1)[0] == 1e-3 && set.features.row(1)[1] == 4 && set.labels.row(1)[0].isNaN)
    }
  }

  @Test(arguments: [
    ("", "1: the file is empty"),
    ("entity,logins,kind\n", "1: the header lacks \"recent\""),
    ("entity,logins,kind,recent,recent\n", "1: column recent: the header has it twice"),
    ("entity,logins,kind,recent,fun\n", "1: the header has \"fun\": neither"),
    ("entity,logins,kind,recent\na,1,1\n", "2: 3 cells; the header has 4"),
    ("entity,logins,kind,recent\na,1,1,2\n,1,1,2\n", "3: column entity: is empty"),
    ("entity,logins,kind,recent\na,one,1,2\n", "2: column logins: is neither a number"),
    ("entity,logins,kind,recent\n\"a\nb\",1,1,2\na,nan,1,2\n", "4: column logins: is NaN"),
    ("entity,logins,kind,recent\na,1e40,1,2\n", "2: column logins: is beyond"),
    ("entity,logins,kind,recent\na,1,5,2\n", "2: column kind: is no code of a category of 5 words"),
    ("entity,logins,kind,recent\na,1,0.5,2\n", "2: column kind: is no code"),
    (
      "entity,logins,kind,kind_word,recent\na,1,1,plain,2\n",
      "2: column kind_word: is not the pipeline's word"
    ),
    ("entity,logins,kind,recent,left\na,1,1,2,yes\n", "2: column left: is neither"),
    (
      "entity,split,logins,kind,recent\na,both,1,1,2\n",
      "2: column split: is none of train, validation, test, unused"
    ),
    (
      "entity,split,logins,kind,recent\na,train,1,1,2\na,test,1,1,2\n",
      "3: column split: is test, but train on line 2"
    ),
    ("entity,as_of_us,logins,kind,recent\na,1700000000,1,1,2\n", "2: column as_of_us: looks like seconds"),
    ("entity,row_order,logins,kind,recent\na,x,1,1,2\n", "2: column row_order: is neither a whole number"),
    ("entity,logins,kind,recent\n\"a,1,1,2\n", "2: a quote is not closed"),
    ("entity,logins,kind,recent\n\"a\"b,1,1,2\n", "2: cell 1 has a quote in the wrong place"),
  ]) func namesWhatIsWrong(text: String, expected: String) throws {
    try withPath { path in
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let error = try #require(throws: RowTableError.self) { try read(path) }
      #expect(error.description.hasPrefix("\(path):\(expected)"), "\(error)")
    }
  }

  /// Classes are written as words, and read as they were.
  @Test func classesAreWords() throws {
    try withPath { path in
      let writer = try writer(path, labels: ["action"])
      for (index, value) in [Float(0), 1, 2, 3, .nan].enumerated() {
        writer.append(
          row("e\(index)", index), entity: "e\(index)", features: [1, 1, 1], labels: [value],
          named: ["action"])
      }
      #expect(try writer.finish() == 5)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.contains(",\"with \"\"quotes\"\"\"\n") && text.contains(",\"two\nlines\"\n"))
      let set = try read(path, labels: ["action"])
      #expect((0..<4).map { set.labels.row($0)[0] } == [0, 1, 2, 3] && set.labels.row(4)[0].isNaN)
      try text.replacing(",plain\n", with: ",plan\n").write(toFile: path, atomically: true, encoding: .utf8)
      let error = #expect(throws: RowTableError.self) { try read(path, labels: ["action"]) }
      #expect(error?.line == 2 && error?.column == "action")
      #expect(error?.text.contains("is none of the declared classes, nor empty: plain, with, comma") == true)
    }
  }
}
