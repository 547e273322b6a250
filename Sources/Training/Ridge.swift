internal import Features
internal import Foundation

/// A linear model with squared penalty, of one or more numbers: what trees have to be better than.
///
/// The penalty is the one of a fixed list that generalised cross-validation finds best (Golub, Heath and Wahba 1979), which looks
/// at no row that is held back. One decomposition serves all penalties.
struct Ridge {
  /// Rows whose terms are in memory at once.
  private static let rowsOfAStep = 256
  /// Penalties that are tried, times the number of rows.
  static let penalties = (-6...3).map { pow(10, Double($0)) }
  /// Terms above which the decomposition would take longer than the trees.
  static let termsMax = 2_000

  private let design: RidgeDesign
  private let means: [Double]
  /// [target][term].
  private let coefficients: [Double]
  private let targets: Int
  /// The penalty that was chosen, times the number of rows.
  let penalty: Double

  /// Fits numbers of a sample's rows, [row][target]; nil: there is nothing to fit, or too much of it.
  init?(_ sample: Sample, columns: [ColumnDescription], targets: Int, values: [Double]) {
    let design = RidgeDesign(sample, columns: columns)
    let rows = sample.labels.count
    let terms = design.count
    guard terms > 0, terms <= Self.termsMax, rows > 1 else { return nil }
    var means = [Double](repeating: 0, count: targets)
    for (index, value) in values.enumerated() { means[index % targets] += value / Double(rows) }
    var gram = SymmetricMatrix(size: terms)
    var moments = [Double](repeating: 0, count: terms * targets)
    var step: [Double] = []
    for start in stride(from: 0, to: rows, by: Self.rowsOfAStep) {
      let end = min(start + Self.rowsOfAStep, rows)
      step = Array(repeating: 0, count: (end - start) * terms)
      step.withUnsafeMutableBufferPointer { cells in
        guard let base = cells.baseAddress else { return }
        for row in start..<end {
          let place = base + (row - start) * terms
          design.write(row, of: sample, into: place)
          for target in 0..<targets {
            let value = values[row * targets + target] - means[target]
            for term in 0..<terms { moments[target * terms + term] += place[term] * value }
          }
        }
      }
      gram.add(step)
    }
    guard let (eigenvalues, vectors) = gram.eigen() else { return nil }
    // In the eigenvectors' directions every penalty is a division.
    var turned = [Double](repeating: 0, count: terms * targets)
    for target in 0..<targets {
      for direction in 0..<terms {
        var sum = 0.0
        for term in 0..<terms { sum += vectors[direction * terms + term] * moments[target * terms + term] }
        turned[target * terms + direction] = sum
      }
    }
    var total = 0.0
    for (index, value) in values.enumerated() {
      let difference = value - means[index % targets]
      total += difference * difference
    }
    var best = (score: Double.infinity, penalty: Self.penalties[0])
    for penalty in Self.penalties {
      let added = penalty * Double(rows)
      var (explained, freedom) = (0.0, 1.0)
      for direction in 0..<terms {
        let value = max(eigenvalues[direction], 0)
        freedom += value / (value + added)
        for target in 0..<targets {
          let moment = turned[target * terms + direction]
          explained += moment * moment * (value + 2 * added) / ((value + added) * (value + added))
        }
      }
      let left = max(1 - freedom / Double(rows), 1e-6)
      let score = max(total - explained, 0) / (left * left)
      if score < best.score { best = (score, penalty) }
    }
    var coefficients = [Double](repeating: 0, count: terms * targets)
    for target in 0..<targets {
      for direction in 0..<terms {
        let share =
          turned[target * terms + direction]
          / (max(eigenvalues[direction], 0) + best.penalty * Double(rows))
        for term in 0..<terms {
          coefficients[target * terms + term] += share * vectors[direction * terms + term]
        }
      }
    }
    self.design = design
    self.means = means
    self.coefficients = coefficients
    self.targets = targets
    penalty = best.penalty
  }

  /// What it says of rows: [row][target].
  func predict(_ sample: Sample) -> [Double] {
    var outputs: [Double] = []
    var cells = [Double](repeating: 0, count: design.count)
    for row in sample.labels.indices {
      cells.withUnsafeMutableBufferPointer { cells in
        if let base = cells.baseAddress { design.write(row, of: sample, into: base) }
      }
      for target in 0..<targets {
        var sum = means[target]
        for term in cells.indices { sum += coefficients[target * cells.count + term] * cells[term] }
        outputs.append(sum)
      }
    }
    return outputs
  }
}
