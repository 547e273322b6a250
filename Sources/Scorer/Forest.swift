import CForest
import Glibc
import XGBoost

/// Our evaluator of a model with one output a row: bit for bit libxgboost's results, several times as fast.
///
/// Trees are laid out breadth first with children side by side; rows go down each tree sixteen at a time, without
/// branches. Leaf values are added to the base margin in the order of the trees, in single precision, as libxgboost does.
/// Immutable but for its scratch: one thread.
final class Forest {
  /// What is made of a margin.
  private enum Transform { case identity, logistic }

  private static let levelsMax = 48
  private static let featuresMax = 0x7fff
  private static let blockRows = 64

  private let nodes: UnsafeMutablePointer<tally_node>
  private let values: UnsafeMutablePointer<Float>
  private let trees: UnsafeMutablePointer<tally_tree>
  private let treeCount: Int
  private let transform: Transform
  private let base: Float
  private let columns: Int
  private let rows: UnsafeMutablePointer<Float>
  private let margins: UnsafeMutablePointer<Float>

  /// Lays an ensemble out for rows of `columns` floats. nil: of a kind that is left to libxgboost (another objective, or
  /// trees too deep or too large).
  init?(_ ensemble: TreeEnsemble, columns: Int) {
    switch ensemble.objective {
    case "reg:squarederror": (transform, base) = (.identity, ensemble.baseScore)
    case "binary:logistic":
      (transform, base) = (.logistic, -logf(1 / ensemble.baseScore - 1))
    default: return nil
    }
    guard columns < Self.featuresMax, base.isFinite else { return nil }
    var laidOut: [tally_node] = []
    var leaves: [Float] = []
    var index: [tally_tree] = []
    for tree in ensemble.trees {
      let first = laidOut.count
      guard let levels = Self.lay(tree, columns: columns, &laidOut, &leaves), first <= UInt32.max else {
        return nil
      }
      index.append(tally_tree(first: UInt32(first), levels: UInt32(levels)))
    }
    self.columns = columns
    treeCount = index.count
    nodes = .allocate(capacity: max(laidOut.count, 1))
    values = .allocate(capacity: max(leaves.count, 1))
    trees = .allocate(capacity: max(index.count, 1))
    rows = .allocate(capacity: Self.blockRows * (columns + 1))
    margins = .allocate(capacity: Self.blockRows)
    nodes.initialize(from: laidOut, count: laidOut.count)
    values.initialize(from: leaves, count: leaves.count)
    trees.initialize(from: index, count: index.count)
    rows.initialize(repeating: 0, count: Self.blockRows * (columns + 1))
  }

  deinit {
    nodes.deallocate()
    values.deallocate()
    trees.deallocate()
    rows.deallocate()
    margins.deallocate()
  }

  /// Scores `count` rows, which lie one after the other; NaN is missing. Row code.
  func score(_ input: UnsafePointer<Float>, rows count: Int, into output: UnsafeMutablePointer<Float>) {
    let stride = columns + 1
    var done = 0
    while done < count {
      let block = min(Self.blockRows, count - done)
      for row in 0..<block {
        (rows + row * stride).update(from: input + (done + row) * columns, count: columns)
        margins[row] = base
      }
      tally_forest_add(nodes, values, trees, treeCount, rows, block, stride, margins)
      switch transform {
      case .identity: (output + done).update(from: margins, count: block)
      case .logistic: for row in 0..<block { output[done + row] = 1 / (expf(-margins[row]) + 1) }
      }
      done += block
    }
  }

  /// Adds a tree breadth first. Returns its levels; nil: it does not fit.
  private static func lay(
    _ tree: RegressionTree, columns: Int, _ nodes: inout [tally_node], _ leaves: inout [Float]
  ) -> Int? {
    var order: [Int] = [0]
    var level: [Int] = [0]
    var next = 0
    var deepest = 0
    while next < order.count {
      let node = order[next]
      let left = Int(tree.left[node])
      if left < 0 {
        nodes.append(tally_node(condition: 1, step: 0, feature: UInt16(columns)))
        leaves.append(tree.value[node])
      } else {
        let step = order.count - next
        guard step <= UInt16.max, level[next] < levelsMax else { return nil }
        let feature = UInt16(tree.feature[node]) | (tree.defaultLeft[node] ? 0 : 0x8000)
        nodes.append(tally_node(condition: tree.value[node], step: UInt16(step), feature: feature))
        leaves.append(0)
        order += [left, Int(tree.right[node])]
        level += [level[next] + 1, level[next] + 1]
        deepest = max(deepest, level[next] + 1)
      }
      next += 1
    }
    return deepest
  }
}

extension Forest {
  private static let checkRows = 1_000

  /// Whether it gives what libxgboost gives, bit for bit, over generated rows: values at, just below and just above the
  /// model's own thresholds, zeros of both signs, missing values, large and small ones.
  func agrees(with booster: borrowing Booster, _ ensemble: TreeEnsemble) throws(XGBoostError) -> Bool {
    var thresholds = [[Float]](repeating: [], count: columns)
    for tree in ensemble.trees {
      for node in tree.left.indices where tree.left[node] >= 0 {
        thresholds[Int(tree.feature[node])].append(tree.value[node])
      }
    }
    var random: UInt64 = 0x9e37_79b9_7f4a_7c15
    func draw(_ bound: Int) -> Int {
      // SplitMix64 (Steele, Lea, Flood 2014).
      random &+= 0x9e37_79b9_7f4a_7c15
      var z = random
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return Int((z ^ (z >> 31)) % UInt64(bound))
    }
    let edges: [Float] = [0, -0.0, .nan, 1, -1, .leastNonzeroMagnitude, 1e30, -1e30]
    var input = [Float](repeating: 0, count: Self.checkRows * columns)
    for cell in input.indices {
      let known = thresholds[cell % columns]
      let kind = draw(8)
      if known.isEmpty || kind == 0 {
        input[cell] = edges[draw(edges.count)]
      } else {
        let value = known[draw(known.count)]
        input[cell] = kind < 3 ? value : kind < 5 ? value.nextDown : kind < 7 ? value.nextUp : .nan
      }
    }
    var expected = [Float](repeating: 0, count: Self.checkRows)
    var found = expected
    let columns = columns
    do {
      try input.withUnsafeBufferPointer { input in
        try expected.withUnsafeMutableBufferPointer { expected in
          guard let from = input.baseAddress, let to = expected.baseAddress else { return }
          try booster.predict(from, rows: Self.checkRows, columns: columns, into: to)
        }
        found.withUnsafeMutableBufferPointer { found in
          if let from = input.baseAddress, let to = found.baseAddress {
            score(from, rows: Self.checkRows, into: to)
          }
        }
      }
    } catch let error as XGBoostError { throw error } catch { return false }
    return zip(expected, found).allSatisfy { $0.bitPattern == $1.bitPattern }
  }
}
