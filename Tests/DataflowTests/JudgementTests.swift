import Dataflow
import Features
import Testing

/// Gives each row its first feature as one output, and its second as another.
private final class Copying: RowScorer {
  let outputNames = ["first", "second"]
  let modelVersions = ["1", "1"]
  private(set) var rowsScored: [Float] = []

  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws {
    outputs.resize(rows: rows.rows)
    for row in 0..<rows.rows {
      rowsScored.append(rows.row(row)[0])
      for column in 0..<2 { outputs.row(row)[column] = rows.row(row)[column] }
    }
  }
}

/// Says of which rows the first output is there.
private final class Present: Decider {
  let decisionNames = ["present"]
  let decisionLabels: [[String]] = [[]]

  func decide(
    _ outputs: FloatMatrix, carried: RowMatrix<Double>, thresholds: [Float], into decisions: inout [Int32]
  ) {
    for row in 0..<outputs.rows { decisions.append(outputs.row(row)[0].isNaN ? 0 : 1) }
  }
}

@Suite("judging rows") struct JudgementTests {
  private func results(scoreWhen: String?) throws -> ResultProgram {
    let at = SourcePosition(line: 1, column: 1)
    let attribute = AttributeDeclaration(
      name: "a", type: .number(decimals: 6, minimum: -10, maximum: 10), position: at)
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: [attribute], events: [],
        features: [
          FeatureDeclaration(name: "one", expression: "profile.a", isColumn: true, labels: [], position: at)
        ], idleTTL: nil, keepsState: false,
        judgement: JudgementDeclaration(
          outputs: ["first", "second"],
          scoreWhen: scoreWhen.map { ExpressionDeclaration(text: $0, position: at) }))
    ).results
  }

  private func features(_ count: Int) -> FloatMatrix {
    let matrix = FloatMatrix(columns: 2, capacityRows: 1)
    for row in 0..<count {
      let cells = matrix.appendRow()
      cells[0] = Float(row)
      cells[1] = Float(100 + row)
    }
    return matrix
  }

  @Test("models score the rows that want it, and nothing of another row comes to one that does not")
  func chosen() throws {
    let scorer = Copying()
    let judgement = Judgement(
      columns: 2, results: try results(scoreWhen: "is_missing(profile.a)"), scorer: scorer, decider: Present()
    )
    let carried = RowMatrix<Double>(columns: 1, capacityRows: 1)
    let outputs = FloatMatrix(columns: 3, capacityRows: 1)
    var decisions: [Int32] = []
    for pattern in [[0, 1, 0, 1, 1], [0, 0], [1, 1, 1], []] as [[Double]] {
      carried.removeAll()
      decisions = []
      for wanted in pattern { carried.appendRow()[0] = wanted }
      let without = try judgement.judge(features(pattern.count), carried: carried, into: outputs, &decisions)
      #expect(without == pattern.filter { $0 == 0 }.count && outputs.rows == pattern.count)
      #expect(decisions == pattern.map { Int32($0) })
      for (row, wanted) in pattern.enumerated() {
        let expected: [Float] = wanted == 1 ? [Float(row), Float(100 + row)] : [.nan, .nan]
        for column in 0..<2 {
          let found = outputs.row(row)[column]
          #expect(found == expected[column] || (found.isNaN && expected[column].isNaN))
        }
        #expect(outputs.row(row)[2].isNaN)
      }
    }
    #expect(scorer.rowsScored == [1, 3, 4, 0, 1, 2])
  }

  @Test("where all rows are scored, numbers that are made of outputs begin as missing")
  func all() throws {
    for columns in [2, 4] {
      let judgement = Judgement(
        columns: 2, results: try results(scoreWhen: nil), scorer: Copying(), decider: Present())
      let outputs = FloatMatrix(columns: columns, capacityRows: 1)
      var decisions: [Int32] = []
      let without = try judgement.judge(
        features(3), carried: RowMatrix(columns: 0, capacityRows: 1), into: outputs, &decisions)
      #expect(without == 0 && decisions == [1, 1, 1])
      for row in 0..<3 {
        #expect(outputs.row(row)[0] == Float(row) && outputs.row(row)[1] == Float(100 + row))
        for column in 2..<columns { #expect(outputs.row(row)[column].isNaN) }
      }
    }
  }
}
