import TestThreads
import Testing
import XGBoost

@testable import Scorer

/// Our evaluation against libxgboost, bit for bit.
@Suite(.onThreads) struct ForestTests {
  /// Random models that libxgboost trains here, of every objective, by every kernel that this machine has, in any number
  /// of rows.
  @Test(arguments: RandomModel.objectives, Array(1...6) as [UInt64])
  func equalsTheLibrary(_ objective: Objective, _ seed: UInt64) throws {
    let model = try RandomModel(seed: seed, objective: objective)
    let about = model.description
    let ensemble = try TreeEnsemble(bytes: model.bytes, name: model.name)
    #expect(ensemble.objective == objective && ensemble.isDart == model.isDart)
    let rows = 3_000
    let values = ForestCheck.inputs(ensemble, rows: rows, seed: seed, hasInfinities: !model.isDart)
    let expected = try model.expected(values, outputs: ensemble.outputs)
    for kernel in Kernel.available {
      let forest = try Forest([ensemble], columns: model.columns, kernel: kernel)
      #expect(
        differences(forest.values(values, model: 0, isMargin: false), expected) == 0, "\(kernel), \(about)")
      // Any number of rows: whole blocks of lanes or not.
      for count in [1, 2, 15, 23, 24, 43, 44, 47, 48, 63, 64, 65, 200] {
        let some = Array(values[..<(count * model.columns)])
        let found = forest.values(some, model: 0, isMargin: false)
        #expect(
          differences(found, Array(expected[..<(count * ensemble.outputs)])) == 0,
          "\(kernel), \(count) rows, \(about)")
      }
      try ForestCheck.check(forest, 0, ensemble, name: about)
    }
  }

  /// Every depth that trees are packed at, and those beyond; alone among their kind, so that no block is padded by others.
  @Test(arguments: Array(1...12)) func equalsTheLibraryAtEveryDepth(_ depth: Int) throws {
    let model = try RandomModel(
      seed: UInt64(depth), objective: .binaryLogistic, depth: depth, rounds: depth == 6 ? 600 : 130,
      isDart: false,
      hasCategories: false, isLossGuided: false, isPruned: false, method: "hist", columns: 20, rows: 3_000)
    let ensemble = try TreeEnsemble(bytes: model.bytes, name: model.name)
    let deepest = ensemble.trees.map(\.depth).max() ?? 0
    #expect(deepest == depth)
    let values = ForestCheck.inputs(ensemble, rows: 20_000, seed: 5, hasInfinities: true)
    let expected = try model.expected(values, outputs: 1)
    for kernel in Kernel.available {
      let forest = try Forest([ensemble], columns: model.columns, kernel: kernel)
      #expect(forest.isPacked == [depth <= 10])
      #expect(differences(forest.values(values, model: 0, isMargin: false), expected) == 0, "\(kernel)")
      let single = (0..<200).flatMap {
        forest.values(Array(values[($0 * 20)..<($0 * 20 + 20)]), model: 0, isMargin: false)
      }
      #expect(differences(single, Array(expected[..<200])) == 0, "\(kernel), one by one")
    }
  }

  /// More than 255 thresholds of a feature take several slots; more than 256 slots take the trees as they are.
  @Test(arguments: [(4, true), (60, true), (300, false)] as [(Int, Bool)])
  func manyThresholdsAndColumns(_ columns: Int, _ isPacked: Bool) throws {
    let model = try RandomModel(
      seed: 3, objective: .squaredError, depth: 6, rounds: 120, isDart: false, hasCategories: false,
      isPruned: false, method: "exact", columns: columns, rows: 1_500)
    let ensemble = try TreeEnsemble(bytes: model.bytes, name: model.name)
    let thresholds = Set(
      ensemble.trees.flatMap { tree in
        tree.left.indices.filter { tree.left[$0] >= 0 && tree.feature[$0] == 0 }.map { tree.value[$0] }
      })
    #expect(columns > 4 || thresholds.count > 255, "\(thresholds.count) thresholds")
    let values = ForestCheck.inputs(ensemble, rows: 2_000, seed: 5, hasInfinities: true)
    let expected = try model.expected(values, outputs: 1)
    for kernel in Kernel.available {
      let forest = try Forest([ensemble], columns: columns, kernel: kernel)
      #expect(forest.isPacked == [isPacked])
      #expect(differences(forest.values(values, model: 0, isMargin: false), expected) == 0, "\(kernel)")
    }
  }

  /// Several models over one quantised row, among them one that is not packed, and with several outputs.
  @Test func severalModelsAtOnce() throws {
    var ensembles: [TreeEnsemble] = []
    var expected: [[Float]] = []
    var values: [Float] = []
    let objectives: [Objective] = [.squaredError, .softprob, .binaryLogistic, .softmax, .poisson]
    for (index, objective) in objectives.enumerated() {
      let model = try RandomModel(
        seed: UInt64(index + 40), objective: objective, depth: index == 2 ? 12 : index + 2, rounds: 20,
        isDart: false, hasCategories: false, isLossGuided: false, isPruned: false,
        method: index == 2 ? "exact" : "hist",
        columns: 9, rows: 1_000)
      let ensemble = try TreeEnsemble(bytes: model.bytes, name: model.name)
      if values.isEmpty { values = ForestCheck.inputs(ensemble, rows: 500, seed: 1, hasInfinities: true) }
      expected.append(try model.expected(values, outputs: ensemble.outputs))
      ensembles.append(ensemble)
    }
    for kernel in Kernel.available {
      let forest = try Forest(ensembles, columns: 9, kernel: kernel)
      #expect(forest.isPacked == [true, true, false, true, true])
      for index in objectives.indices {
        #expect(differences(forest.values(values, model: index, isMargin: false), expected[index]) == 0)
        try ForestCheck.check(forest, index, ensembles[index], name: "\(objectives[index])")
      }
    }
  }

  /// The check bites: a forest that is a little wrong does not pass it.
  @Test func theCheckFindsSmallDifferences() throws {
    let booster = try ModelFixture.model(rounds: 20, depth: 5)
    let right = try TreeEnsemble(bytes: try booster.serialized(.json), name: "m.json")
    try ForestCheck.check(Forest([right], columns: 5), 0, right, name: "right")
    var changes: [(inout TreeEnsemble) -> Void] = []
    changes.append { $0.baseScores[0] = $0.baseScores[0].nextUp }
    changes.append { ensemble in
      let leaf = ensemble.trees[3].left.firstIndex(of: -1) ?? 0
      ensemble.trees[3].value[leaf] += 0.01
    }
    changes.append { $0.trees[0].value[0] = $0.trees[0].value[0].nextUp }
    changes.append { $0.trees[0].defaultLeft[0].toggle() }
    changes.append { $0.trees.swapAt(0, 19) }
    changes.append { $0.objective = .binaryLogistic }
    for (number, change) in changes.enumerated() {
      var wrong = right
      change(&wrong)
      let forest = try Forest([wrong], columns: 5)
      let error = #expect(throws: XGBoostError.self, "change \(number)") {
        try ForestCheck.check(forest, 0, right, name: "models/m.json")
      }
      #expect(error?.description.contains("check models/m.json") == true)
    }
  }

  /// A model without trees, and trees without splits.
  @Test func nothingToDecide() throws {
    let booster = try ModelFixture.model(rounds: 3, depth: 2)
    var ensemble = try TreeEnsemble(bytes: try booster.serialized(.json), name: "m.json")
    for index in ensemble.trees.indices { ensemble.trees[index].left[0] = -1 }
    for kernel in Kernel.available {
      try ForestCheck.check(Forest([ensemble], columns: 5, kernel: kernel), 0, ensemble, name: "stumps")
    }
    ensemble.trees = []
    for kernel in Kernel.available {
      try ForestCheck.check(Forest([ensemble], columns: 5, kernel: kernel), 0, ensemble, name: "empty")
    }
  }
}

/// How many floats differ in any bit; a difference in length counts as all.
func differences(_ found: [Float], _ expected: [Float]) -> Int {
  guard found.count == expected.count else { return max(found.count, expected.count) }
  return found.indices.count { found[$0].bitPattern != expected[$0].bitPattern }
}
