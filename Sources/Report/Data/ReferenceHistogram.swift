internal import Dataflow
internal import Features

/// How the values of a feature or an output were spread when a model was made, in bins that stay: drift is counted in the same ones.
struct ReferenceHistogram: Equatable {
  /// Bins that quantiles aim at; values with a larger share have a bin of their own, so there may be up to twice as many.
  static let binsWanted = 20

  enum Bins: Equatable {
    /// From `lower` on, each up to its `upper` value and with it.
    case numbers(lower: Float, upper: [Float])
    /// A code each.
    case words([String])
    /// There was no value.
    case none
  }

  let name: String
  let bins: Bins
  /// Rows by bin.
  private(set) var counts: [Int]
  /// Rows below the first bin; of words, with a value that is no code.
  private(set) var below = 0
  /// Rows above the last bin.
  private(set) var above = 0
  /// Rows without a value.
  private(set) var missing = 0

  init(name: String, words: [String]) {
    self.name = name
    bins = .words(words)
    counts = words.map { _ in 0 }
  }

  /// `sample`: values from which bins are made; `range`: of all values.
  init(name: String, sample: [Float], range: ColumnRange) {
    self.name = name
    guard let bounds = range.bounds else {
      bins = .none
      counts = []
      return
    }
    var upper = Self.upper(sample.filter(\.isFinite).sorted())
    // The sample may lack the ends.
    if let last = upper.last, last < bounds.upperBound { upper[upper.count - 1] = bounds.upperBound }
    if upper.isEmpty { upper = [bounds.upperBound] }
    bins = .numbers(lower: bounds.lowerBound, upper: upper)
    counts = upper.map { _ in 0 }
  }

  /// The greatest value of each bin.
  static func upper(_ sorted: [Float]) -> [Float] {
    let share = max((sorted.count + binsWanted - 1) / binsWanted, 1)
    var upper: [Float] = []
    var held = 0
    var start = 0
    while start < sorted.count {
      var end = start + 1
      while end < sorted.count && sorted[end] == sorted[start] { end += 1 }
      if held > 0 && end - start >= share {
        upper.append(sorted[start - 1])
        held = 0
      }
      held += end - start
      if held >= share || end == sorted.count {
        upper.append(sorted[start])
        held = 0
      }
      start = end
    }
    return upper
  }

  mutating func add(_ value: Float) {
    if value.isNaN {
      missing += 1
      return
    }
    switch bins {
    case .none: if value < 0 { below += 1 } else { above += 1 }
    case .words:
      if let code = Int(exactly: value), counts.indices.contains(code) {
        counts[code] += 1
      } else {
        below += 1
      }
    case .numbers(let lower, let upper):
      if value < lower {
        below += 1
      } else if value > upper[upper.count - 1] {
        above += 1
      } else {
        var (first, last) = (0, upper.count - 1)
        while first < last {
          let middle = (first + last) / 2
          if value <= upper[middle] { last = middle } else { first = middle + 1 }
        }
        counts[first] += 1
      }
    }
  }

  /// One JSON object.
  var json: String {
    let counted = "\"counts\":[\(counts.map(String.init).joined(separator: ","))]"
    let head = "{\"name\":\(JSONText.quote(name)),"
    switch bins {
    case .none:
      return head + "\"type\":\"empty\",\"missing\":\(missing),\"below\":\(below),\"above\":\(above)}"
    case .words(let words):
      let list = words.map { JSONText.quote($0) }.joined(separator: ",")
      return head
        + "\"type\":\"category\",\"words\":[\(list)],\(counted),\"missing\":\(missing),\"unknown\":\(below)}"
    case .numbers(let lower, let upper):
      let list = upper.map { JSONText.number($0) }.joined(separator: ",")
      return head + "\"type\":\"number\",\"lower\":\(JSONText.number(lower)),\"upper\":[\(list)],\(counted),"
        + "\"missing\":\(missing),\"below\":\(below),\"above\":\(above)}"
    }
  }
}

/// Histograms of the features of the rows that were learnt from, and of the outputs for the rows held back: `reference.json`.
struct ReferenceHistograms {
  let features: [ReferenceHistogram]
  let outputs: [ReferenceHistogram]
  let rows: Int
  let heldBackRows: Int

  init(_ evaluation: Evaluation, sample: ColumnSample, ranges: [ColumnRange]) {
    let columns = evaluation.columns
    var features = columns.enumerated().map { index, column in
      column.codeWords.map { ReferenceHistogram(name: column.name, words: $0) }
        ?? ReferenceHistogram(name: column.name, sample: sample.columns[index], range: ranges[index])
    }
    evaluation.training.features.forEach(columns: columns.count) { _, cells in
      for column in features.indices { features[column].add(cells[column]) }
    }
    let width = evaluation.model.outputs.count
    let count = evaluation.heldBack.features.count
    outputs = evaluation.model.outputs.enumerated().map { index, name in
      let values = (0..<count).map { evaluation.outputs[$0 * width + index] }
      var range = ColumnRange()
      for value in values { range.add(value) }
      let some = ColumnSample.evenly(ColumnSample.rowsMost, of: count).map { values[$0] }
      var histogram = ReferenceHistogram(name: name, sample: some, range: range)
      for value in values { histogram.add(value) }
      return histogram
    }
    self.features = features
    rows = evaluation.training.features.count
    heldBackRows = count
  }

  /// The file's text.
  var json: String {
    func list(_ all: [ReferenceHistogram]) -> String { all.map { "    " + $0.json }.joined(separator: ",\n") }
    return """
      {
        "format": 1,
        "rows": \(rows),
        "rows_held_back": \(heldBackRows),
        "features": [
      \(list(features))
        ],
        "outputs": [
      \(list(outputs))
        ]
      }

      """
  }
}

/// Values as JSON has them.
enum JSONText {
  static func quote(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// The shortest text that is this number again; whole ones without a point.
  static func number(_ value: Float) -> String {
    let text = value == 0 ? "0" : "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
