internal import Dataflow

/// Looks at a model's rows before it is trained.
struct TrainingCheck {
  /// Held-back rows below which figures say little.
  static let heldBackRowsFew = 100
  /// Features that a warning names.
  static let featuresListedMax = 20

  private let model: ModelDeclaration
  private let label: String
  private let roles: TrainingRoles
  private var training: Sample { roles.learn }
  private var heldBack: Sample { roles.held }
  /// Features without a value in the rows to learn from.
  private let missing: [String]
  /// Features with one value in all of them.
  private let constant: [String]
  private let features: Int

  init(_ model: ModelDeclaration, _ roles: TrainingRoles, _ columnNames: [String]) {
    self.model = model
    label = model.label ?? ""
    self.roles = roles
    features = columnNames.count
    var missing: [String] = []
    var constant: [String] = []
    for (column, name) in columnNames.enumerated() {
      switch Self.spread(of: column, in: roles.learn) {
      case .missing: missing.append(name)
      case .constant: constant.append(name)
      case .varied: break
      }
    }
    self.missing = missing
    self.constant = constant
  }

  private enum Spread {
    case missing
    case constant
    case varied
  }

  /// A value in some rows and none in others is something to learn from.
  private static func spread(of column: Int, in sample: Sample) -> Spread {
    guard let first = sample.values.indices.contains(column) ? sample.values[column] : nil else {
      return .missing
    }
    for place in stride(from: column, to: sample.values.count, by: sample.columns) {
      let value = sample.values[place]
      if value != first && !(value.isNaN && first.isNaN) { return .varied }
    }
    return first.isNaN ? .missing : .constant
  }

  /// Throws where there is nothing to learn, or nothing that may be learnt.
  func refuse() throws(TrainingError) {
    if model.kind == .anomaly {
      guard training.count > 1 else {
        throw error(.noRows, "\(training.count) rows to learn from: an isolation forest needs two at least")
      }
    } else {
      try refuseLabels()
    }
    try refuseWeights()
    guard missing.count + constant.count < features else {
      throw error(
        .constantFeatures,
        "none of the \(features) features has two values in the \(training.count) rows to learn from: there is "
          + "nothing to learn by")
    }
  }

  private var samples: [Sample] {
    roles.stopsApart ? [training, roles.stop, heldBack] : [training, heldBack]
  }

  private func refuseLabels() throws(TrainingError) {
    let count = samples.reduce(0) { $0 + $1.count }
    guard let first = training.labels.first ?? heldBack.labels.first else {
      throw error(.noRows, "no rows with label \(label): are the labels of the log's entities and time?")
    }
    if let allowed = model.allowedLabels {
      let wrong = samples.reduce(0) { $0 + $1.labels.count { !allowed.contains($0) } }
      guard wrong == 0 else {
        throw error(
          .invalidLabel,
          "\(model.trainedObjective) needs labels \(allowed.text) in \(label); \(wrong) of \(count) rows have others"
        )
      }
    }
    guard !training.labels.isEmpty, !heldBack.labels.isEmpty else {
      throw error(.tooFewEntities, "too few entities with label \(label) to hold some back (\(count) rows)")
    }
    guard training.labels.contains(where: { $0 != training.labels[0] }) else {
      let rows =
        heldBack.labels.allSatisfy { $0 == first }
        ? "all \(count) rows" : "the \(training.labels.count) rows to learn from"
      throw error(
        .constantLabel,
        "\(rows) \(isOfClasses ? "are of one class" : "have the same value") in \(label): there is nothing to learn"
      )
    }
  }

  private func refuseWeights() throws(TrainingError) {
    let (wrong, count) = samples.reduce((0, 0)) { sums, sample in
      (sums.0 + (sample.weights?.count { !($0 > 0 && $0.isFinite) } ?? 0), sums.1 + sample.count)
    }
    guard wrong == 0 else {
      throw error(
        .invalidWeight, "weights must be above 0; \(wrong) of \(count) rows have a missing one, 0 or less")
    }
  }

  private var isOfClasses: Bool {
    if case .classes = model.kind { return true }
    return model.isBinary
  }

