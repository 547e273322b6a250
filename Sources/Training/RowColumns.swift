internal import Features

/// The columns of a table of training rows.
///
/// `entity,as_of,as_of_us,label_time_us,row_order,split`, then every feature by name, behind a category its word as
/// `NAME_word`, then the labels by name.
struct RowColumns {
  /// Columns before the features.
  static let places = ["entity", "as_of", "as_of_us", "label_time_us", "row_order", "split"]
  /// Feature names, in column order.
  let features: [String]
  /// For each feature: words for its codes; empty for numbers.
  let words: [[String]]
  /// Label names.
  let labels: [String]
  /// For each label: words for its classes; empty for numbers.
  let classes: [[String]]

  /// The columns for a pipeline's features and some labels of those that are learnt.
  init(_ program: FeatureProgram, labels: [String], of learnt: LearntLabels) {
    features = program.columnNames
    words = program.columnLabels
    self.labels = labels
    classes = labels.map { learnt.classes(of: $0) }
  }

  /// All names in the order in which they are written.
  var names: [String] {
    Self.places + zip(features, words).flatMap { $1.isEmpty ? [$0] : [$0, Self.wordColumn($0)] } + labels
  }

  /// A name that two columns have; nil: they all differ.
  var repeated: String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }

  static func wordColumn(_ feature: String) -> String { "\(feature)_word" }
}
