import Events
public import XGBoost

/// The comparison with libxgboost that every model has to pass when it is loaded.
///
/// Generated rows are scored by both: values at the model's own thresholds, just below and just above, zeros of both
/// signs, missing values, infinities, denormals, large ones; of categories those in the model's sets and their neighbours,
/// unseen ones, negative ones, too large ones, fractions. Every output and every margin must be the same to the last bit.
struct ForestCheck {
  /// Rows that are compared.
  static let rows = 1_000
  /// Rows of a call that are never taken for lanes.
  private static let rowsOfAShortCall = 5
  /// Cells of rows in memory at once: models of more than 4,096 columns are compared over fewer rows.
  static let cellsMax = 1 << 22
  private static let edges: [Float] = [
    0, -0.0, .nan, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, 1e30, -1e30,
    .greatestFiniteMagnitude, .infinity, -.infinity,
  ]

  /// Throws when model `index` of a forest differs from what libxgboost makes of `ensemble`; `name` is the file.
  static func check(
    _ forest: Forest, _ index: Int, _ ensemble: TreeEnsemble, name: String, rows: Int = rows,
    seed: UInt64 = SplitMix64.step
  ) throws(XGBoostError) {
    let rows = max(1, min(rows, cellsMax / ensemble.featureCount))
    // Prediction of DART in place differs from that of a matrix in version 1.7; a matrix takes no infinity, and alone
    // takes a base score for each group.
    let isMatrix = ensemble.isDart || Set(ensemble.baseMargins).count > 1
    let input = inputs(ensemble, rows: rows, seed: seed, hasInfinities: !isMatrix)
    let booster = try Booster(reference: ensemble)
    let library = try expected(booster, ensemble, input, rows: rows, isMatrix: isMatrix)
    let expectedValues = scores(ensemble, library)
    // Few rows a call go another way through the trees than many.
    for call in [rows, rowsOfAShortCall] {
      let margins = forest.values(input, model: index, isMargin: true, rowsOfACall: call)
      let values = forest.values(input, model: index, isMargin: false, rowsOfACall: call)
      try compare(margins, library.margins, "margin", name)
      try compare(values, expectedValues, "score", name)
    }
  }

  /// The library's scores, made of its margins where its version knows less than the file's.
  private static func scores(
    _ ensemble: TreeEnsemble, _ library: (margins: [Float], values: [Float])
  ) -> [Float] {
    switch ensemble.transform {
    case .identity: library.margins
    case .sorted:
      stride(from: 0, to: library.margins.count, by: ensemble.groups).flatMap { row in
        library.margins[row..<row + ensemble.groups].sorted()
      }
    default: library.values
    }
  }

  private static func compare(
    _ found: [Float], _ expected: [Float], _ what: String, _ name: String
  ) throws(XGBoostError) {
    let different = (0..<max(found.count, expected.count)).filter {
      $0 >= found.count || $0 >= expected.count || found[$0].bitPattern != expected[$0].bitPattern
    }
    guard let first = different.first else { return }
    let values =
      found.count == expected.count
      ? "\(found[first]) and \(expected[first])" : "\(found.count) and \(expected.count) values"
    throw XGBoostError(
      operation: "check \(name)",
      cause: """
        \(different.count) of \(expected.count) \(what)s of generated rows differ from libxgboost's, the first is \
        \(values); the model is not served
        """)
  }

  private static func expected(
    _ booster: borrowing Booster, _ ensemble: TreeEnsemble, _ input: [Float], rows: Int, isMatrix: Bool
  ) throws(XGBoostError) -> (margins: [Float], values: [Float]) {
    if isMatrix {
      let matrix = try Matrix(
        values: input, rows: rows, columns: ensemble.featureCount, labels: [Float](repeating: 0, count: rows))
      if Set(ensemble.baseMargins).count > 1 {
        try matrix.setBaseMargins((0..<rows).flatMap { _ in ensemble.baseMargins })
      }
      return (try booster.predict(matrix, kind: .margin), try booster.predict(matrix, kind: .value))
    }
    var margins = [Float](repeating: 0, count: rows * ensemble.groups)
    var values = [Float](repeating: 0, count: rows * ensemble.outputs)
    try booster.predict(
      input, rows: rows, columns: ensemble.featureCount, outputs: ensemble.groups, kind: .margin,
      into: &margins)
    try booster.predict(
      input, rows: rows, columns: ensemble.featureCount, outputs: ensemble.outputs, kind: .value,
      into: &values)
    return (margins, values)
  }