  /// What makes the figures doubtful.
  var warnings: [String] {
    var texts: [String] = []
    if !missing.isEmpty { texts.append("missing in all rows to learn from: \(Self.list(missing))") }
    if !constant.isEmpty { texts.append("of one value in all rows to learn from: \(Self.list(constant))") }
    if heldBack.count < Self.heldBackRowsFew {
      texts.append(
        "only \(heldBack.count) rows are held back: the figures, and when training stopped, are largely chance"
      )
    }
    if model.isBinary, heldBack.isOfOneClass {
      let calibration =
        model.kind == .regression
        ? ""
        : ", and probabilities are calibrated by rows that were learnt from, which makes them too sure of themselves"
      texts.append("the rows held back are of one class in \(label): there is no AUC\(calibration)")
    }
    texts += warningsOfKind
    return texts.map { "model \(model.name): \($0)" }
  }

  private var warningsOfKind: [String] {
    var texts: [String] = []
    switch model.kind {
    case .classes(let classes):
      let seen = Set(training.labels.map { Int($0) })
      let absent = classes.indices.filter { !seen.contains($0) }.map { classes[$0] }
      if !absent.isEmpty {
        texts.append(
          "no row to learn from is of a class of \(label), so it is never likely: \(Self.list(absent))")
      }
    case .quantiles(let levels, _):
      var labels = training.labels
      let values = labels.withUnsafeMutableBufferPointer { labels in
        levels.map { WeightedQuantile.of(labels, level: $0) }
      }
      let same = levels.indices.dropFirst().filter { values[$0] == values[$0 - 1] }
      if !same.isEmpty {
        let list = same.map { "\(levels[$0 - 1]) and \(levels[$0])" }.joined(separator: ", ")
        texts.append(
          "quantiles of \(label) coincide, as so many rows to learn from have the same label: \(list)")
      }
    case .anomaly:
      if training.count < IsolationForest.rowsFew {
        texts.append(
          "only \(training.count) rows to learn from: each tree of the forest takes \(IsolationForest.rowsFew)"
        )
      }
    case .regression, .binary: break
    }
    if !roles.stopsApart, model.kind != .regression, model.kind != .anomaly {
      texts.append(
        "too few entities to stop training by others than those held back: figures are a little too good")
    }
    return texts
  }

  private func error(_ code: TrainingError.Code, _ text: String) -> TrainingError {
    TrainingError(code, "model \(model.name): \(text)")
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(featuresListedMax).joined(separator: ", ")
    return names.count > featuresListedMax ? "\(shown) and \(names.count - featuresListedMax) more" : shown
  }
}

extension ModelDeclaration {
  /// What the objective takes for a label; nil: every number.
  fileprivate var allowedLabels: AllowedLabels? {
    if case .classes(let classes) = kind { return .numbers(below: classes.count) }
    return switch trainedObjective {
    case "binary:logistic", "binary:logitraw": .classes
    case "reg:logistic": .share
    case "count:poisson", "reg:tweedie": .notNegative
    case "reg:gamma": .positive
    case "reg:squaredlogerror": .aboveMinusOne
    default: nil
    }
  }
}

/// Labels that an objective of XGBoost takes (its documentation, "Learning Task Parameters").
private enum AllowedLabels {
  case classes
  case share
  case notNegative
  case positive
  case aboveMinusOne
  case numbers(below: Int)

  func contains(_ label: Float) -> Bool {
    switch self {
    case .classes: label == 0 || label == 1
    case .share: label >= 0 && label <= 1
    case .notNegative: label >= 0
    case .positive: label > 0
    case .aboveMinusOne: label > -1
    case .numbers(let count): label >= 0 && label < Float(count) && label == label.rounded()
    }
  }

  var text: String {
    switch self {
    case .classes: "0 and 1"
    case .share: "from 0 to 1"
    case .notNegative: "of 0 or more"
    case .positive: "above 0"
    case .aboveMinusOne: "above -1"
    case .numbers(let count): "of \(count) declared classes"
    }
  }
}
