import Dataflow
import Features

/// Reads what a model says: `kind`, and the keys that belong to one kind only.
struct KindLoader {
  /// Keys of a model that belong to one kind only, and that kind.
  private static let owners: KeyValuePairs = [
    "classes": "classes", "quantiles": "quantiles", "group": "quantiles", "recall": "binary",
  ]
  /// Keys of a model that belong to one kind only.
  static let keys = owners.map(\.key)
  private static let kinds = ["regression", "binary", "classes", "quantiles", "anomaly"]
  private static let classesMax = 256
  private static let quantilesMax = 64

  let kind: ModelKind

  /// `section`: the model's.
  init(_ section: YAMLSection) throws(DeclarationError) {
    let word = try section["kind"]?.choice(of: Self.kinds)
    for entry in section.entries {
      guard let owner = Self.owners.first(where: { sameBytes($0.key, entry.key) })?.value, owner != word
      else { continue }
      throw DeclarationError(
        entry.position, found: "\(entry.key) of a model of \(word.map { "kind: \($0)" } ?? "no kind")",
        allowed: "\(entry.key) of models of kind: \(owner)")
    }
    switch word {
    case "binary":
      kind = .binary(
        recall: try section["recall"].map { (value) throws(DeclarationError) in
          try value.number(in: 0.01...1)
        })
    case "classes": kind = .classes(try Self.classes(section.required("classes")))
    case "quantiles":
      let quantiles = try Self.quantiles(section.required("quantiles"))
      _ = try section.required("outputs")
      kind = .quantiles(
        quantiles,
        group: try section["group"].map { (value) throws(DeclarationError) in
          FeatureMention(name: try value.string(), position: value.position)
        })
    case "anomaly": kind = .anomaly
    default: kind = .regression
    }
  }

  /// Whether models of the kind may have several outputs and a label.
  var hasSeveralOutputs: Bool {
    switch kind {
    case .classes, .quantiles: true
    case .regression, .binary, .anomaly: false
    }
  }

  /// Objectives that the kind allows, the usual one first; nil: those of a model without a kind. `isTrained`: whether it has a label.
  func objectives(isTrained: Bool) -> [String]? {
    switch kind {
    case .regression: nil
    case .binary: ["binary:logistic"]
    case .classes: ["multi:softprob"]
    case .quantiles: isTrained ? ["reg:squarederror"] : ["reg:squarederror", "reg:quantileerror"]
    case .anomaly: ["reg:squarederror"]
    }
  }

  private static func classes(_ value: YAMLValue) throws(DeclarationError) -> [String] {
    let items = try value.list()
    var classes: [String] = []
    for item in items {
      let word = try item.string()
      guard !word.isEmpty else { throw item.wrong(allowed: "the word of a class") }
      guard !classes.contains(where: { sameBytes($0, word) }) else {
        throw DeclarationError(item.position, found: "\(quoted(word)) twice", allowed: "each class once")
      }
      classes.append(word)
    }
    guard (2...classesMax).contains(classes.count) else {
      throw DeclarationError(
        value.position, found: "\(classes.count) classes", allowed: "2 to \(classesMax) classes, as [a, b]")
    }
    return classes
  }

  private static func quantiles(_ value: YAMLValue) throws(DeclarationError) -> [Double] {
    var quantiles: [Double] = []
    for item in try value.list() {
      let quantile = try item.number()
      guard quantile > 0, quantile < 1, quantiles.last.map({ $0 < quantile }) ?? true else {
        throw item.wrong(allowed: "quantiles that ascend, each above 0 and below 1, as [0.1, 0.5, 0.9]")
      }
      quantiles.append(quantile)
    }
    guard (2...quantilesMax).contains(quantiles.count) else {
      throw DeclarationError(
        value.position, found: "\(quantiles.count) quantiles",
        allowed: "2 to \(quantilesMax) quantiles, as [0.1, 0.5, 0.9]")
    }
    return quantiles
  }
}
