import Events

/// What is made of outputs, while it is being compiled.
///
/// Parts of an expression that name no output are steps of the row's program; their values are carried to where the outputs are known.
struct JudgementDraft {
  /// Whether steps go into this program now, with the row's aside in `other`.
  private(set) var isOpen = false
  /// The builder that is not in use.
  private var other = RowBuilder()
  /// Names of the models' outputs, then of numbers made of them, with their registers.
  private(set) var outputs: [(name: String, register: Int32)] = []
  /// Registers of the row's program that are carried, in order, and where they arrive.
  private(set) var carried: [(from: Int32, to: Int32)] = []
  var results: [ResultDraft] = []
  /// Place among the carried values of what `score_when` says; nil: nothing.
  var scoreWhen: Int?
  /// Places among the carried values of what models learn.
  var labels: [Int] = []
  /// For each of them the words of its codes; empty: it is a number.
  var labelWords: [LabelWords] = []
  /// Places among the carried values of what rows weigh.
  var weights: [Int] = []

  /// The program's builder; to be asked when it is not open.
  var builder: RowBuilder { other }

  /// Swaps the builders.
  mutating func toggle(_ row: inout RowBuilder) {
    swap(&row, &other)
    isOpen.toggle()
  }

  /// Adds an output; the builder in use must be this program's.
  mutating func add(output: String, _ row: inout RowBuilder) { outputs.append((output, row.input())) }

  func register(ofOutput name: String) -> Int32? {
    isOpen ? outputs.first { $0.name.utf8.elementsEqual(name.utf8) }?.register : nil
  }

  func mentionsOutputs(_ expression: Expression) -> Bool {
    switch expression.kind {
    // A literal needs no carrying.
    case .number, .duration, .text: true
    case .name(let name): outputs.contains { $0.name.utf8.elementsEqual(name.utf8) }
    case .member: false
    case .not(let inner), .negate(let inner): mentionsOutputs(inner)
    case .binary(_, let left, let right): mentionsAny([left, right])
    case .call(_, let arguments):
      mentionsAny(arguments.map(\.value)) || mentionsAny(arguments.compactMap(\.condition))
    }
  }

  private func mentionsAny(_ parts: [Expression]) -> Bool {
    parts.contains { part in
      switch part.kind {
      case .number, .duration, .text: false
      default: mentionsOutputs(part)
      }
    }
  }

  /// Place among the carried values of a register of the row's program.
  mutating func place(of register: Int32, _ late: inout RowBuilder) -> Int {
    if let place = carried.firstIndex(where: { $0.from == register }) { return place }
    carried.append((register, late.input()))
    return carried.count - 1
  }

  /// The same, when the row's builder is in use.
  mutating func place(of register: Int32) -> Int {
    var late = other
    defer { other = late }
    return place(of: register, &late)
  }
}

/// What a state holds for what was compiled so far.
private struct Kept: Equatable {
  private let series: [String]
  private let components: [Set<Component>]
  private let attributes: [[Int]]

  init(_ compiler: FeatureCompiler) {
    series = compiler.series.map(\.description)
    components = compiler.series.map(\.components)
    attributes = compiler.catalog.groups.map(\.used)
  }
}

/// What a label's codes stand for.
public struct LabelWords: Equatable, Sendable {
  /// A word for each code from 0 on; a code behind them is some other word. Empty: the label is a number.
  public let words: [String]
  /// Whether codes can be learnt as numbers, too, as an ordered category's.
  public let areNumbers: Bool

  init(_ type: ValueType) {
    switch type {
    case .number, .flag: (words, areNumbers) = ([], true)
    case .category(let words): (self.words, areNumbers) = (words, false)
    case .rank(let words): (self.words, areNumbers) = (words, true)
    }
  }
}

/// A result while it is being compiled.
struct ResultDraft {
  /// Its steps among those of the program.
  var steps: Range<Int>
  var register: Int32
  /// Register of the number of the argument that was taken; nil: it is not asked for.
  var source: Int32?
}

extension FeatureCompiler {
  /// Compiles what is made of features and outputs.
  mutating func judge(_ declaration: JudgementDeclaration) throws(DeclarationError) {
    if let condition = declaration.scoreWhen {
      let expression = try parsed(condition)
      judgement.scoreWhen = judgement.place(of: try self.condition(expression))
    }
    for label in declaration.labels {
      let value = try compile(parsed(label.expression))
      judgement.labels.append(judgement.place(of: value.register))
      judgement.labelWords.append(LabelWords(value.type))
    }
    judgement.toggle(&row)
    for output in declaration.outputs { judgement.add(output: output, &row) }
    for result in declaration.results { try add(result) }
    judgement.toggle(&row)
    for weight in declaration.weights { try add(weight: weight) }
  }

  /// Compiles what a row weighs, last of all: it may read what is kept for others, and nothing else.
  private mutating func add(weight: ExpressionDeclaration) throws(DeclarationError) {
    let before = Kept(self)
    judgement.weights.append(judgement.place(of: try number(parsed(weight))))
    guard keepsState, before != Kept(self) else { return }
    throw DeclarationError(
      weight.position, found: "a weight for which states would have to keep more than features need",
      allowed: "features, intermediates, and the profile's attributes and aggregates that they are made of")
  }

  private mutating func parsed(_ declaration: ExpressionDeclaration) throws(DeclarationError) -> Expression {
    source = ExpressionSource(declaration.text, at: declaration.position)
    var parser = try ExpressionParser(source)
    return try parser.parse()
  }

  private mutating func add(_ result: ResultDeclaration) throws(DeclarationError) {
    let expression = try parsed(result.expression)
    // Outputs may be clamped between two results.
    row.forgetSteps()
    let first = row.instructions.count
    var draft = ResultDraft(steps: first..<first, register: 0)
    if result.isCondition {
      draft.register = try condition(expression)
    } else {
      draft.register = try number(expression)
      if result.sources > 0 { draft.source = try sources(expression, count: result.sources) }
    }
    draft.steps = first..<row.instructions.count
    judgement.results.append(draft)
    if !result.isCondition { judgement.add(output: result.name, &row) }
  }

  /// Register of the number of the first argument of `first_known` that is there; missing when none is.
  private mutating func sources(_ expression: Expression, count: Int) throws(DeclarationError) -> Int32 {
    guard case .call(let name, let arguments) = expression.kind, ["first_known", "coalesce"].contains(name),
      arguments.count == count
    else {
      throw error(
        expression.offset, found: "a source of \(expression.description)",
        allowed: "first_known(a, b, …) with as many arguments as the source has labels, which are \(count)")
    }
    var taken = row.constant(.nan)
    for (index, argument) in arguments.enumerated().reversed() {
      let isMissing = row.emit(.isMissing, try number(argument.value))
      taken = row.emit(.select, isMissing, taken, row.constant(Double(index)))
    }
    return taken
  }

  /// A part that names no output: the row's program makes it, and its value is carried.
  mutating func carried(_ expression: Expression) throws(DeclarationError) -> Value {
    judgement.toggle(&row)
    let made = Result { () throws(DeclarationError) in try compile(expression) }
    judgement.toggle(&row)
    var value = try made.get()
    let place = judgement.place(of: value.register, &row)
    value.register = judgement.carried[place].to
    return value
  }
}
