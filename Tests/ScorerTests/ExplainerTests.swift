import TestThreads
import Testing
import XGBoost

@testable import Scorer

/// Our explanations against libxgboost's.
@Suite(.onThreads) struct ExplainerTests {
  private static let rows = 100

  /// Random models of several objectives: contributions of both methods, their sum, the same bits by every kernel, and the
  /// largest ones.
  @Test(
    arguments: [Objective.squaredError, .binaryLogistic, .softprob, .poisson], Array(1...6) as [UInt64])
  func equalsTheLibrary(_ objective: Objective, _ seed: UInt64) throws {
    let model = try RandomModel(seed: seed &+ 100, objective: objective)
    let ensemble = try TreeEnsemble(bytes: model.bytes, name: model.name)
    let values = ForestCheck.inputs(ensemble, rows: Self.rows, seed: seed, hasInfinities: false)
    let matrix = try Matrix(
      values: values, rows: Self.rows, columns: model.columns, labels: [Float](repeating: 0, count: Self.rows)
    )
    let forest = try Forest([ensemble], columns: model.columns)
    let margins = forest.values(values, model: 0, isMargin: true)
    for method in Explainer.Method.allCases {
      let expected = try model.booster.contributions(matrix, isApproximate: method == .approximate)
      let explainer = try Explainer(ensemble)
      let found = Self.contributions(explainer, values, method)
      #expect(Self.distance(found, expected, explainer) < 1e-5, "\(method), \(model.description)")
      for kernel in Kernel.available {
        let other = Self.contributions(try Explainer(ensemble, kernel: kernel), values, method)
        #expect(differences(other, found) == 0, "\(kernel), \(model.description)")
      }
      let width = model.columns + 1
      for index in margins.indices {
        let own = found[(index * width)..<((index + 1) * width)].map { Double($0) }
        let scale = own.reduce(abs(Double(margins[index]))) { max($0, abs($1)) }
        #expect(
          abs(own.reduce(0, +) - Double(margins[index])) <= 1e-4 * max(scale, 1), "\(model.description)")
      }
      checkTop(explainer, values, found, method)
    }
  }

  private func checkTop(
    _ explainer: Explainer, _ values: [Float], _ all: [Float], _ method: Explainer.Method
  ) {
    var visits = 0
    for k in [0, 1, 3, explainer.columns + 5] {
      explainer.top(k, values, rows: Self.rows, method: method, scratch: explainer.makeScratch()) {
        row, group, top in
        visits += 1
        let start = (row * explainer.groups + group) * (explainer.columns + 1)
        let own = Array(all[start..<(start + explainer.columns)])
        let order = own.indices.sorted {
          abs(own[$0]) == abs(own[$1]) ? $0 < $1 : abs(own[$0]) > abs(own[$1])
        }
        #expect(top.map(\.column) == Array(order.prefix(k)))
        #expect(top.map(\.value) == order.prefix(k).map { own[$0] })
      }
    }
    #expect(visits == 4 * Self.rows * explainer.groups)
  }

  private static func contributions(
    _ explainer: Explainer, _ values: [Float], _ method: Explainer.Method
  ) -> [Float] {
    var found = [Float](repeating: 0, count: rows * explainer.groups * (explainer.columns + 1))
    explainer.contributions(
      values, rows: rows, method: method, scratch: explainer.makeScratch(), into: &found)
    return found
  }

  /// The largest difference, relative to the row's largest contribution where that is more than 1.
  private static func distance(_ found: [Float], _ expected: [Float], _ explainer: Explainer) -> Float {
    guard found.count == expected.count else { return .infinity }
    let width = explainer.columns + 1
    var worst: Float = 0
    for start in stride(from: 0, to: found.count, by: width) {
      let scale = expected[start..<(start + width)].reduce(1) { max($0, abs($1)) }
      for index in start..<(start + width) { worst = max(worst, abs(found[index] - expected[index]) / scale) }
    }
    return worst
  }

  /// Covers that are no weights: an error, not a wrong explanation.
  @Test func refusesCoversThatDoNotAddUp() throws {
    let booster = try ModelFixture.model(rounds: 2, depth: 2)
    var ensemble = try TreeEnsemble(bytes: try booster.serialized(.json), name: "m.json")
    ensemble.trees[1].cover[0] *= 2
    let error = #expect(throws: XGBoostError.self) { _ = try Explainer(ensemble) }
    #expect(error?.cause.contains("do not add up") == true)
    ensemble.trees[1].cover[0] = -1
    #expect(throws: XGBoostError.self) { _ = try Explainer(ensemble) }
  }
}
