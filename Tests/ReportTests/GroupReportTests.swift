import Dataflow
import Events
import Features
import Testing

@testable import Report

@Suite struct GroupReportTests {
  /// Rates, parity and odds as loops over the rows have them.
  @Test func isThatOfTheRows() throws {
    let evaluation = try Fixture.probability()
    let found = try #require(ModelFacts(evaluation).groups.first)
    var counts = [[Double]](repeating: [0, 0, 0, 0], count: 4)
    for row in 0..<evaluation.outputs.count {
      var cells = [Float](repeating: 0, count: 5)
      cells.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { evaluation.heldBack.features.copyRow(row, to: base) }
      }
      // The favourable outcome lies below the threshold; a label 0 is it.
      let isSelected = evaluation.outputs[row] < 0.4
      let isTrue = evaluation.heldBack.labels[row] == 0
      counts[Int(cells[1])][(isTrue ? 0 : 2) + (isSelected ? 0 : 1)] += 1
    }
    let selected = counts.map { ($0[0] + $0[2]) / $0.reduce(0, +) }
    let truePositive = counts.map { $0[0] / ($0[0] + $0[1]) }
    let falsePositive = counts.map { $0[2] / ($0[2] + $0[3]) }
    func gap(_ rates: [Double]) -> Double { (rates.max() ?? 0) - (rates.min() ?? 0) }
    #expect(((found.parity?.value ?? .nan) - gap(selected)).magnitude < 1e-12)
    #expect(
      ((found.odds?.value ?? .nan) - max(gap(truePositive), gap(falsePositive))).magnitude < 1e-12)
    for (group, rate) in zip(found.groups, selected) {
      #expect(((group.selected?.share ?? .nan) - rate).magnitude < 1e-12)
      let ratio = rate / (selected.max() ?? 0)
      #expect(group.isReference == (ratio == 1))
      if !group.isReference { #expect(((group.ratio?.value ?? .nan) - ratio).magnitude < 1e-12) }
    }
  }

  /// 100 and 1,000 people of whom 40 and 800 are chosen: below four fifths beyond chance. 9 of 15: it may be chance.
  @Test func alarmsBeyondChanceOnly() throws {
    func alarms(_ chosen: [(hits: Int, of: Int)]) throws -> [String] {
      let count = chosen.reduce(0) { $0 + $1.of }
      var cells: [Float] = []
      var outputs: [Float] = []
      for (group, rate) in chosen.enumerated() {
        for row in 0..<rate.of {
          cells += [0, Float(group), 0, 30, 0]
          outputs.append(row < rate.hits ? 1 : 0)
        }
      }
      var evaluation = Evaluation(
        model: Fixture.model(.anomaly), columns: Fixture.columns,
        training: Fixture.evaluated(10, seed: 1) { _, _ in 0 }.rows,
        heldBack: EvaluatedRows(
          features: ArrayRows(values: cells, columns: 5), labels: [],
          entities: (0..<count).map { Hash128(of: "e\($0)") },
          moments: [EventTime](repeating: 0, count: count)),
        outputs: outputs)
      evaluation.model.report.favourable = .atLeast(0.5)
      return try #require(ModelFacts(evaluation).groups.first).alarms.map(\.title)
    }
    #expect(try alarms([(40, 100), (800, 1_000)]) == ["north"])
    #expect(try alarms([(20, 32), (800, 1_000)]) == [])
    #expect(try alarms([(9, 15), (800, 1_000)]) == [], "suppressed")
    #expect(try alarms([(0, 100), (800, 1_000)]) == ["north"], "none is chosen of many")
    #expect(try alarms([(0, 100), (10, 1_000)]) == [], "few were to be expected")
  }

  @Test func groupsOfValues() {
    let here = SourcePosition(line: 1, column: 1)
    let age = GroupDeclaration(feature: FeatureMention(name: "age", position: here), bounds: [25, 40])
    let grouping = Grouping(age, Fixture.columns)
    #expect(grouping?.titles == ["below 25", "25 to below 40", "from 40", "missing"])
    #expect([24, 25, 39.9, 40, .infinity, .nan].map { grouping?.group(of: $0) } == [0, 1, 1, 2, 2, 3])
    let place = Grouping(
      GroupDeclaration(feature: FeatureMention(name: "location", position: here)), Fixture.columns)
    #expect(place?.titles == ["north", "south", "east", "other", "missing"])
    #expect([0, 3, 4, -1, 0.5, .nan].map { place?.group(of: $0) } == [0, 3, 4, 4, 4, 4])
    let none = GroupDeclaration(feature: FeatureMention(name: "gone", position: here))
    #expect(Grouping(none, Fixture.columns) == nil)
  }
}
