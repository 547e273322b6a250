public import Dataflow
public import Registry
internal import Synchronization
internal import XGBoost

/// A pipeline's models, loaded and checked: what all workers score with. Immutable.
///
/// Every model is compared with libxgboost when it is loaded, see `ForestCheck`.
public final class ServedModels: Sendable {
  /// Output names, those of the first model first.
  public let outputNames: [String]
  /// For each output, its model's name.
  public let modelNames: [String]
  /// For each output, its model's version.
  public let modelVersions: [String]
  /// The models as a set, with the hash that partition records carry.
  public let modelSet: ModelSet
  /// Their trees.
  public let forest: Forest

  /// Loads every model of a pipeline from a models folder and checks it against the pipeline's columns.
  ///
  /// Throws `PortError` with code `misuse` that says which file and what to do: a file that is missing or broken, a
  /// model for other features or with another number of outputs than declared, one of a kind that is not served, one that
  /// our evaluation and libxgboost score differently.
  public init(
    models declarations: [ModelDeclaration], folder: ModelFolder, columnNames: [String],
    kernel: Kernel = .best
  ) throws {
    var ensembles: [TreeEnsemble] = []
    var files: [ModelFile] = []
    for declaration in declarations {
      let file = try Self.read(declaration, folder)
      files.append(file)
      ensembles.append(
        try Self.asPortError(declaration) { () throws(XGBoostError) in
          try Self.ensemble(file, declaration, columnNames)
        })
    }
    do throws(XGBoostError) {
      forest = try Forest(ensembles, columns: columnNames.count, kernel: kernel)
    } catch { throw PortError(.misuse, "models", cause: error.description) }
    do throws(XGBoostError) {
      try forest.check(ensembles, names: files.map(\.path))
    } catch { throw PortError(.misuse, "models", cause: error.description) }
    outputNames = declarations.flatMap(\.outputs)
    modelNames = declarations.flatMap { declaration in declaration.outputs.map { _ in declaration.name } }
    modelVersions = zip(declarations, files).flatMap { declaration, file in
      declaration.outputs.map { _ in file.version.hex }
    }
    modelSet = ModelSet(zip(declarations, files).map { ModelSet.Member(name: $0.name, version: $1.version) })
  }

  private static func read(_ declaration: ModelDeclaration, _ folder: ModelFolder) throws -> ModelFile {
    do throws(RegistryError) {
      return try folder.read(declaration.file)
    } catch {
      let advice = error.code == .missing ? "; make it with \"tally train\"" : ""
      throw PortError(.misuse, "model \(declaration.name)", cause: error.detail + advice)
    }
  }

  private static func ensemble(
    _ file: ModelFile, _ declaration: ModelDeclaration, _ columnNames: [String]
  ) throws(XGBoostError) -> TreeEnsemble {
    let ensemble = try TreeEnsemble(bytes: file.bytes, name: file.path)
    if let difference = ColumnCheck.difference(
      expected: columnNames, names: ensemble.featureNames, count: ensemble.featureCount)
    {
      throw XGBoostError(operation: file.path, cause: difference)
    }
    guard ensemble.outputs == declaration.outputs.count else {
      throw XGBoostError(
        operation: file.path,
        cause: """
          the model has \(ensemble.outputs) outputs a row, the pipeline declares \(declaration.outputs.count) \
          (\(declaration.outputs.joined(separator: ", "))); name them under "outputs" of the model
          """)
    }
    return ensemble
  }

  private static func asPortError<Result>(
    _ declaration: ModelDeclaration, _ body: () throws(XGBoostError) -> Result
  ) throws -> Result {
    do throws(XGBoostError) { return try body() } catch {
      throw PortError(.misuse, "model \(declaration.name)", cause: error.description)
    }
  }
}

/// The models that are served now; they can be replaced while workers score.
///
/// A batch is scored by one set of models, the one that was there when it began.
public final class ModelSlot: Sendable {
  private let models: Mutex<ServedModels>

  /// Begins with `models`.
  public init(_ models: ServedModels) { self.models = Mutex(models) }

  /// The models now.
  public var current: ServedModels { models.withLock { $0 } }

  /// Serves other models from the next batch on. Throws `PortError` with code `misuse` when rows or outputs are others:
  /// those are another pipeline.
  public func replace(with other: ServedModels) throws {
    try models.withLock { models in
      guard other.outputNames == models.outputNames, other.forest.columns == models.forest.columns else {
        throw PortError(
          .misuse, "replace models",
          cause: "outputs are \(other.outputNames.joined(separator: ", ")), not "
            + models.outputNames.joined(separator: ", "))
      }
      models = other
    }
  }
}
