import Dataflow
import Features
import Foundation
import Scorer
import TestNumbers
import TestThreads
import Testing
import Training
import XGBoost

@Suite(.onThreads) struct QuantileTests {
  private static let levels = [0.05, 0.5, 0.95]
  private static let columns = ["first", "second", "group", "noise"]

  /// A heteroscedastic law: y = 10·first + (1 + 4·second)(1 + group) · normal.
  private static func set(rows: Int, seed: UInt64, prefix: String = "e") -> TrainingSet {
    TrainingBench.set(rows: rows, columns: columns, seed: seed, prefix: prefix) { generator, index in
      var cells = (0..<4).map { _ in Float.random(in: 0...1, using: &generator) }
      cells[2] = Float(Int.random(in: 0..<3, using: &generator))
      let label = 10 * cells[0] + (1 + 4 * cells[1]) * (1 + cells[2]) * TrainingBench.normal(&generator)
      if index % 13 == 0 { cells[3] = .nan }
      return (cells, [label])
    }
  }

  private static func model() -> ModelDeclaration {
    TrainingBench.model(
      .quantiles(levels, group: FeatureMention(name: "group", position: SourcePosition(line: 1, column: 1))),
      outputs: ["low", "median", "high"])
  }

  private static func options(trees: Int = 60) -> TrainingOptions {
    var options = TrainingOptions()
    options.recipe.trees = trees
    options.recipe.depth = 4
    options.recipe.eta = 0.15
    return options
  }

  /// Outputs by hand: sorted, shifted by the group's shifts, sorted.
  private static func outputs(_ result: TrainingBench.Result, _ set: TrainingSet) throws -> [[Float]] {
    let margins = try result.margins(set)
    let shifts = try #require(result.postprocessing.shifts)
    return set.rows.indices.map { row in
      let own = shifts.groups[String(Int(set.features.row(row)[2]))] ?? shifts.pooled
      let sorted = margins[row * 3..<row * 3 + 3].sorted()
      return zip(sorted, own).map { $0 + $1 }.sorted()
    }
  }

  /// On fresh rows of the law: what intervals cover, over all and in each group, and how close to the best there is they are.
  @Test(arguments: [UInt64(1), 2]) func intervalsCoverWhatTheyPromise(seed: UInt64) throws {
    let result = try TrainingBench.train(
      Self.model(), on: Self.set(rows: 24_000, seed: seed), options: Self.options())
    #expect(result.postprocessing.sorts && result.postprocessing.shifts?.groups.count == 3)
    #expect(result.ensemble.groups == 3 && result.ensemble.objective == .squaredError)
    let fresh = Self.set(rows: 30_000, seed: seed + 100, prefix: "fresh")
    let outputs = try Self.outputs(result, fresh)
    var inside: [Int: (covered: Int, count: Int)] = [:]
    var below = 0
    var loss = 0.0
    var best = 0.0
    for (row, own) in outputs.enumerated() {
      let label = fresh.labels.row(row)[0]
      let cells = fresh.features.row(row)
      #expect(own[0] <= own[1] && own[1] <= own[2])
      let isInside = label >= own[0] && label <= own[2]
      for group in [-1, Int(cells[2])] {
        let sums = inside[group] ?? (0, 0)
        inside[group] = (sums.covered + (isInside ? 1 : 0), sums.count + 1)
      }
      if label <= own[1] { below += 1 }
      let spread = 1.644_854 * (1 + 4 * cells[1]) * (1 + cells[2])
      for (place, level) in Self.levels.enumerated() {
        let truth = 10 * cells[0] + [-spread, 0, spread][place]
        loss += Self.pinball(label, own[place], level)
        best += Self.pinball(label, truth, level)
      }
    }
    let shares = inside.mapValues { Double($0.covered) / Double($0.count) }
    print(
      "seed \(seed): coverage \(shares), below the median \(Double(below) / 30_000), pinball \(loss / best) of the best"
    )
    #expect(abs((shares[-1] ?? 0) - 0.9) <= 0.01, "seed \(seed)")
    for group in 0..<3 { #expect(abs((shares[group] ?? 0) - 0.9) <= 0.03, "seed \(seed), group \(group)") }
    #expect(abs(Double(below) / 30_000 - 0.5) <= 0.015, "seed \(seed)")
    #expect(loss < 1.05 * best, "seed \(seed)")
    let measured = try #require(result.report.quality.intervals.first)
    #expect(abs(measured.coverage - 0.9) < 0.02 && abs(measured.nominal - 0.9) < 1e-9)
    // The linear model's interval has one width.
    let ridge = try #require(result.report.baseline?.pinball)
    #expect(try #require(result.report.quality.pinball) < 0.95 * ridge)
  }

  private static func pinball(_ label: Float, _ output: Float, _ level: Double) -> Double {
    let difference = Double(label) - Double(output)
    return difference >= 0 ? level * difference : (level - 1) * difference
  }

  @Test func givesTheSameFileAgain() throws {
    let set = Self.set(rows: 2_000, seed: 3)
    let first = try TrainingBench.train(Self.model(), on: set, options: Self.options(trees: 10))
    #expect(
      try TrainingBench.train(Self.model(), on: set, options: Self.options(trees: 10)).bytes == first.bytes)
    var options = Self.options(trees: 10)
    options.seed = 43
    #expect(try TrainingBench.train(Self.model(), on: set, options: options).bytes != first.bytes)
  }

