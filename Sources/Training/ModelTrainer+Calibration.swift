internal import Features
internal import Foundation
internal import Scorer

/// What was fitted on the rows held back, and figures of it.
struct Calibrated {
  /// Fitted on all rows held back; nil: nothing was.
  var postprocessing: Postprocessing?
  /// Of the rows held back, [row][output]: each fold by what was fitted on the others.
  var outputs: [Float]
  var quality: ModelQuality
  var parameters: [String: String] = [:]
  var notes: [String] = []
  var warnings: [String] = []

  init(outputs: [Float], quality: ModelQuality) {
    self.outputs = outputs
    self.quality = quality
  }
}

/// Outputs of rows held back: each fold's made by what was fitted on the others.
private struct CrossFitted {
  var outputs: [Float]
  /// By row, what its outputs were made by.
  var by: [Postprocessing]
  /// Whether all folds were measured apart; else what was fitted on all rows stands in.
  var isApart = true

  /// `fit`: what some of the rows held back come to; nil: they are too few or of one class.
  init(
    _ margins: [Float], _ served: ServedOutputs, _ roles: TrainingRoles, final: Postprocessing,
    _ fit: ([Int]) -> Postprocessing?
  ) throws {
    let all = Array(0..<roles.held.count)
    outputs = try served.of(margins, all, by: final)
    by = all.map { _ in final }
    for fold in roles.folds() {
      guard let fitted = fit(fold.outside) else {
        isApart = false
        continue
      }
      let made = try served.of(margins, fold.inside, by: fitted)
      for (place, row) in fold.inside.enumerated() {
        outputs.replaceSubrange(
          row * served.width..<(row + 1) * served.width,
          with: made[place * served.width..<(place + 1) * served.width])
        by[row] = fitted
      }
    }
  }

  /// What the figures are of. `what`: what was fitted.
  func note(_ what: String) -> String {
    guard isApart else {
      return
        "\(what) fitted on the rows held back, and some of these are measured with it, as they are so few."
    }
    return """
      The rows held back were neither learnt from nor did training stop by them. \(what) fitted on all of them; each fifth of \
      their entities is measured with what was fitted on the other four.
      """
  }
}

extension ModelTrainer {
  /// A model of two classes: margins become probabilities, and a threshold finds the declared share of the ones.
  ///
  /// `learnt`: margins of the rows that were learnt from, where those held back are of one class.
  func calibrated(
    _ margins: [Float], recall: Double?, _ roles: TrainingRoles, _ columns: [ColumnDescription],
    byLearnt learnt: [Float]?
  ) throws -> Calibrated {
    let labels = roles.held.labels
    let final =
      try learnt.map { learnt in
        let served = ServedOutputs(width: 1, columns: columns, sample: roles.learn)
        return try Self.fitted(
          learnt, roles.learn.labels, Array(0..<roles.learn.count), Array(0..<roles.learn.count), recall,
          served)
      }
      ?? Self.fitted(
        margins, labels, roles.heldEntities, Array(labels.indices), recall,
        ServedOutputs(width: 1, columns: columns, sample: roles.held))
    let served = ServedOutputs(width: 1, columns: columns, sample: roles.held)
    let crossFitted = try CrossFitted(margins, served, roles, final: final) { rows in
      Set(rows.map { labels[$0] }).count == 2
        ? try? Self.fitted(margins, labels, roles.heldEntities, rows, recall, served) : nil
    }
    var quality = ModelQuality(labels: labels, predictions: crossFitted.outputs, isBinary: true)
    var result = Calibrated(outputs: crossFitted.outputs, quality: quality)
    result.postprocessing = final
    result.notes = [crossFitted.note(recall == nil ? "The calibration is" : "Calibration and threshold are")]
    guard case .curve(let curve) = final.link else { return result }
    let isSigmoid = CalibrationCurve.isSigmoid(learnt == nil ? labels : roles.learn.labels)
    result.parameters["calibration"] = isSigmoid ? "Platt" : "centred isotonic"
    result.parameters["calibration_knots"] = "\(curve.margins.count)"
    if curve.margins.count == 1 {
      result.warnings.append(
        "its margins do not rank the rows held back: every row gets the same probability")
    }
    guard let recall else { return result }
    let figures = RecallThreshold.figures(
      outputs: crossFitted.outputs, labels: labels,
      thresholds: crossFitted.by.map { $0.threshold ?? .infinity })
    quality.recall = figures.recall
    quality.precision = figures.precision
    quality.threshold = final.threshold.map(Double.init)
    result.quality = quality
    result.parameters["recall"] = "\(recall)"
    let entities = Set(labels.indices.filter { labels[$0] > 0.5 }.map { roles.heldEntities[$0] }).count
    if entities < RecallThreshold.positiveEntitiesFew {
      result.warnings.append(
        "the threshold for a recall of \(recall) was chosen by only \(entities) entities with a label 1: it is largely chance"
      )
    }
    return result
  }

