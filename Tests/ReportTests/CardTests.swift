import Dataflow
import Events
import Features
import Foundation
import TestThreads
import Testing
import XGBoost

@testable import Report

@Suite(.onThreads) struct CardTests {
  /// Cards for eyes: `TALLY_CARDS=DIR`.
  private func keep(_ report: ModelReport, _ name: String) throws {
    guard let folder = ProcessInfo.processInfo.environment["TALLY_CARDS"] else { return }
    for file in report.files {
      try file.text.write(toFile: "\(folder)/\(name).\(file.name)", atomically: true, encoding: .utf8)
    }
  }

  private func card(_ report: ModelReport, _ name: String) -> String {
    report.files.first { $0.name == name }?.text ?? ""
  }

  /// Tags are closed in order, and nothing comes from elsewhere.
  private func check(_ html: String) {
    var open: [Substring] = []
    for part in html.split(separator: "<").dropFirst() {
      guard let tag = part.split(separator: ">", omittingEmptySubsequences: false).first else { continue }
      if tag.hasPrefix("!") || tag.hasPrefix("meta") || tag.hasSuffix("/") { continue }
      let name = tag.split(separator: " ")[0]
      if name.hasPrefix("/") {
        #expect(open.popLast() == name.dropFirst(), "\(name)")
      } else {
        open.append(name)
      }
    }
    #expect(open.isEmpty, "\(open)")
    for word in ["<script", "http://", "https://", "src=", "href=", "@import", "url(", "nan", "inf\""] {
      #expect(!html.lowercased().contains(word), "\(word)")
    }
  }

  @Test func everyKindHasACard() throws {
    for (name, evaluation) in [
      ("probability", try Fixture.probability()), ("number", try Fixture.number()),
      ("quantiles", try Fixture.quantiles()), ("classes", try Fixture.classes()),
      ("anomaly", try Fixture.anomaly()),
    ] {
      let report = ModelReport(evaluation)
      try keep(report, name)
      check(card(report, "card.html"))
      #expect(report.files.map(\.name) == ["card.md", "card.html", "reference.json"])
      #expect(ModelReport(evaluation).files == report.files, "\(name)")
      let markdown = card(report, "card.md")
      for heading in [
        "## Intended use", "## Quality", "## Groups", "## Data", "## Training", "## What moves",
      ] {
        #expect(markdown.contains(heading), "\(name) \(heading)")
      }
      #expect(markdown.contains("To offer help") && markdown.contains("2023-11-14"))
      #expect(report.summary.count <= 8)
    }
  }

