import Features
import XGBoost

/// Whether the types of a model's features can be those of a pipeline's columns.
enum FeatureTypeCheck {
  /// What is wrong with the first column that differs; nil: nothing.
  ///
  /// A category's values are codes, which a model must compare as such ("c"); a model that compares numbers with sets of
  /// categories, or that learnt truth values where numbers come, was made of other columns. A file without types is held to
  /// its splits.
  static func difference(_ columns: [ColumnDescription], _ ensemble: TreeEnsemble) -> String? {
    for (index, type) in ensemble.featureTypes.enumerated() where !allowed(columns[index].kind).contains(type)
    {
      let types = allowed(columns[index].kind).map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      return "feature \(columns[index].name) has the type \"\(type.rawValue)\" in the model and is "
        + "\(text(columns[index].kind)) in the pipeline, where the model's type must be one of \(types): "
        + advice(columns[index].kind, type)
    }
    for tree in ensemble.trees {
      for node in tree.left.indices where tree.left[node] >= 0 && tree.set(node) != nil {
        let column = columns[Int(tree.feature[node])]
        guard allowed(column.kind).contains(.category) else {
          return "the model compares feature \(column.name) with sets of categories, but it is "
            + "\(text(column.kind)) in the pipeline: declare it as a category, or train the model with it as a number"
        }
      }
    }
    return nil
  }

  private static func allowed(_ kind: ColumnKind) -> [FeatureType] {
    switch kind {
    case .number: [.float, .int, .quantity]
    case .flag: [.indicator, .int, .float, .quantity, .category]
    case .codes: [.int, .float, .quantity, .category]
    case .category: [.category]
    }
  }

  private static func text(_ kind: ColumnKind) -> String {
    switch kind {
    case .number: "a number"
    case .flag: "a flag"
    case .codes(let count): "a number of 0…\(count - 1)"
    case .category: "a category"
    }
  }

  private static func advice(_ kind: ColumnKind, _ type: FeatureType) -> String {
    switch (kind, type) {
    case (.category, _):
      "train it with the column as a category (pandas: dtype category, with enable_categorical=True)"
    case (_, .category): "declare it as a category, or train the model with it as a number"
    default: "train it with the column as a number"
    }
  }
}
