import Dataflow
import Features
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
    decider.decide(
      matrix([[value, 0]]), carried: RowMatrix(columns: 0, capacityRows: 1), thresholds: [], into: &codes)
    #expect(codes == [code])
    #expect(decider.decisionNames == ["level"] && decider.decisionLabels == [["high", "medium", "low"]])
  }

  @Test(
    arguments: [(0.7, 0), (Float(0.7).nextUp, 1), (0, 0), (.nan, 0), (.infinity, 1)] as [(Float, Int32)])
  func triggersOnlyAbove(value: Float, code: Int32) throws {
    let decider = try RuleDecider([trigger], outputNames: outputs)
    var codes: [Int32] = []
    decider.decide(
      matrix([[0, value]]), carried: RowMatrix(columns: 0, capacityRows: 1), thresholds: [], into: &codes)
    #expect(codes == [code] && decider.decisionLabels == [[]])
  }

  @Test(
    arguments: [(0.5, 0.5), (1.5, 1), (-0.1, 0), (.infinity, 1), (-.infinity, 0), (.nan, .nan)]
      as [(Float, Float)])
  func clamps(value: Float, expected: Float) throws {
    let decider = try RuleDecider([.clamp(output: "churn", minimum: 0, maximum: 1)], outputNames: outputs)
    let rows = matrix([[value, value]])
    var codes: [Int32] = []
    decider.decide(rows, carried: RowMatrix(columns: 0, capacityRows: 1), thresholds: [], into: &codes)
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
    decider.decide(rows, carried: RowMatrix(columns: 0, capacityRows: 1), thresholds: [], into: &codes)
    #expect(codes == [9, 1, 0, 0, 0, 1, 0, 1, 2, 0])
    #expect((0..<3).map { rows.row($0)[1] } == [0.5, 0.1, 0.5])
    #expect(decider.decisionNames == ["intervene", "level", "after"])
  }

  /// A program with the numbers `width` and `age` and the condition `wide` of the outputs.
  private func program() throws -> FeatureProgram {
    let at = SourcePosition(line: 1, column: 1)
    func result(_ name: String, _ text: String, isCondition: Bool = false, sources: Int = 0)
      -> ResultDeclaration
    {
      ResultDeclaration(
        name: name, expression: ExpressionDeclaration(text: text, position: at), isCondition: isCondition,
        sources: sources)
    }
    let age = AttributeDeclaration(
      name: "age", type: .number(decimals: 6, minimum: 0, maximum: 120), position: at)
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: [age], events: [],
        features: [
          FeatureDeclaration(name: "one", expression: "1", isColumn: true, labels: [], position: at)
        ], idleTTL: nil, keepsState: false,
        judgement: JudgementDeclaration(
          outputs: outputs,
          results: [
            result("width", "churn - engagement"), result("wide", "width > 1", isCondition: true),
            result("age", "first_known(profile.age, churn, 35)", sources: 3),
          ])))
  }

  @Test func makesNumbersInTheirOrder() throws {
    let results = try program().results
    let decider = try RuleDecider(
      [
        .number(name: "width", result: 0, source: nil), .clamp(output: "churn", minimum: 0, maximum: 1),
        .condition(name: "wide", result: 1),
        .number(
          name: "age", result: 2, source: SourceDecision(name: "from", labels: ["known", "model", "default"])),
        .category(
          name: "old", output: "age", thresholds: [CategoryThreshold(label: "yes", atLeast: 40)],
          otherwise: "no"),
      ], outputNames: outputs + ["width", "age"], results: results)
    #expect(decider.decisionNames == ["wide", "from", "old"])
    let rows = matrix([[0.5, 3, .nan, .nan], [.nan, .nan, .nan, .nan], [0.5, 1, .nan, .nan]])
    let carried = RowMatrix<Double>(columns: 1, capacityRows: 1)
    for age in [41.0, .nan, .nan] { carried.appendRow()[0] = age }
    var codes: [Int32] = []
    decider.decide(rows, carried: carried, thresholds: [], into: &codes)
    #expect(codes == [1, 0, 0, 0, 2, 1, 0, 1, 1])
    // The width was taken before the clamp, the age after it.
    #expect(rows.row(0)[2] == 2.5 && rows.row(0)[1] == 1 && rows.row(0)[3] == 41)
    #expect(rows.row(1)[2].isNaN && rows.row(1)[3] == 35 && rows.row(2)[3] == 1)
  }

  @Test func refusesWhatCannotBeDecided() {
    let unknown = DecisionDeclaration.trigger(name: "t", output: "nothing", above: 0)
    let ascending = DecisionDeclaration.category(
      name: "c", output: "churn",
      thresholds: [CategoryThreshold(label: "a", atLeast: 0.1), CategoryThreshold(label: "b", atLeast: 0.2)],
      otherwise: "d")
    for bad in [
      unknown, ascending, .clamp(output: "churn", minimum: 1, maximum: 0), .condition(name: "c", result: 0),
    ] {
      let error = #expect(throws: PortError.self) { _ = try RuleDecider([bad], outputNames: outputs) }
      #expect(error?.code == .misuse)
    }
  }
}
