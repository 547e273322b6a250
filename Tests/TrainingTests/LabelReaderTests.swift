import Dataflow
import Features
import Foundation
import Testing
import Training

private let time: Int64 = 1_767_225_600_000_000

@Suite struct LabelReaderTests {
  /// What models learn of these labels, as numbers.
  private func numbers(_ labels: String...) throws -> LearntLabels {
    try LearntLabels(labels.map { model($0, .regression) })
  }

  private func model(_ label: String, _ kind: ModelKind, name: String = "m") -> ModelDeclaration {
    var model = ModelDeclaration(
      name: name, file: "m.json", label: label, objective: "reg:squarederror",
      position: SourcePosition(line: 1, column: 1))
    model.kind = kind
    return model
  }

  private func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "tally-labels-\(UUID().uuidString).csv"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try body(path)
  }

  @Test(arguments: ["\n", "\r\n"]) func reads(end: String) throws {
    let lines = [
      "\u{feff}entity_id,label_time_us,next_day,churn", "c1,\(time),0.5,1", "",
      "\"c,\"\"2\"\"\",\(time + 1),,0",
      "c1,\(time + 2),-1e3,",
    ]
    try withFile(lines.joined(separator: end)) { path in
      let table = try LabelReader.read(path: path, wanted: try numbers("next_day", "churn", "a"))
      #expect(table.names == ["next_day", "churn"] && table.count == 3 && table.entityCount == 2)
    }
  }

  @Test(
    arguments: [
      ("", 1, "empty"), ("entity_id,time,a\n", 1, "header"), ("entity_id,label_time_us\n", 1, "header"),
      ("entity_id,label_time_us,a,a\n", 1, "header"), ("entity_id,label_time_us,a\nc1,5\n", 2, "2 fields"),
      ("entity_id,label_time_us,a\nc1,\(time),1\nc1,x,1\n", 3, "label_time_us"),
      ("entity_id,label_time_us,a\nc1,0,1\n", 2, "label_time_us is 0"),
      ("entity_id,label_time_us,a\nc1,1767225600,1\n", 2, "label_time_us looks like seconds"),
      ("entity_id,label_time_us,a\nc1,1767225600000,1\n", 2, "label_time_us looks like milliseconds"),
      ("entity_id,label_time_us,a\nc1,1767225600000000000,1\n", 2, "label_time_us looks like nanoseconds"),
      ("entity_id,label_time_us,a\nc1,1767225600.5,1\n", 2, "label_time_us is not a whole number"),
      ("entity_id,label_time_us,a\nc1,\(time),inf\n", 2, "a is neither"),
      ("entity_id,label_time_us,a\nc1,\(time),nan\n", 2, "a is neither"),
      ("entity_id,label_time_us,a\n,\(time),1\n", 2, "entity_id is empty"),
      ("entity_id,label_time_us,a\n\"c1,\(time),1\n", 2, "a quote is not closed"),
      (
        "entity_id,label_time_us,a\nc1,\(time),1\n" + String(repeating: "x", count: 1_100_000), 3,
        "longer than"
      ),
    ])
  func namesTheLine(text: String, line: Int, expected: String) throws {
    try withFile(text) { path in
      let error = #expect(throws: LabelError.self) {
        _ = try LabelReader.read(path: path, wanted: try numbers("next_day", "churn", "a"))
      }
      #expect(error?.line == line && error?.text.contains(expected) == true)
      #expect(error?.description.contains("\(path):\(line): ") == true && error?.text.contains("c1") == false)
    }
  }

  /// A column of words is no error as long as no model learns it; then it is named.
  @Test func passesOverWhatNoModelLearns() throws {
    let text = "entity_id,label_time_us,next_action,a\nc1,\(time),send_message,0.5\nc2,\(time),,1\n"
    try withFile(text) { path in
      let table = try LabelReader.read(path: path, wanted: try numbers("a"))
      #expect(table.names == ["next_action", "a"] && table.count == 2)
      let learnt = #expect(throws: LabelError.self) {
        _ = try LabelReader.read(path: path, wanted: try numbers("a", "next_action"))
      }
      #expect(learnt?.line == 2 && learnt?.text.contains("next_action is neither") == true)
    }
  }

  @Test func refusesTextThatIsNotUTF8() throws {
    let path = NSTemporaryDirectory() + "tally-labels-\(UUID().uuidString).csv"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try (Data("entity_id,label_time_us,a\n".utf8) + Data([0xff, 0x2c, 0x35, 0x2c, 0x31])).write(
      to: URL(fileURLWithPath: path))
    let error = #expect(throws: LabelError.self) {
      _ = try LabelReader.read(path: path, wanted: try numbers("next_day", "churn", "a"))
    }
    #expect(error?.line == 2)
  }

  @Test func namesAMissingFile() {
    let error = #expect(throws: LabelError.self) {
      _ = try LabelReader.read(path: "/nowhere/labels.csv", wanted: try numbers("a"))
    }
    #expect(error?.description == "/nowhere/labels.csv: the file cannot be opened: No such file or directory")
  }

  /// Labels of classes are words, also with what RFC 4180 quotes; others are named, with the line and what is allowed.
  @Test func readsClassesByTheirWords() throws {
    let classes = ["plain", "with, comma", "two\nlines"]
    let learnt = try LearntLabels([model("kind", .classes(classes)), model("a", .regression)])
    let head = "entity_id,label_time_us,kind,a\n"
    let text =
      head + "c1,\(time),plain,1\nc2,\(time),\"with, comma\",\nc3,\(time),\"two\nlines\",2\nc4,\(time),,3\n"
    try withFile(text) { path in
      let table = try LabelReader.read(path: path, wanted: learnt)
      #expect(table.count == 4 && table.entityCount == 4)
    }
    try withFile(text + "c5,\(time),Plain,1\n") { path in
      let error = #expect(throws: LabelError.self) { _ = try LabelReader.read(path: path, wanted: learnt) }
      #expect(error?.line == 7 && error?.text.contains("kind is none of the declared classes") == true)
      #expect(error?.text.contains("with, comma") == true && error?.text.contains("Plain") == false)
    }
  }

  @Test func aLabelIsOfOneKind() throws {
    let classes = model("kind", .classes(["a", "b"]), name: "first")
    #expect(throws: Never.self) {
      try LearntLabels([classes, model("kind", .classes(["a", "b"]))], own: ["kind"])
    }
    for other in [model("kind", .classes(["b", "a"])), model("kind", .regression)] {
      let error = #expect(throws: TrainingError.self) { try LearntLabels([classes, other]) }
      #expect(
        error?.code == .invalidLabel && error?.text.contains("models first and m both learn kind") == true)
    }
  }
}
