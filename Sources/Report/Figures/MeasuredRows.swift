internal import Dataflow
internal import Events

/// The rows held back of which there can be figures: label and outputs are finite.
struct MeasuredRows {
  /// Their numbers among the rows held back, ascending.
  let rows: [Int]
  /// Rows that are left out, as an output or the label is no finite number, or no class' number.
  let leftOut: Int
  /// Labels; empty: the model learns none.
  let labels: [Double]
  /// [row][output]
  let outputs: [Double]
  /// Outputs a row.
  let width: Int
  let entities: [Hash128]
  /// Numbers of the entities, from 0 in the order of the rows.
  let entityNumbers: [Int32]
  let entityCount: Int

  init(_ evaluation: Evaluation, outputs all: [Float]) {
    let width = evaluation.model.outputs.count
    let hasLabels = !evaluation.heldBack.labels.isEmpty
    let classCount: Int? = if case .classes(let names) = evaluation.model.form { names.count } else { nil }
    let count = evaluation.heldBack.features.count
    var rows: [Int] = []
    rows.reserveCapacity(count)
    for row in 0..<count {
      guard (row * width..<(row + 1) * width).allSatisfy({ all[$0].isFinite }) else { continue }
      if hasLabels {
        let label = evaluation.heldBack.labels[row]
        guard label.isFinite else { continue }
        if let classCount {
          guard let number = Int(exactly: label), (0..<classCount).contains(number) else { continue }
        }
      }
      rows.append(row)
    }
    self.init(
      rows: rows, leftOut: count - rows.count,
      labels: hasLabels ? rows.map { Double(evaluation.heldBack.labels[$0]) } : [],
      outputs: rows.flatMap { row in (row * width..<(row + 1) * width).map { Double(all[$0]) } },
      width: width,
      entities: rows.map { evaluation.heldBack.entities[$0] })
  }

  private init(
    rows: [Int], leftOut: Int, labels: [Double], outputs: [Double], width: Int, entities: [Hash128]
  ) {
    self.rows = rows
    self.leftOut = leftOut
    self.labels = labels
    self.outputs = outputs
    self.width = width
    self.entities = entities
    var numbers: [Hash128: Int32] = [:]
    entityNumbers = entities.map { entity in
      if let number = numbers[entity] { return number }
      let number = Int32(numbers.count)
      numbers[entity] = number
      return number
    }
    entityCount = numbers.count
  }

  var count: Int { rows.count }

  /// Those at these places.
  func some(_ places: [Int]) -> MeasuredRows {
    MeasuredRows(
      rows: places.map { rows[$0] }, leftOut: 0, labels: labels.isEmpty ? [] : places.map { labels[$0] },
      outputs: places.flatMap { outputs[($0 * width)..<(($0 + 1) * width)] }, width: width,
      entities: places.map { entities[$0] })
  }

  /// One output of every row.
  func column(_ output: Int) -> [Double] { rows.indices.map { outputs[$0 * width + output] } }
}

extension OutputForm {
  /// The output that stands for all of a row's: of quantiles the one nearest to the median.
  var mainOutput: Int {
    guard case .quantiles(let levels) = self else { return 0 }
    return levels.indices.min { (levels[$0] - 0.5).magnitude < (levels[$1] - 0.5).magnitude } ?? 0
  }
}

/// All figures of one model's outputs.
struct MeasuredFigures {
  /// The figures, in the order in which they are shown; none where there are no labels or no rows.
  var figures: [Figure] = []
  /// Sentences about rows that figures leave out, and the like.
  var remarks: [String] = []
  var classes: [ClassFigures.OneClass] = []
  var confusion: [[Int]] = []

  init(_ rows: MeasuredRows, _ form: OutputForm, threshold: Double, seed: UInt64) {
    guard rows.count > 0, !rows.labels.isEmpty else { return }
    let resampling = Resampling(rows.entities, seed: seed)
    switch form {
    case .number:
      let family = NumberFigures(labels: rows.labels, outputs: rows.outputs, resampling)
      figures = resampling.figures(family)
      if family.zeroLabels > 0 {
        remarks.append("MAPE leaves out \(NumberText.whole(family.zeroLabels)) rows whose label is 0.")
      }
    case .probability:
      figures = resampling.figures(
        ProbabilityFigures(
          isOne: rows.labels.map { $0 > 0.5 }, outputs: rows.outputs, threshold: threshold, resampling))
    case .classes(let names):
      let family = ClassFigures(
        labels: rows.labels.map { Int($0) }, outputs: rows.outputs, names: names, resampling)
      figures = resampling.figures(family)
      classes = family.classes
      confusion = family.confusion
    case .quantiles(let levels):
      let family = QuantileFigures(labels: rows.labels, outputs: rows.outputs, levels: levels, resampling)
      figures = resampling.figures(family)
      let middle = NumberFigures(labels: rows.labels, outputs: rows.column(form.mainOutput), resampling)
      figures += resampling.figures(middle).filter { ["rmse", "mae", "r2", "within_5"].contains($0.name) }
      remarks.append("RMSE, MAE, R² and the share within ±5 are those of the quantile nearest to the median.")
      remarks.append("Rows whose quantiles cross: \(NumberText.whole(family.crossings)).")
    case .anomaly: break
    }
  }

  func figure(_ name: String) -> Figure? { figures.first { $0.name == name } }
}
