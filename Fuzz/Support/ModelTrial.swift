import Scorer
import XGBoost

/// A model that loaded, and rows for it.
struct ModelTrial {
  let ensemble: TreeEnsemble
  let rows: Int
  let input: [Float]

  /// Floats of rows, results, and words of categories: above, a trial takes longer than it teaches.
  private static let cellsMax = 1 << 16

  /// nil: too large to be tried; it loaded.
  init?(_ ensemble: TreeEnsemble) {
    let width = max(ensemble.featureCount, ensemble.groups)
    let words = ensemble.categorySets.reduce(0) { $0 + $1.count }
    guard width * 3 <= Self.cellsMax, words <= Self.cellsMax else { return nil }
    self.ensemble = ensemble
    rows = width * 70 <= Self.cellsMax ? 70 : 3
    input = ensemble.generatedRows(rows)
  }

  func run() {
    let expected = (0..<rows).flatMap { walk(Array(input[($0 * ensemble.featureCount)...])) }
    var scores: [[UInt32]] = []
    for kernel in Kernel.available {
      guard let forest = try? Forest([ensemble], columns: ensemble.featureCount, kernel: kernel) else {
        return require(false, "a model that loads has a forest")
      }
      require(evaluated(forest, rows, isMargin: true) == bits(expected), "margins: \(kernel)")
      require(
        evaluated(forest, 3, isMargin: true) == Array(bits(expected)[..<(3 * ensemble.groups)]),
        "few: \(kernel)")
      scores.append(evaluated(forest, rows, isMargin: false))
      require(
        scores[0] == scores[scores.count - 1]
          && evaluated(forest, 3, isMargin: false) == Array(scores[0][..<(3 * ensemble.outputs)]), "\(kernel)"
      )
    }
    for method in Explainer.Method.allCases {
      let found = Kernel.available.map { explained($0, method) }
      require(found.allSatisfy { $0 == found[0] }, "contributions: \(method)")
    }
  }

  /// Margins of one row.
  private func walk(_ row: [Float]) -> [Float] {
    var margins = ensemble.baseMargins
    for tree in ensemble.trees {
      var node = 0
      while tree.left[node] >= 0 {
        let value = row[Int(tree.feature[node])]
        let isRight: Bool
        if value.isNaN {
          isRight = !tree.defaultLeft[node]
        } else if let set = tree.set(node) {
          let words = ensemble.categorySets[set]
          let category = value >= 0 && value < 16_777_216 ? Int(value) : Int.max
          isRight = category / 32 < words.count && words[category / 32] >> UInt32(category % 32) & 1 == 1
        } else {
          isRight = !(value < tree.value[node])
        }
        node = Int(tree.left[node]) + (isRight ? 1 : 0)
      }
      margins[tree.group] += tree.leaf(node)
    }
    return margins
  }

  private func evaluated(_ forest: Forest, _ count: Int, isMargin: Bool) -> [UInt32] {
    let width = isMargin ? ensemble.groups : ensemble.outputs
    let output = UnsafeMutablePointer<Float>.allocate(capacity: count * width)
    defer { output.deallocate() }
    withRows(count) { rows in
      if isMargin {
        forest.margins(rows, rows: count, scratch: forest.makeScratch(), into: output)
      } else {
        forest.score(rows, rows: count, scratch: forest.makeScratch(), into: output)
      }
    }
    return (0..<count * width).map { output[$0].bitPattern }
  }

  /// Contributions of two rows; nil: cannot be explained.
  private func explained(_ kernel: Kernel, _ method: Explainer.Method) -> [UInt32]? {
    let width = ensemble.groups * (ensemble.featureCount + 1)
    guard width <= Self.cellsMax, let explainer = try? Explainer(ensemble, kernel: kernel) else { return nil }
    let output = UnsafeMutablePointer<Float>.allocate(capacity: 2 * width)
    defer { output.deallocate() }
    var found: [UInt32] = []
    withRows(2) { rows in
      let scratch = explainer.makeScratch()
      explainer.contributions(rows, rows: 2, method: method, scratch: scratch, into: output)
      explainer.top(3, rows, rows: 2, method: method, scratch: scratch) { row, group, top in
        for each in top {
          require(row < 2 && group < ensemble.groups && each.column < ensemble.featureCount, "top")
          found.append(each.value.bitPattern)
        }
      }
    }
    return (0..<2 * width).map { output[$0].bitPattern } + found
  }

  /// Rows in memory of their own size, behind which nothing may be read.
  private func withRows(_ count: Int, _ body: (UnsafePointer<Float>) -> Void) {
    let cells = count * ensemble.featureCount
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: cells)
    defer { memory.deallocate() }
    memory.update(from: input, count: cells)
    body(memory)
  }
}

private func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
