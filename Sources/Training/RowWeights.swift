public import Dataflow
public import Features

/// What rows weigh in the training of models that declare an expression for it.
///
/// Weights travel with the labels, as columns of numbers that are called after their models.
public struct RowWeights {
  /// Names of the columns.
  public let names: [String]
  /// Places among a row's carried values.
  private let places: [Int]

  /// The weights of some of a pipeline's models.
  public init(_ program: FeatureProgram, _ models: [ModelDeclaration]) {
    let weighted = models.filter { $0.training.weight != nil }
    names = weighted.map { Self.column(of: $0) }
    places = weighted.compactMap { $0.training.weight.map { program.results.weights[$0] } }
  }

  /// The column with a model's weights.
  static func column(of model: ModelDeclaration) -> String { "\(model.name)_weight" }

  /// Weights of a row, by what it carries; NaN: missing.
  func values(_ carried: UnsafePointer<Double>) -> [Float] { places.map { Float(carried[$0]) } }
}
