/// What a pipeline makes of its models' outputs: numbers and conditions, by expressions. Immutable and safe from several threads.
public final class ResultProgram: @unchecked Sendable {
  /// Values of a row that are carried to where outputs are known.
  public let carriedCount: Int
  /// Place among the carried values of what says whether models score the row: they do when it is neither 0 nor missing; nil: always.
  public let scoreWhen: Int?
  /// Places among the carried values of what models learn, where it is an expression.
  public let labels: [Int]
  /// For each of them what its codes stand for.
  public let labelWords: [LabelWords]
  /// Places among the carried values of what rows weigh when models learn of them, by `TrainingDeclaration.weight`.
  public let weights: [Int]
  /// Results.
  public let count: Int
  private let outputs: FlatTable<Int32>
  private let carried: FlatTable<Int32>
  private let instructions: FlatTable<Instruction>
  private let constants: [(register: Int32, value: Double)]
  private let results: [ResultDraft]
  private let registerCount: Int

  init(_ draft: JudgementDraft) {
    carriedCount = draft.carried.count
    scoreWhen = draft.scoreWhen
    labels = draft.labels
    labelWords = draft.labelWords
    weights = draft.weights
    results = draft.results
    count = results.count
    outputs = FlatTable(draft.outputs.map(\.register))
    carried = FlatTable(draft.carried.map(\.to))
    instructions = FlatTable(draft.builder.instructions)
    constants = draft.builder.constants
    registerCount = Int(draft.builder.registers)
  }

  deinit {
    outputs.deallocate()
    carried.deallocate()
    instructions.deallocate()
  }

  /// Registers of one thread. Its owner deallocates it.
  public func makeRegisters() -> UnsafeMutablePointer<Double> {
    let registers = UnsafeMutablePointer<Double>.allocate(capacity: max(registerCount, 1))
    registers.initialize(repeating: .nan, count: max(registerCount, 1))
    for constant in constants { registers[Int(constant.register)] = constant.value }
    return registers
  }

  /// Whether models score a row, by its carried values.
  @inline(__always)
  public func isScored(_ carried: UnsafePointer<Double>) -> Bool {
    guard let scoreWhen else { return true }
    return carried[scoreWhen] < 0 || carried[scoreWhen] > 0
  }

  /// Makes one result of a row: the number, or 1 or 0; and the place of the argument that was taken, -1: none. `outputs`: of models, then
  /// of the results before it. Row code.
  public func value(
    of result: Int, carried values: UnsafePointer<Double>, outputs row: UnsafePointer<Float>,
    _ registers: UnsafeMutablePointer<Double>
  ) -> (value: Double, source: Int32) {
    for place in 0..<carried.count { registers[Int(carried[place])] = values[place] }
    for column in 0..<outputs.count { registers[Int(outputs[column])] = Double(row[column]) }
    let draft = results[result]
    for step in draft.steps { (instructions.base + step).run(registers) }
    guard let source = draft.source else { return (registers[Int(draft.register)], -1) }
    let taken = registers[Int(source)]
    return (registers[Int(draft.register)], taken.isNaN ? -1 : Int32(taken))
  }
}
