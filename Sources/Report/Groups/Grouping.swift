internal import Dataflow
internal import Features

/// How rows fall into groups by one feature.
struct Grouping {
  /// Name of the feature.
  let feature: String
  /// Its column.
  let column: Int
  /// Names of the groups; the last one is of rows without a value.
  let titles: [String]
  private let kind: Kind

  private enum Kind {
    /// By the code, up to this many.
    case codes(Int)
    case bounds([Double])
  }

  /// nil: the pipeline has no such column, or one of numbers that nothing cuts.
  init?(_ declared: GroupDeclaration, _ columns: [ColumnDescription]) {
    guard
      let column = columns.firstIndex(where: { $0.name.utf8.elementsEqual(declared.feature.name.utf8) })
    else { return nil }
    feature = columns[column].name
    self.column = column
    if declared.bounds.isEmpty {
      guard let words = columns[column].codeWords else { return nil }
      kind = .codes(words.count)
      titles = words + ["missing"]
    } else {
      let bounds = declared.bounds
      kind = .bounds(bounds)
      let texts = bounds.map { NumberText.short($0, digits: 6) }
      titles =
        ["below \(texts[0])"] + texts.indices.dropLast().map { "\(texts[$0]) to below \(texts[$0 + 1])" }
        + ["from \(texts[texts.count - 1])", "missing"]
    }
  }

  /// The group of a cell.
  func group(of cell: Float) -> Int {
    if cell.isNaN { return titles.count - 1 }
    switch kind {
    case .codes(let count):
      guard let code = Int(exactly: cell), (0..<count).contains(code) else { return titles.count - 1 }
      return code
    case .bounds(let bounds):
      return bounds.firstIndex { Double(cell) < $0 } ?? bounds.count
    }
  }
}

extension ColumnDescription {
  /// What its codes mean, in order; nil: it is a number.
  var codeWords: [String]? {
    switch kind {
    case .number: nil
    case .flag: labels.count == 2 ? labels : ["no", "yes"]
    case .codes(let count): labels.count == count ? labels : (0..<count).map(String.init)
    case .category(let words): words + [words.contains("other") ? "(other)" : "other"]
    }
  }
}

/// Which outputs, and which labels, are the outcome of which shares are compared between groups.
struct OutcomeRule {
  /// For readers.
  let text: String
  /// Whether somebody declared that it is good for whom it is about.
  let isFavourable: Bool
  private let rule: Rule
  private let output: Int
  private let form: OutputForm

  private enum Rule {
    case atLeast(Double)
    case below(Double)
    case oneClass(Int)
  }

  /// nil: none is declared, and the form has no yes.
  init?(_ declared: FavourableOutcome?, _ form: OutputForm, outputs: [String], threshold: Double?) {
    self.form = form
    output = form.mainOutput
    isFavourable = declared != nil
    let name = outputs.indices.contains(form.mainOutput) ? outputs[form.mainOutput] : "output"
    switch declared {
    case .atLeast(let bound): rule = .atLeast(Double(bound))
    case .below(let bound): rule = .below(Double(bound))
    case .oneClass(let word):
      guard case .classes(let names) = form,
        let index = names.firstIndex(where: { $0.utf8.elementsEqual(word.utf8) })
      else { return nil }
      rule = .oneClass(index)
      text = "\(word) is the likeliest class"
      return
    case .atLeastThreshold:
      guard let threshold else { return nil }
      rule = .atLeast(threshold)
    case .belowThreshold:
      guard let threshold else { return nil }
      rule = .below(threshold)
    case nil:
      guard let threshold else { return nil }
      if case .probability = form {} else if form != .anomaly { return nil }
      rule = .atLeast(threshold)
    }
    text =
      switch rule {
      case .atLeast(let bound): "\(name) of \(NumberText.short(bound)) or more"
      case .below(let bound): "\(name) below \(NumberText.short(bound))"
      case .oneClass: name
      }
  }

  /// Whether outputs of a row are it.
  func isSelected(_ outputs: ArraySlice<Double>) -> Bool {
    let value = outputs[outputs.startIndex + output]
    return switch rule {
    case .atLeast(let bound): value >= bound
    case .below(let bound): value < bound
    case .oneClass(let index): ClassFigures.likeliest(outputs) == index
    }
  }

  /// Whether a label is it.
  func isTrue(_ label: Double) -> Bool {
    switch rule {
    case .atLeast(let bound): form == .probability ? label > 0.5 : label >= bound
    case .below(let bound): form == .probability ? label <= 0.5 : label < bound
    case .oneClass(let index): Int(label) == index
    }
  }
}
