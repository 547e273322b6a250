import Foundation
import Testing
import XGBoost

@testable import Scorer

/// Our evaluator against libxgboost, bit for bit.
@Suite struct ForestTests {
  /// Forests over random models that libxgboost trains here.
  @Test(arguments: ["reg:squarederror", "binary:logistic"])
  func equalsTheLibrary(_ objective: String) throws {
    for seed in UInt64(1)...6 {
      var random = SeededGenerator(seed: seed)
      let rounds = Int.random(in: 1...60, using: &random)
      let depth = Int.random(in: 1...10, using: &random)
      let booster = try ModelFixture.model(rounds: rounds, depth: depth, objective: objective, seed: seed)
      for form in [ModelFormat.json, .ubj] {
        let bytes = try booster.serialized(form)
        let ensemble = try TreeEnsemble(bytes: bytes, name: "m.\(form.rawValue)")
        #expect(ensemble.trees.count == rounds && ensemble.objective == objective)
        let forest = try #require(Forest(ensemble, columns: ModelFixture.names.count))
        #expect(try forest.agrees(with: booster, ensemble), "seed \(seed)")
        // Any number of rows, whole blocks of lanes or not.
        for count in [1, 2, 15, 16, 17, 63, 64, 65, 200] {
          let values = Self.rows(count, ensemble, &random)
          let expected = try booster.predictions(values)
          var found = [Float](repeating: 0, count: count)
          values.withUnsafeBufferPointer { values in
            found.withUnsafeMutableBufferPointer { found in
              guard let from = values.baseAddress, let to = found.baseAddress else { return }
              forest.score(from, rows: count, into: to)
            }
          }
          #expect(
            found.map(\.bitPattern) == expected.map(\.bitPattern),
            "seed \(seed), \(rounds) trees of depth \(depth), \(count) rows")
        }
      }
    }
  }

  /// Thresholds and their neighbours, missing cells, zeros.
  private static func rows(
    _ count: Int, _ ensemble: TreeEnsemble, _ random: inout SeededGenerator
  ) -> [Float] {
    let thresholds = ensemble.trees.flatMap { tree in tree.left.indices.map { tree.value[$0] } }
    return (0..<(count * ModelFixture.names.count)).map { _ in
      let value = thresholds.randomElement(using: &random) ?? 0
      switch Int.random(in: 0..<6, using: &random) {
      case 0: return .nan
      case 1: return value.nextUp
      case 2: return value.nextDown
      case 3: return Float.random(in: -2...2, using: &random)
      case 4: return Bool.random(using: &random) ? 0 : -0.0
      default: return value
      }
    }
  }

  /// The check bites: a forest that is a little wrong does not pass it.
  @Test func theCheckFindsSmallDifferences() throws {
    let booster = try ModelFixture.model(rounds: 20, depth: 5)
    let right = try TreeEnsemble(bytes: try booster.serialized(.json), name: "m.json")
    var changes: [(inout TreeEnsemble) -> Void] = []
    changes.append { $0.baseScore = $0.baseScore.nextUp }
    changes.append { ensemble in
      let leaf = ensemble.trees[3].left.firstIndex(of: -1) ?? 0
      ensemble.trees[3].value[leaf] += 0.01
    }
    changes.append { $0.trees[0].value[0] = $0.trees[0].value[0].nextUp }
    changes.append { $0.trees[0].defaultLeft[0].toggle() }
    changes.append { $0.trees.swapAt(0, 19) }
    for (number, change) in changes.enumerated() {
      var wrong = right
      change(&wrong)
      let forest = try #require(Forest(wrong, columns: ModelFixture.names.count))
      #expect(try forest.agrees(with: booster, right) == false, "change \(number)")
    }
  }

  /// Objectives whose transformation we do not have are the library's.
  @Test func otherObjectivesStayWithTheLibrary() throws {
    let booster = try ModelFixture.model(objective: "reg:pseudohubererror")
    let ensemble = try TreeEnsemble(bytes: try booster.serialized(.json), name: "m.json")
    #expect(Forest(ensemble, columns: ModelFixture.names.count) == nil)
  }
}