  /// Rows of values that tell evaluations apart.
  static func inputs(_ ensemble: TreeEnsemble, rows: Int, seed: UInt64, hasInfinities: Bool) -> [Float] {
    var thresholds = [[Float]](repeating: [], count: ensemble.featureCount)
    var categories = [[Float]](repeating: [], count: ensemble.featureCount)
    for tree in ensemble.trees {
      for node in tree.left.indices where tree.left[node] >= 0 {
        let feature = Int(tree.feature[node])
        if let set = tree.set(node) {
          let words = ensemble.categorySets[set]
          let last = Float(words.count * 32)
          // A few of each set: those that are in it, and the one behind its last word.
          categories[feature].append(last)
          for index in words.indices where words[index] != 0 && categories[feature].count < 4096 {
            categories[feature].append(Float(index * 32 + words[index].trailingZeroBitCount))
            categories[feature].append(Float(index * 32 + 31 - words[index].leadingZeroBitCount))
          }
        } else {
          thresholds[feature].append(tree.value[node])
        }
      }
    }
    var random = SplitMix64(seed: seed)
    var input = [Float](repeating: 0, count: rows * ensemble.featureCount)
    for cell in input.indices {
      let feature = cell % ensemble.featureCount
      let isCategory = !categories[feature].isEmpty && (thresholds[feature].isEmpty || random.below(2) == 0)
      input[cell] =
        isCategory
        ? category(categories[feature], &random)
        : number(thresholds[feature], &random)
      if !hasInfinities && input[cell].isInfinite { input[cell] = .nan }
    }
    return input
  }

  private static func number(_ known: [Float], _ random: inout SplitMix64) -> Float {
    let kind = random.below(16)
    if known.isEmpty || kind < 2 { return edges[random.below(edges.count)] }
    let value = known[random.below(known.count)]
    switch kind {
    case 2..<6: return value
    case 6..<10: return value.nextDown
    case 10..<14: return value.nextUp
    default: return .nan
    }
  }

  private static func category(_ known: [Float], _ random: inout SplitMix64) -> Float {
    let value = known[random.below(known.count)]
    switch random.below(12) {
    case 0: return .nan
    case 1: return -1
    case 2: return 16_777_216
    case 3: return 16_777_215
    case 4: return value + 0.5
    case 5: return value + 1
    case 6: return max(value - 1, 0)
    case 7: return edges[random.below(edges.count)]
    default: return value
    }
  }
}

extension SplitMix64 {
  /// A number below `bound`.
  fileprivate mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

extension Forest {
  /// One model's outputs or margins of rows, [row][output], or [row][group].
  func values(_ input: [Float], model index: Int, isMargin: Bool, rowsOfACall: Int = .max) -> [Float] {
    let rows = input.count / columns
    let widths = isMargin ? groups : outputs
    let stride = widths.reduce(0, +)
    let first = widths[..<index].reduce(0, +)
    var all = [Float](repeating: 0, count: rows * stride)
    let scratch = makeScratch()
    input.withUnsafeBufferPointer { input in
      all.withUnsafeMutableBufferPointer { all in
        guard let from = input.baseAddress, let to = all.baseAddress else { return }
        var row = 0
        while row < rows {
          let count = min(rowsOfACall, rows - row)
          if isMargin {
            margins(from + row * columns, rows: count, scratch: scratch, into: to + row * stride)
          } else {
            score(from + row * columns, rows: count, scratch: scratch, into: to + row * stride)
          }
          row += count
        }
      }
    }
    if widths.count == 1 { return all }
    return (0..<rows).flatMap { row in all[(row * stride + first)..<(row * stride + first + widths[index])] }
  }
}

extension Forest {
  /// Compares every model with libxgboost over 1,000 generated rows, bit for bit: see `ForestCheck`.
  ///
  /// `ensembles`: what the forest was made of; `names`: their files, for errors. Throws at the first difference.
  public func check(_ ensembles: [TreeEnsemble], names: [String]) throws(XGBoostError) {
    precondition(ensembles.count == outputs.count && names.count == outputs.count)
    for index in ensembles.indices {
      try ForestCheck.check(self, index, ensembles[index], name: names[index])
    }
  }
}

extension TreeEnsemble {
  /// Rows of values at, below and above the thresholds, and of special ones: [row][column]. Fewer than `count` when the model
  /// has so many columns that they would be more than four million values.
  public func generatedRows(_ count: Int, seed: UInt64 = 1) -> [Float] {
    ForestCheck.inputs(
      self, rows: max(1, min(count, ForestCheck.cellsMax / featureCount)), seed: seed, hasInfinities: true)
  }
}