  /// Along random lines that change one feature, quantiles of a monotone model never go the wrong way: renewed leaves would.
  @Test(arguments: [UInt64(1), 2, 3]) func staysMonotone(seed: UInt64) throws {
    let set = TrainingBench.set(rows: 4_000, columns: Self.columns, seed: seed) { generator, _ in
      let cells = (0..<4).map { _ in Float.random(in: 0...1, using: &generator) }
      // Rises and falls with both features: constraints have something to hold.
      let wave = Float(sin(9 * Double(cells[0])) + cos(7 * Double(cells[1])))
      return (cells, [cells[0] - cells[1] + wave + (1 + cells[2]) * TrainingBench.normal(&generator)])
    }
    let position = SourcePosition(line: 1, column: 1)
    var model = TrainingBench.model(.quantiles(Self.levels, group: nil), outputs: ["low", "median", "high"])
    model.training.monotone = [
      MonotoneFeature(feature: FeatureMention(name: "first", position: position), isIncreasing: true),
      MonotoneFeature(feature: FeatureMention(name: "second", position: position), isIncreasing: false),
    ]
    let result = try TrainingBench.train(model, on: set, options: Self.options(trees: 40))
    var generator = SeededGenerator(seed: seed + 50)
    var moved = 0
    var line: [Float] = []
    for column in 0..<2 {
      let lines = TrainingBench.set(rows: 200 * 50, columns: Self.columns, seed: 0) { _, index in
        if index % 50 == 0 { line = (0..<4).map { _ in Float.random(in: 0...1, using: &generator) } }
        var cells = line
        cells[column] = Float(index % 50) / 49
        return (cells, [0])
      }
      let margins = try result.margins(lines)
      for row in 1..<lines.rows.count where row % 50 != 0 {
        for group in 0..<3 {
          let (before, now) = (margins[(row - 1) * 3 + group], margins[row * 3 + group])
          #expect(column == 0 ? now >= before : now <= before, "seed \(seed), row \(row), group \(group)")
          if now != before { moved += 1 }
        }
      }
    }
    #expect(moved > 1_000)
  }

  @Test func warnsOfQuantilesThatCoincide() throws {
    let set = TrainingBench.set(rows: 3_000, columns: Self.columns, seed: 5) { generator, index in
      ((0..<4).map { _ in Float.random(in: 0...1, using: &generator) }, [index % 10 == 0 ? 7 : 0])
    }
    let result = try TrainingBench.train(
      TrainingBench.model(.quantiles(Self.levels, group: nil), outputs: ["low", "median", "high"]), on: set,
      options: Self.options(trees: 5))
    #expect(
      result.report.warnings.contains {
        $0.contains("quantiles of target coincide") && $0.contains("0.05 and 0.5")
      })
    let few = try TrainingBench.train(
      TrainingBench.model(.quantiles(Self.levels, group: nil), outputs: ["low", "median", "high"]),
      on: Self.set(rows: 300, seed: 5), options: Self.options(trees: 5))
    #expect(few.report.warnings.contains { $0.contains("entities are held back to correct intervals by") })
  }
}
