internal import Dataflow
internal import Foundation
internal import XGBoost

/// Boosts the trees of one quantile of a label.
///
/// libxgboost grows each tree by the gradients of the pinball loss; then each leaf gets the quantile of its rows' residuals, times the
/// learning rate, as LightGBM does (`RenewTreeOutput`): the sum of those gradients says in which direction to go, not how far.
struct QuantileBoosting {
  /// Rows below which no leaf is made, where nothing else is declared: a far quantile of fewer is hardly one.
  static let leafRowsMin = 20

  let level: Double
  let recipe: Recipe
  /// XGBoost's parameters, without the learning rate.
  let parameters: [(name: String, value: String)]
  /// For each column, 1: the output never falls with it, −1: it never rises; empty: all are free.
  let directions: [Int]
  let seed: UInt64

  /// The trees, up to the round that was best on the rows to stop by.
  struct Outcome {
    var trees: [RegressionTree]
    var bestValue: Double
    var rounds: [BoostingRound]
  }

  /// Boosts. `matrix` holds the rows of `training`, which have the weights `weights` (nil: 1).
  func boost(
    _ matrix: borrowing Matrix, _ training: Sample, weights: [Float]?, stop: Sample,
    progress: (BoostingRound) -> Void
  ) throws -> Outcome {
    var quantile = WeightedQuantile()
    let start = Self.start(training.labels, weights, level, &quantile)
    var outcome = Outcome(trees: [], bestValue: .infinity, rounds: [])
    var outputs = [Float](repeating: start, count: training.labels.count)
    var stopOutputs = [Float](repeating: start, count: stop.labels.count)
    var gradients = outputs
    var hessians = outputs
    var best = 0
    for number in 0..<recipe.trees {
      for row in outputs.indices {
        let weight = weights?[row] ?? 1
        gradients[row] = (outputs[row] >= training.labels[row] ? Float(1 - level) : Float(-level)) * weight
        hessians[row] = weight
      }
      var tree = try Booster.tree(
        on: matrix, gradients: &gradients, hessians: &hessians,
        parameters: parameters + [("seed", String((seed &+ UInt64(number)) & 0x7fff_ffff))])
      let leaves = training.leaves(of: tree)
      renew(&tree, leaves, training.labels, outputs, weights, &quantile)
      for row in outputs.indices { outputs[row] += tree.value[Int(leaves[row])] }
      let stopLeaves = stop.leaves(of: tree)
      for row in stopOutputs.indices { stopOutputs[row] += tree.value[Int(stopLeaves[row])] }
      // The start is part of the first tree: files have one base score for all quantiles.
      if number == 0 { for node in tree.left.indices where tree.left[node] < 0 { tree.value[node] += start } }
      outcome.trees.append(tree)
      let round = BoostingRound(
        number: number, metric: "pinball", training: Self.pinball(training.labels, outputs, level),
        heldBack: Self.pinball(stop.labels, stopOutputs, level))
      outcome.rounds.append(round)
      progress(round)
      if round.heldBack < outcome.bestValue {
        outcome.bestValue = round.heldBack
        best = number
      }
      if number - best >= recipe.earlyStopping { break }
    }
    outcome.trees.removeLast(outcome.trees.count - best - 1)
    return outcome
  }

  private static func start(
    _ labels: [Float], _ weights: [Float]?, _ level: Double, _ quantile: inout WeightedQuantile
  ) -> Float {
    var values = labels
    return values.withUnsafeMutableBufferPointer { values in
      guard var weights else { return WeightedQuantile.of(values, level: level) }
      return weights.withUnsafeMutableBufferPointer { quantile.of(values, weights: $0, level: level) }
    }
  }

