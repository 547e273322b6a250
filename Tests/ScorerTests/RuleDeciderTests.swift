import Dataflow
import Scorer
import Testing

@Suite struct RuleDeciderTests {
  private func matrix(_ rows: [[Float]]) -> FloatMatrix {
    let matrix = FloatMatrix(columns: rows[0].count, capacityRows: 1)
    for row in rows {
      let cells = matrix.appendRow()
      for (index, value) in row.enumerated() { cells[index] = value }
    }
    return matrix
  }

  private let category = DecisionDeclaration.category(
    name: "level", output: "engagement",
    thresholds: [
      CategoryThreshold(label: "high", atLeast: 0.7), CategoryThreshold(label: "medium", atLeast: 0.4),
    ],
    otherwise: "low")
  private let trigger = DecisionDeclaration.trigger(name: "intervene", output: "churn", above: 0.7)
  private let outputs = ["engagement", "churn"]

  @Test(
    arguments: [
      (0.7, 0), (Float(0.7).nextDown, 1), (1, 0), (.infinity, 0), (0.4, 1), (Float(0.4).nextDown, 2), (0, 2),
      (-1, 2), (-.infinity, 2), (.nan, 2),
    ] as [(Float, Int32)])
  func namesTheFirstThresholdThatIsReached(value: Float, code: Int32) throws {
    let decider = try RuleDecider([category], outputNames: outputs)
    var codes: [Int32] = []
    decider.decide(matrix([[value, 0]]), carried: RowMatrix(columns: 0, capacityRows: 1), into: &codes)
    #expect(codes == [code])
    #expect(decider.decisionNames == ["level"] && decider.decisionLabels == [["high", "medium", "low"]])
  }

  @Test(
    arguments: [(0.7, 0), (Float(0.7).nextUp, 1), (0, 0), (.nan, 0), (.infinity, 1)] as [(Float, Int32)])
  func triggersOnlyAbove(value: Float, code: Int32) throws {
    let decider = try RuleDecider([trigger], outputNames: outputs)
    var codes: [Int32] = []
    decider.decide(matrix([[0, value]]), carried: RowMatrix(columns: 0, capacityRows: 1), into: &codes)
    #expect(codes == [code] && decider.decisionLabels == [[]])
  }

  @Test(
    arguments: [(0.5, 0.5), (1.5, 1), (-0.1, 0), (.infinity, 1), (-.infinity, 0), (.nan, .nan)]
      as [(Float, Float)])
  func clamps(value: Float, expected: Float) throws {
    let decider = try RuleDecider([.clamp(output: "churn", minimum: 0, maximum: 1)], outputNames: outputs)
    let rows = matrix([[value, value]])
    var codes: [Int32] = []
    decider.decide(rows, carried: RowMatrix(columns: 0, capacityRows: 1), into: &codes)
    #expect(codes.isEmpty && decider.decisionNames.isEmpty)
    #expect(rows.row(0)[1] == expected || (rows.row(0)[1].isNaN && expected.isNaN))
    #expect(rows.row(0)[0] == value || value.isNaN)
  }

  @Test func decidesRowByRowInOrder() throws {
    let decider = try RuleDecider(
      [
        trigger, .clamp(output: "churn", minimum: 0, maximum: 0.5), category,
        .trigger(name: "after", output: "churn", above: 0.6),
      ],
      outputNames: outputs)
    var codes: [Int32] = [9]
    let rows = matrix([[0.9, 0.8], [0.5, 0.1], [0.1, 0.71]])
    decider.decide(rows, carried: RowMatrix(columns: 0, capacityRows: 1), into: &codes)
    #expect(codes == [9, 1, 0, 0, 0, 1, 0, 1, 2, 0])
    #expect((0..<3).map { rows.row($0)[1] } == [0.5, 0.1, 0.5])
    #expect(decider.decisionNames == ["intervene", "level", "after"])
  }

  @Test func refusesWhatCannotBeDecided() {
    let unknown = DecisionDeclaration.trigger(name: "t", output: "nothing", above: 0)
    let ascending = DecisionDeclaration.category(
      name: "c", output: "churn",
      thresholds: [CategoryThreshold(label: "a", atLeast: 0.1), CategoryThreshold(label: "b", atLeast: 0.2)],
      otherwise: "d")
    for bad in [unknown, ascending, .clamp(output: "churn", minimum: 1, maximum: 0)] {
      let error = #expect(throws: PortError.self) { _ = try RuleDecider([bad], outputNames: outputs) }
      #expect(error?.code == .misuse)
    }
  }
}