  /// Curve and threshold, fitted on some rows of both classes.
  private static func fitted(
    _ margins: [Float], _ labels: [Float], _ entities: [Int], _ rows: [Int], _ recall: Double?,
    _ served: ServedOutputs
  ) throws -> Postprocessing {
    let own = rows.map { labels[$0] }
    var postprocessing = Postprocessing(link: .curve(.fitted(rows.map { margins[$0] }, own)))
    if let recall {
      postprocessing.threshold =
        RecallThreshold(
          recall: recall, outputs: try served.of(margins, rows, by: postprocessing), labels: own,
          entities: rows.map { entities[$0] })?.value
    }
    return postprocessing
  }

  /// A model of several classes: all margins are divided by one temperature.
  func calibrated(
    _ margins: [Float], classes: Int, _ roles: TrainingRoles, _ columns: [ColumnDescription]
  ) throws -> Calibrated {
    let labels = roles.held.labels
    func fitted(_ rows: [Int]) -> Postprocessing {
      let cells = rows.flatMap { margins[$0 * classes..<($0 + 1) * classes] }
      let inverse = Temperature.inverse(cells, rows.map { labels[$0] }, classes: classes)
      return Postprocessing(link: .shares(scale: inverse * Temperature.log2OfE))
    }
    let final = fitted(Array(labels.indices))
    let served = ServedOutputs(width: classes, columns: columns, sample: roles.held)
    let crossFitted = try CrossFitted(margins, served, roles, final: final) { $0.isEmpty ? nil : fitted($0) }
    var result = Calibrated(
      outputs: crossFitted.outputs,
      quality: ModelQuality(labels: labels, shares: crossFitted.outputs, classes: classes))
    result.postprocessing = final
    if case .shares(let scale) = final.link {
      result.parameters["temperature"] = String(Temperature.log2OfE / scale)
    }
    result.notes = [crossFitted.note("The temperature is")]
    return result
  }

  /// A model of quantiles: intervals are shifted so that they cover what they promise.
  func calibrated(
    _ margins: [Float], levels: [Double], group: (name: String, column: Int)?, _ roles: TrainingRoles,
    _ columns: [ColumnDescription]
  ) throws -> Calibrated {
    let held = roles.held
    let served = ServedOutputs(width: levels.count, columns: columns, sample: held)
    let all = Array(held.labels.indices)
    let rows = ConformalRows(
      outputs: try served.of(margins, all, by: Postprocessing(sorts: true)), labels: held.labels,
      entities: roles.heldEntities,
      groups: group.map { group in all.map { held.values[$0 * held.columns + group.column] } } ?? [])
    func fitted(_ rows: ConformalRows, _ selection: [Int]) -> Postprocessing {
      Postprocessing(
        sorts: true, shifts: .fitted(rows, selection, levels: levels, feature: group?.name))
    }
    let final = fitted(rows, all)
    let crossFitted = try CrossFitted(margins, served, roles, final: final) {
      $0.isEmpty ? nil : fitted(rows, $0)
    }
    var result = Calibrated(
      outputs: crossFitted.outputs,
      quality: ModelQuality(labels: held.labels, quantiles: crossFitted.outputs, levels: levels))
    result.postprocessing = final
    result.parameters["conformal_rows"] = "\(all.count)"
    if group != nil { result.parameters["conformal_groups"] = "\(final.shifts?.groups.count ?? 0)" }
    result.notes = [crossFitted.note("Shifts of the intervals are")]
    let entities = Set(rows.entities).count
    let least = ConformalShifts.entitiesMin(levels: levels)
    if entities < least {
      result.warnings.append(
        "only \(entities) entities are held back to correct intervals by, fewer than \(least): what they cover may be a few points off"
      )
    }
    return result
  }
}
