/// Whether a model was made for a pipeline's columns.
enum ColumnCheck {
  /// Differences that a text lists; more are counted.
  static let differencesMax = 5

  /// What differs, for readers; nil: nothing. Names are compared as UTF-8 bytes, with their order.
  static func difference(expected: [String], names: [String], count: Int) -> String? {
    if names.isEmpty {
      return "the model has no feature names, so it cannot be told what its \(count) features are; "
        + "the pipeline has \(expected.count)"
    }
    var different: [Int] = []
    for index in 0..<max(expected.count, names.count) {
      let isSame =
        index < expected.count && index < names.count && expected[index].utf8.elementsEqual(names[index].utf8)
      if !isSame { different.append(index) }
    }
    if different.isEmpty { return nil }
    let lines = different.prefix(differencesMax).map { index in
      let wanted = index < expected.count ? expected[index] : "nothing"
      let found = index < names.count ? names[index] : "nothing"
      return "column \(index + 1): expected \(wanted), found \(found)"
    }
    let more = different.count - lines.count
    return "made for other features (the pipeline has \(expected.count), the model \(names.count)): "
      + lines.joined(separator: "; ") + (more > 0 ? "; and \(more) more" : "")
      + "; train it again with \"tally train\""
  }
}
