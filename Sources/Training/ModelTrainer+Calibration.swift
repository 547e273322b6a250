internal import Foundation
internal import Scorer

/// What was fitted on the rows held back, and figures of it.
struct Calibrated {
  /// Fitted on all rows held back.
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

extension ModelTrainer {
  /// What figures of calibrated models are of.
  private func crossFitted(_ what: String) -> String {
    """
    The rows held back were neither learnt from nor did training stop by them. \(what) fitted on all of them; each fifth of their \
    entities is measured with what was fitted on the other four.
    """
  }

  /// A model of two classes: margins become probabilities, and a threshold finds the declared share of the ones.
  func calibrated(_ margins: [Float], recall: Double?, _ roles: TrainingRoles) -> Calibrated {
    let labels = roles.held.labels
    func curve(_ rows: [Int]) -> CalibrationCurve {
      CalibrationCurve.fitted(rows.map { margins[$0] }, rows.map { labels[$0] })
    }
    func threshold(_ curve: CalibrationCurve, _ rows: [Int]) -> Float? {
      recall.flatMap { recall in
        RecallThreshold(
          recall: recall, outputs: rows.map { curve.value(at: margins[$0]) }, labels: rows.map { labels[$0] },
          entities: rows.map { roles.heldEntities[$0] })?.value
      }
    }
    let all = Array(labels.indices)
    let final = curve(all)
    var outputs = margins.map { final.value(at: $0) }
    var thresholds = [Float](repeating: threshold(final, all) ?? .infinity, count: all.count)
    var isMeasuredApart = true
    roles.eachFold { inside, outside in
      // Folds without both classes outside measure nothing apart.
      guard Set(outside.map { labels[$0] }).count == 2 else { return isMeasuredApart = false }
      let curve = curve(outside)
      let value = threshold(curve, outside)
      for row in inside {
        outputs[row] = curve.value(at: margins[row])
        if let value { thresholds[row] = value }
      }
    }
    var quality = ModelQuality(labels: labels, predictions: outputs, isBinary: true)
    var result = Calibrated(outputs: outputs, quality: quality)
    result.postprocessing = Postprocessing(link: .curve(final), threshold: threshold(final, all))
    let positives = labels.reduce(0) { $0 + ($1 > 0.5 ? 1 : 0) }
    let isSigmoid = min(positives, labels.count - positives) < CalibrationCurve.isotonicPositivesMin
    result.parameters["calibration"] = isSigmoid ? "Platt" : "centred isotonic"
    result.parameters["calibration_knots"] = "\(final.margins.count)"
    if let recall {
      let figures = RecallThreshold.figures(outputs: outputs, labels: labels, thresholds: thresholds)
      quality.recall = figures.recall
      quality.precision = figures.precision
      quality.threshold = result.postprocessing?.threshold.map(Double.init)
      result.parameters["recall"] = "\(recall)"
      let entities = Set(all.filter { labels[$0] > 0.5 }.map { roles.heldEntities[$0] }).count
      if entities < RecallThreshold.positiveEntitiesFew {
        result.warnings.append(
          "the threshold for a recall of \(recall) was chosen by only \(entities) entities with a label 1: it is largely chance"
        )
      }
    }
    result.quality = quality
    result.notes = [
      isMeasuredApart
        ? crossFitted("Calibration and threshold are")
        : "Calibration was measured on the rows that it was fitted on."
    ]
    if final.margins.count == 1 {
      result.warnings.append(
        "its margins do not rank the rows held back: every row gets the same probability")
    }
    return result
  }

  /// A model of several classes: all margins are divided by one temperature.
  func calibrated(_ margins: [Float], classes: Int, _ roles: TrainingRoles) -> Calibrated {
    let labels = roles.held.labels
    func scale(_ rows: [Int]) -> Double {
      let cells = rows.flatMap { margins[$0 * classes..<($0 + 1) * classes] }
      return Temperature.inverse(cells, rows.map { labels[$0] }, classes: classes) * Self.log2OfE
    }
    let final = scale(Array(labels.indices))
    var outputs = margins
    func write(_ row: Int, _ scale: Double) {
      let place = row * classes..<(row + 1) * classes
      outputs.replaceSubrange(place, with: Postprocessing.shares(margins[place], scale: scale))
    }
    for row in labels.indices { write(row, final) }
    roles.eachFold { inside, outside in
      guard !outside.isEmpty else { return }
      let scale = scale(outside)
      for row in inside { write(row, scale) }
    }
    var result = Calibrated(
      outputs: outputs, quality: ModelQuality(labels: labels, shares: outputs, classes: classes))
    result.postprocessing = Postprocessing(link: .shares(scale: final))
    result.parameters["temperature"] = String(Self.log2OfE / final)
    result.notes = [crossFitted("The temperature is")]
    return result
  }

  private static let log2OfE = 1.442_695_040_888_963_4
}
