internal import Dataflow

/// Looks at a model's rows before it is trained.
struct TrainingCheck {
  /// Held-back rows below which figures say little.
  static let heldBackRowsFew = 100
  /// Features that a warning names.
  static let featuresListedMax = 20

  private let model: ModelDeclaration
  private let label: String
  private let training: Sample
  private let heldBack: Sample
  /// Features without a value in the rows to learn from.
  private let missing: [String]
  /// Features with one value in all of them.
  private let constant: [String]
  private let features: Int

  init(_ model: ModelDeclaration, _ training: Sample, _ heldBack: Sample, _ columnNames: [String]) {
    self.model = model
    label = model.label ?? ""
    self.training = training
    self.heldBack = heldBack
    features = columnNames.count
    var missing: [String] = []
    var constant: [String] = []
    for (column, name) in columnNames.enumerated() {
      switch Self.spread(of: column, in: training) {
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
    guard !sample.labels.isEmpty else { return .missing }
    let first = sample.features(0)[column]
    for index in sample.labels.indices {
      let value = sample.features(index)[column]
      if value != first && !(value.isNaN && first.isNaN) { return .varied }
    }
    return first.isNaN ? .missing : .constant
  }

  /// Throws where there is nothing to learn, or nothing that may be learnt.
  func refuse() throws(TrainingError) {
    let count = training.labels.count + heldBack.labels.count
    guard let first = training.labels.first ?? heldBack.labels.first else {
      throw error(.noRows, "no rows with label \(label): are the labels of the log's entities and time?")
    }
    if let allowed = model.allowedLabels {
      let wrong = [training, heldBack].reduce(0) { $0 + $1.labels.count { !allowed.contains($0) } }
      guard wrong == 0 else {
        throw error(
          .invalidLabel,
          "\(model.objective) needs labels \(allowed.text) in \(label); \(wrong) of \(count) rows have others"
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
      let kind = model.isBinary ? "are of one class" : "have the same value"
      throw error(.constantLabel, "\(rows) \(kind) in \(label): there is nothing to learn")
    }
    guard missing.count + constant.count < features else {
      throw error(
        .constantFeatures,
        "none of the \(features) features has two values in the \(training.labels.count) rows to learn from: there is "
          + "nothing to learn by")
    }
  }

  /// What makes the figures doubtful.
  var warnings: [String] {
    var texts: [String] = []
    if !missing.isEmpty { texts.append("missing in all rows to learn from: \(Self.list(missing))") }
    if !constant.isEmpty { texts.append("of one value in all rows to learn from: \(Self.list(constant))") }
    if heldBack.labels.count < Self.heldBackRowsFew {
      texts.append(
        "only \(heldBack.labels.count) rows are held back: the figures, and when training stopped, are largely chance"
      )
    }
    if model.isBinary, heldBack.labels.allSatisfy({ $0 == heldBack.labels[0] }) {
      texts.append("the rows held back are of one class in \(label): there is no AUC")
    }
    return texts.map { "model \(model.name): \($0)" }
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
  /// Whether labels are 0 and 1, and outputs probabilities.
  var isBinary: Bool { objective == "binary:logistic" }

  /// What the objective takes for a label; nil: every number.
  fileprivate var allowedLabels: AllowedLabels? {
    switch objective {
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

  func contains(_ label: Float) -> Bool {
    switch self {
    case .classes: label == 0 || label == 1
    case .share: label >= 0 && label <= 1
    case .notNegative: label >= 0
    case .positive: label > 0
    case .aboveMinusOne: label > -1
    }
  }

  var text: String {
    switch self {
    case .classes: "0 and 1"
    case .share: "from 0 to 1"
    case .notNegative: "of 0 or more"
    case .positive: "above 0"
    case .aboveMinusOne: "above -1"
    }
  }
}
