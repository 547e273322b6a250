internal import Events
internal import Foundation
internal import XGBoost

/// Grows an isolation forest (Liu, Ting and Zhou 2008), as trees of XGBoost's form: a leaf says how many splits it takes to tell its rows
/// from others.
///
/// A split draws a feature that is not the same in all rows of the node, then a value between the least and the greatest. Rows
/// without a value go a way that is drawn for the split; where the others all have one value, they are told apart from these.
struct IsolationForest {
  /// Rows that a tree is grown of.
  static let rowsOfATree = 256
  /// Trees, where nothing else is declared.
  static let treesDefault = 100
  /// Rows below which a forest says little.
  static let rowsFew = 256

  /// The trees.
  let trees: [RegressionTree]
  /// What the sum of path lengths is divided by: the output is 2 to the power of minus scale times it.
  let scale: Double

  /// Grows a forest of some rows, of which there are at least two. The same rows and seed give the same trees. `depth`: levels at most;
  /// nil: so many that most rows of a tree are told apart.
  init(_ sample: Sample, trees count: Int, depth declared: Int?, seed: UInt64) {
    let rows = sample.count
    var draws = SplitMix64(seed: seed)
    let size = min(Self.rowsOfATree, rows)
    let depth = declared ?? Self.depth(of: size)
    var order = Array(0..<rows)
    var trees: [RegressionTree] = []
    for _ in 0..<count {
      // The first places of a shuffle: rows are drawn without putting them back.
      for place in 0..<size { order.swapAt(place, place + draws.below(rows - place)) }
      trees.append(Self.tree(sample, Array(order[..<size]), depth: depth, &draws))
    }
    self.trees = trees
    scale = 1 / (Double(count) * Self.meanPath(size))
  }

  /// Splits that are enough to tell most of so many rows apart.
  private static func depth(of rows: Int) -> Int {
    var depth = 1
    while 1 << depth < rows { depth += 1 }
    return depth
  }

  /// The mean number of splits that tell a row from `rows` − 1 others in a random binary tree.
  static func meanPath(_ rows: Int) -> Double {
    if rows <= 1 { return 0 }
    if rows == 2 { return 1 }
    let count = Double(rows)
    return 2 * (log(count - 1) + 0.577_215_664_901_532_9) - 2 * (count - 1) / count
  }

  private static func tree(
    _ sample: Sample, _ rows: [Int], depth: Int, _ draws: inout SplitMix64
  ) -> RegressionTree {
    var tree = RegressionTree(leaf: 0, cover: Float(rows.count))
    var open: [(node: Int, rows: [Int], level: Int)] = [(0, rows, 0)]
    while let (node, rows, level) = open.popLast() {
      guard level < depth, rows.count > 1, let split = split(sample, rows, &draws) else {
        tree.value[node] = Float(Double(level) + meanPath(rows.count))
        continue
      }
      var (left, right): ([Int], [Int]) = ([], [])
      for row in rows {
        let value = sample.values[row * sample.columns + split.column]
        if value.isNaN ? split.missingGoLeft : value < split.threshold {
          left.append(row)
        } else {
          right.append(row)
        }
      }
      let first = tree.split(
        node, feature: split.column, below: split.threshold, missingGoLeft: split.missingGoLeft,
        covers: (Float(left.count), Float(right.count)))
      open.append((first + 1, right, level + 1))
      open.append((first, left, level + 1))
    }
    return tree
  }

  private struct Split {
    var column: Int
    var threshold: Float
    var missingGoLeft: Bool
  }

  /// A split of rows by a feature that differs among them; nil: none does.
  private static func split(_ sample: Sample, _ rows: [Int], _ draws: inout SplitMix64) -> Split? {
    var columns = Array(0..<sample.columns)
    while !columns.isEmpty {
      let place = draws.below(columns.count)
      let column = columns[place]
      columns.swapAt(place, columns.count - 1)
      columns.removeLast()
      var (least, most) = (Float.infinity, -Float.infinity)
      var hasMissing = false
      for row in rows {
        let value = sample.values[row * sample.columns + column]
        if value.isNaN {
          hasMissing = true
        } else {
          least = min(least, value)
          most = max(most, value)
        }
      }
      if least < most {
        let threshold = Float(Double(least) + draws.share() * (Double(most) - Double(least)))
        return Split(
          column: column, threshold: min(max(threshold, least.nextUp), most),
          missingGoLeft: draws.below(2) == 0)
      }
      if hasMissing, least == most, least.nextUp.isFinite {
        return Split(column: column, threshold: least.nextUp, missingGoLeft: false)
      }
    }
    return nil
  }
}

extension SplitMix64 {
  /// A whole number from 0 to below `count`, by the upper bits of a product: the same in every release of Swift.
  fileprivate mutating func below(_ count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }

  /// From 0 to below 1.
  fileprivate mutating func share() -> Double { Double(next() >> 11) * 0x1p-53 }
}
