import Dataflow
import Foundation
import Scorer
import TestNumbers
import TestThreads
import Testing
import Training
import XGBoost

@Suite(.onThreads) struct AnomalyTests {
  private static let columns = ["first", "second", "kind", "flag"]

  /// Points around two centres, one cell in ten missing; every fiftieth lies elsewhere.
  private static func set(rows: Int, seed: UInt64, prefix: String = "e") -> TrainingSet {
    TrainingBench.set(rows: rows, columns: columns, seed: seed, prefix: prefix) { generator, index in
      let centre: Float = index % 2 == 0 ? 0 : 10
      var cells = [
        centre + TrainingBench.normal(&generator), centre + TrainingBench.normal(&generator),
        Float(index % 2),
        index % 3 == 0 ? 1 : 0,
      ]
      if index % 50 == 0 { cells = [25 + TrainingBench.normal(&generator), -15, 3, 1] }
      if index % 10 == 3 { cells[index / 10 % 2] = .nan }
      return (cells, [0])
    }
  }

  private static func score(_ result: TrainingBench.Result, _ margin: Float) -> Double {
    guard case .anomaly(let scale) = result.postprocessing.link else { return .nan }
    return exp2(-scale * Double(margin))
  }

  @Test func whatLiesElsewhereIsUnusual() throws {
    let set = Self.set(rows: 5_000, seed: 1)
    let result = try TrainingBench.train(TrainingBench.model(.anomaly, label: nil), on: set)
    #expect(result.ensemble.trees.count == 100 && result.ensemble.groups == 1)
    let fresh = Self.set(rows: 4_000, seed: 2, prefix: "fresh")
    let scores = try result.margins(fresh).map { Self.score(result, $0) }
    let planted = scores.indices.filter { $0 % 50 == 0 }.map { scores[$0] }
    let usual = scores.indices.filter { $0 % 50 != 0 }.map { scores[$0] }
    let wins = planted.reduce(0.0) { sum, one in
      sum + Double(usual.reduce(0) { $0 + (one > $1 ? 1 : 0) }) / Double(usual.count)
    }
    print("AUC of planted anomalies \(wins / Double(planted.count))")
    #expect(wins / Double(planted.count) > 0.99)
    #expect(scores.allSatisfy { $0 > 0 && $0 < 1 })
    // Half is what rows of a cloud without any structure get (Liu, Ting and Zhou 2008).
    #expect(
      usual.reduce(0, +) / Double(usual.count) < 0.5 && planted.reduce(0, +) / Double(planted.count) > 0.6)
  }

  /// Every tree is grown of 256 rows, eight levels deep; a leaf is its level and what its rows would still take.
  @Test func treesAreThoseOfThePaper() throws {
    let result = try TrainingBench.train(
      TrainingBench.model(.anomaly, label: nil), on: Self.set(rows: 3_000, seed: 3))
    guard case .anomaly(let scale) = result.postprocessing.link else {
      Issue.record("no scale")
      return
    }
    #expect(abs(scale - 1 / (100 * 10.244_770_9)) < 1e-9)
    for tree in result.ensemble.trees {
      #expect(tree.cover[0] == 256)
      var levels = [0]
      for node in tree.left.indices {
        let left = Int(tree.left[node])
        if left < 0 {
          let rows = Double(tree.cover[node])
          let rest =
            rows == 1 ? 0 : rows == 2 ? 1 : 2 * (log(rows - 1) + 0.577_215_664_9) - 2 * (rows - 1) / rows
          #expect(abs(Double(tree.value[node]) - Double(levels[node]) - rest) < 1e-5)
          #expect(levels[node] == 8 || rows >= 1)
        } else {
          #expect(tree.cover[left] + tree.cover[left + 1] == tree.cover[node] && tree.cover[left] > 0)
          while levels.count <= left + 1 { levels.append(0) }
          levels[left] = levels[node] + 1
          levels[left + 1] = levels[node] + 1
          #expect(levels[left] <= 8 && tree.cover[left + 1] > 0)
        }
      }
    }
  }

  @Test func sameRowsAndSeedGiveTheSameFile() throws {
    let set = Self.set(rows: 500, seed: 4)
    let model = TrainingBench.model(.anomaly, label: nil)
    let first = try TrainingBench.train(model, on: set)
    #expect(try TrainingBench.train(model, on: set).bytes == first.bytes)
    var options = TrainingOptions()
    options.seed = 1
    #expect(try TrainingBench.train(model, on: set, options: options).bytes != first.bytes)
    let few = try TrainingBench.train(model, on: Self.set(rows: 100, seed: 4))
    #expect(few.report.warnings.contains { $0.contains("each tree of the forest takes 256") })
    let error = #expect(throws: TrainingError.self) {
      _ = try TrainingBench.train(model, on: Self.set(rows: 1, seed: 4))
    }
    #expect(error?.code == .noRows)
  }
}
