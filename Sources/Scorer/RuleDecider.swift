public import Dataflow
public import Features

/// Makes the declared decisions of outputs.
///
/// Decisions are made in their order, so one that comes before a clamp sees the output unclamped. NaN stays NaN when
/// clamped, reaches no threshold and triggers nothing. Thresholds that models have chosen come with each batch, as models may be replaced.
public final class RuleDecider: Decider {
  /// Decision names without clamps, in column order.
  public let decisionNames: [String]
  /// For each decision: labels by code; empty: a trigger, whose code is 0 or 1.
  public let decisionLabels: [[String]]
  private let rules: [Rule]
  private let thresholds: [Float]
  private let columns: Int
  private let results: ResultProgram?
  private let registers: UnsafeMutablePointer<Double>?

  /// A decider for outputs of these names, of models and of numbers; throws `PortError` with code `misuse` for a decision that cannot be
  /// made. `results`: how numbers and conditions are made; nil: there are none.
  public init(
    _ decisions: [DecisionDeclaration], outputNames: [String], results: ResultProgram? = nil
  ) throws {
    var rules: [Rule] = []
    var thresholds: [Float] = []
    var names: [String] = []
    var labels: [[String]] = []
    func column(_ output: String, _ decision: String) throws -> Int {
      guard let column = outputNames.firstIndex(where: { $0.utf8.elementsEqual(output.utf8) }) else {
        throw PortError(
          .misuse, "\(decision): no output \(output)",
          cause: "outputs are \(outputNames.joined(separator: ", "))", reason: .modelUnusable)
      }
      return column
    }
    func check(_ result: Int, _ name: String) throws {
      guard let results, result >= 0, result < results.count else {
        throw PortError(.misuse, "decision \(name): nothing makes it", reason: .modelUnusable)
      }
    }
    for decision in decisions {
      switch decision {
      case .clamp(let output, let minimum, let maximum):
        guard minimum <= maximum else {
          throw PortError(
            .misuse, "clamp of \(output): the minimum \(minimum) is above the maximum \(maximum)",
            reason: .modelUnusable)
        }
        rules.append(.clamp(column: try column(output, "clamp"), minimum: minimum, maximum: maximum))
      case .category(let name, let output, let steps, let otherwise):
        let isDescending = zip(steps, steps.dropFirst()).allSatisfy { $0.atLeast > $1.atLeast }
        guard isDescending, steps.allSatisfy({ !$0.atLeast.isNaN }) else {
          throw PortError(.misuse, "decision \(name): its thresholds do not descend", reason: .modelUnusable)
        }
        rules.append(
          .category(
            column: try column(output, "decision \(name)"), first: thresholds.count, count: steps.count))
        thresholds.append(contentsOf: steps.map(\.atLeast))
        names.append(name)
        labels.append(steps.map(\.label) + [otherwise])
      case .trigger(let name, let output, let above):
        rules.append(.trigger(column: try column(output, "decision \(name)"), above: above))
        names.append(name)
        labels.append([])
      case .modelTrigger(let name, let output):
        rules.append(.modelTrigger(column: try column(output, "decision \(name)")))
        names.append(name)
        labels.append([])
      case .likeliest(let name, let outputs, let classes):
        let columns = try outputs.map { try column($0, "decision \(name)") }
        guard let first = columns.first, columns == Array(first..<first + classes.count) else {
          throw PortError(
            .misuse, "decision \(name): \(classes.count) classes of \(columns.count) outputs",
            reason: .modelUnusable)
        }
        rules.append(.likeliest(first: first, count: classes.count))
        names.append(name)
        labels.append(classes)
      case .number(let name, let result, let source):
        try check(result, name)
        rules.append(
          .number(column: try column(name, "number \(name)"), result: result, hasSource: source != nil))
        if let source {
          names.append(source.name)
          labels.append(source.labels)
        }
      case .condition(let name, let result):
        try check(result, name)
        rules.append(.condition(result: result))
        names.append(name)
        labels.append([])
      }
    }
    self.results = results
    registers = results?.makeRegisters()
    self.rules = rules
    self.thresholds = thresholds
    decisionNames = names
    decisionLabels = labels
    columns = outputNames.count
  }

  deinit { registers?.deallocate() }

  /// Fills in numbers, clamps outputs in place and appends every row's decision codes. An output that has no threshold reaches none.
  public func decide(
    _ outputs: FloatMatrix, carried: RowMatrix<Double>, thresholds: [Float], into decisions: inout [Int32]
  ) {
    precondition(outputs.columns == columns)
    var row = outputs.base
    var values = carried.base
    for _ in 0..<outputs.rows {
      for rule in rules { apply(rule, to: row, values, thresholds, into: &decisions) }
      row += columns
      values += carried.columns
    }
  }

  @inline(__always)
  private func apply(
    _ rule: Rule, to row: UnsafeMutablePointer<Float>, _ carried: UnsafePointer<Double>,
    _ chosen: [Float], into decisions: inout [Int32]
  ) {
    switch rule {
    case .clamp(let column, let minimum, let maximum):
      if row[column] < minimum { row[column] = minimum }
      if row[column] > maximum { row[column] = maximum }
    case .category(let column, let first, let count):
      var code = 0
      while code < count, !(row[column] >= thresholds[first + code]) { code += 1 }
      decisions.append(Int32(truncatingIfNeeded: code))
    case .trigger(let column, let above):
      decisions.append(row[column] > above ? 1 : 0)
    case .modelTrigger(let column):
      decisions.append(column < chosen.count && row[column] >= chosen[column] ? 1 : 0)
    case .likeliest(let first, let count):
      var best = -1
      for place in 0..<count where !row[first + place].isNaN {
        if best < 0 || row[first + place] > row[first + best] { best = place }
      }
      decisions.append(Int32(truncatingIfNeeded: best))
    case .number(let column, let result, let hasSource):
      guard let results, let registers else { return }
      let made = results.value(of: result, carried: carried, outputs: row, registers)
      let cell = Float(made.value)
      row[column] = cell.isFinite ? cell : .nan
      if hasSource { decisions.append(made.source) }
    case .condition(let result):
      guard let results, let registers else { return }
      let made = results.value(of: result, carried: carried, outputs: row, registers)
      decisions.append(made.value < 0 || made.value > 0 ? 1 : 0)
    }
  }
}

/// A decision with its output's column.
private enum Rule {
  case clamp(column: Int, minimum: Float, maximum: Float)
  /// Thresholds lie in the decider's array.
  case category(column: Int, first: Int, count: Int)
  case trigger(column: Int, above: Float)
  case modelTrigger(column: Int)
  case likeliest(first: Int, count: Int)
  case number(column: Int, result: Int, hasSource: Bool)
  case condition(result: Int)
}