  /// Gives each leaf the quantile of its rows' residuals times the learning rate, within what the monotone features above it allow.
  private func renew(
    _ tree: inout RegressionTree, _ leaves: [Int32], _ labels: [Float], _ outputs: [Float],
    _ weights: [Float]?, _ quantile: inout WeightedQuantile
  ) {
    let rows = LeafRows(tree, leaves)
    var residuals = rows.order.map { labels[Int($0)] - outputs[Int($0)] }
    var ordered = weights.map { weights in rows.order.map { weights[Int($0)] } } ?? []
    /// Of the rows of a node; 0 where there is none.
    func value(of node: Int) -> Float {
      let range = rows.ranges[node]
      guard !range.isEmpty else { return 0 }
      return residuals.withUnsafeMutableBufferPointer { residuals in
        let values = UnsafeMutableBufferPointer(rebasing: residuals[range])
        guard weights != nil else { return WeightedQuantile.of(values, level: level) }
        // Sorting a part would part values from weights: a copy is sorted.
        return ordered.withUnsafeMutableBufferPointer {
          quantile.of(values, weights: UnsafeMutableBufferPointer(rebasing: $0[range]), level: level)
        }
      }
    }
    // From the root down: what lies left of a split on a monotone feature stays on one side of a value, what lies right on the other.
    var bounds = [ClosedRange<Float>](
      repeating: -.greatestFiniteMagnitude ... .greatestFiniteMagnitude, count: tree.left.count)
    var values = [Float](repeating: 0, count: tree.left.count)
    if !directions.isEmpty {
      // Sorting within a node leaves each child's rows its own only when children come first.
      for node in tree.left.indices.reversed() { values[node] = value(of: node) }
    }
    for node in tree.left.indices {
      let (low, high) = (bounds[node].lowerBound, bounds[node].upperBound)
      guard tree.left[node] >= 0 else {
        let leaf = directions.isEmpty ? value(of: node) : values[node]
        tree.value[node] = min(max(leaf, low), high) * Float(recipe.eta)
        continue
      }
      let left = Int(tree.left[node])
      (bounds[left], bounds[left + 1]) = (bounds[node], bounds[node])
      let direction = directions.isEmpty ? 0 : directions[Int(tree.feature[node])]
      guard direction != 0 else { continue }
      let middle = min(max(values[left] / 2 + values[left + 1] / 2, low), high)
      (bounds[left], bounds[left + 1]) =
        direction > 0 ? (low...middle, middle...high) : (middle...high, low...middle)
    }
  }

  /// The mean pinball loss of a quantile.
  static func pinball(_ labels: [Float], _ outputs: [Float], _ level: Double) -> Double {
    var sum = 0.0
    for row in labels.indices {
      let difference = Double(labels[row]) - Double(outputs[row])
      sum += difference >= 0 ? level * difference : (level - 1) * difference
    }
    return sum / Double(labels.count)
  }
}

/// The rows of a tree's nodes: those of a node lie side by side.
private struct LeafRows {
  /// Rows, leaf by leaf, in the order in which a walk through the tree meets the leaves.
  var order: [Int32]
  /// For each node, its rows in `order`.
  var ranges: [Range<Int>]

  init(_ tree: RegressionTree, _ leaves: [Int32]) {
    var counts = [Int](repeating: 0, count: tree.left.count)
    for leaf in leaves { counts[Int(leaf)] += 1 }
    ranges = Array(repeating: 0..<0, count: tree.left.count)
    var starts = counts
    var next = 0
    var walk: [(node: Int, isDone: Bool)] = [(0, false)]
    while let (node, isDone) = walk.popLast() {
      let left = Int(tree.left[node])
      if left < 0 {
        starts[node] = next
        ranges[node] = next..<next + counts[node]
        next += counts[node]
      } else if isDone {
        ranges[node] = ranges[left].lowerBound..<ranges[left + 1].upperBound
      } else {
        walk += [(node, true), (left + 1, false), (left, false)]
      }
    }
    order = Array(repeating: 0, count: leaves.count)
    for (row, leaf) in leaves.enumerated() {
      order[starts[Int(leaf)]] = Int32(row)
      starts[Int(leaf)] += 1
    }
  }
}

extension Sample {
  /// For each row the leaf that a tree leads it to.
  func leaves(of tree: RegressionTree) -> [Int32] {
    var leaves = [Int32](repeating: 0, count: labels.count)
    values.withUnsafeBufferPointer { cells in
      tree.left.withUnsafeBufferPointer { left in
        tree.feature.withUnsafeBufferPointer { feature in
          tree.value.withUnsafeBufferPointer { value in
            tree.defaultLeft.withUnsafeBufferPointer { defaultLeft in
              for row in 0..<labels.count {
                var node = 0
                while left[node] >= 0 {
                  let cell = cells[row * columns + Int(feature[node])]
                  let goesLeft = cell.isNaN ? defaultLeft[node] : cell < value[node]
                  node = Int(left[node]) + (goesLeft ? 0 : 1)
                }
                leaves[row] = Int32(node)
              }
            }
          }
        }
      }
    }
    return leaves
  }
}