  @Test func figuresHaveTheirNames() throws {
    #expect(
      ModelReport(try Fixture.probability()).figures.map(\.name).prefix(4) == [
        "auc", "pr_auc", "log_loss", "brier",
      ])
    let quantiles = ModelReport(try Fixture.quantiles()).figures
    let coverage = try #require(quantiles.first { $0.name == "coverage_80" })
    #expect((coverage.value - 0.8).magnitude < 0.04)
    #expect(ModelReport(try Fixture.anomaly()).figures.isEmpty)
    let fairness = ModelReport(try Fixture.probability()).fairness
    #expect(fairness.keys.contains("location.parity_difference") && fairness.keys.contains("age.least_ratio"))
  }

  /// What is planted is found: the north has the outcome more often, and spend goes with age.
  @Test func namesWhatIsUnequal() throws {
    let report = ModelReport(try Fixture.probability())
    #expect(
      report.warnings.contains { $0.contains("may stand for age") && $0.contains("spend") },
      "\(report.warnings)")
    let facts = ModelFacts(try Fixture.probability())
    let location = try #require(facts.groups.first)
    #expect(location.groups.map(\.title) == ["north", "south", "east", "other"])
    #expect(location.parity?.low == "north")
    #expect(location.groups.filter(\.isReference).count == 1)
    #expect(location.groups.reduce(0) { $0 + $1.rows } == 800)
  }

  @Test func smallGroupsAreSuppressed() throws {
    var evaluation = try Fixture.probability()
    let (cells, _) = Fixture.rows(800, seed: 9)
    var few = cells
    for row in 0..<800 { few[row * 5 + 1] = row < 40 ? 2 : 0 }
    evaluation.heldBack.features = ArrayRows(values: few, columns: 5)
    let facts = ModelFacts(evaluation)
    let east = try #require(facts.groups.first?.groups.first { $0.title == "east" })
    #expect(east.isSuppressed && east.figures.isEmpty && east.selected == nil && east.entities == 20)
    #expect(card(ModelReport(evaluation), "card.md").contains("| east | suppressed | \\< 30 |"))
  }

  @Test func hostileTextsAreTexts() throws {
    var evaluation = try Fixture.probability()
    let evil = "<script>alert(1)</script> | *a* `b` [c](javascript:d) \u{202e} \u{7}\n# e"
    evaluation.pipeline = evil
    evaluation.model.report.intendedUse = evil
    evaluation.columns[1] = ColumnDescription(name: evil, kind: .category([evil, "</svg>", "\"'&"]))
    evaluation.model.report.groups[0].feature.name = evil
    evaluation.gains[1].name = evil
    let report = ModelReport(evaluation)
    try keep(report, "hostile")
    check(card(report, "card.html"))
    let markdown = card(report, "card.md")
    #expect(!markdown.contains("<script") || markdown.contains("\\<script"))
    #expect(!markdown.contains("[c](") && !markdown.contains("\n# e") && !markdown.contains("\u{202e}"))
    #expect(markdown.contains("\\|") && markdown.contains("\\*a\\*"))
    let json = card(report, "reference.json")
    #expect((try? JSONSerialization.jsonObject(with: Data(json.utf8))) != nil)
  }

  /// One row, equal labels, outputs that are no numbers, no rows, hundreds of words, infinite features: a card all the same.
  @Test func poorDataHasACard() throws {
    func report(_ name: String, _ change: (inout Evaluation) throws -> Void) throws -> ModelReport {
      var evaluation = try Fixture.probability()
      try change(&evaluation)
      let report = ModelReport(evaluation)
      try keep(report, name)
      check(card(report, "card.html"))
      #expect((try? JSONSerialization.jsonObject(with: Data(card(report, "reference.json").utf8))) != nil)
      return report
    }
    func few(_ rows: Int) throws -> Evaluation {
      var evaluation = try Fixture.evaluation(.binary(recall: nil), rows: rows, objective: "binary:logistic")
      { _, _ in
        1
      } output: {
        [Float($0)]
      }
      evaluation.rounds = Array(evaluation.rounds.prefix(rows))
      return evaluation
    }
    for rows in [0, 1, 2, 20] {
      let found = try report("rows-\(rows)") { $0 = try few(rows) }
      #expect(found.warnings.contains { $0.contains("Fewer than 10") } == (rows < 20))
    }
    let equal = try report("equal") { $0 = try few(600) }
    #expect(equal.figures.first { $0.name == "auc" }?.value.isNaN == true)
    let broken = try report("broken") { evaluation in
      for row in 0..<100 { evaluation.outputs[row] = row % 2 == 0 ? .nan : .infinity }
    }
    #expect(broken.warnings.contains { $0.contains("100 of 800 rows") }, "\(broken.warnings)")
    _ = try report("all-broken") { $0.outputs = $0.outputs.map { _ in .nan } }
    _ = try report("infinite") { evaluation in
      let (cells, _) = Fixture.rows(800, seed: 5)
      evaluation.training.features = ArrayRows(
        values: cells.enumerated().map { $0 % 5 == 0 ? ($0 % 2 == 0 ? .infinity : -.infinity) : $1 },
        columns: 5)
    }
    let words = try report("words") { evaluation in
      evaluation.columns[1] = ColumnDescription(
        name: "location", kind: .category((0..<500).map { "place \($0)" }))
      let (cells, _) = Fixture.rows(800, seed: 9)
      evaluation.heldBack.features = ArrayRows(
        values: cells.enumerated().map { $0 % 5 == 1 ? Float($0 / 5 % 500) : $1 }, columns: 5)
    }
    #expect(card(words, "card.md").contains("small groups"))
    let negative = try report("huge") { evaluation in
      evaluation.model.kind = .regression
      evaluation.model.objective = "reg:squarederror"
      evaluation.heldBack.labels = evaluation.heldBack.labels.indices.map { $0 % 2 == 0 ? 3e38 : -3e38 }
    }
    #expect(negative.figures.first { $0.name == "rmse" }?.value.isFinite == true)
  }
}
