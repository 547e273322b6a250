public import Dataflow
public import Features

/// What rows weigh in the training of models that declare an expression for it. One thread.
///
/// Weights travel with the labels, as columns of numbers that are called after their models.
public final class RowWeights {
  /// Names of the columns.
  public let names: [String]
  private let results: [Int]
  private let program: ResultProgram
  private let registers: UnsafeMutablePointer<Double>
  private let outputs: [Float]

  /// The weights of some of a pipeline's models.
  public init(_ program: FeatureProgram, _ models: [ModelDeclaration]) {
    let weighted = models.filter { $0.training.weight != nil }
    names = weighted.map { Self.column(of: $0) }
    results = weighted.compactMap(\.training.weight)
    self.program = program.results
    registers = program.results.makeRegisters()
    // Weights are made of features: outputs are not there yet.
    outputs = Array(repeating: .nan, count: program.results.outputCount)
  }

  deinit { registers.deallocate() }

  /// The column with a model's weights.
  public static func column(of model: ModelDeclaration) -> String { "\(model.name)_weight" }

  /// Weights of a row, by what it carries; NaN: missing.
  func values(_ carried: UnsafePointer<Double>) -> [Float] {
    results.map { Float(program.value(of: $0, carried: carried, outputs: outputs, registers).value) }
  }
}
