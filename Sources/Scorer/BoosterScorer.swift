public import Dataflow
internal import Features
public import Registry
internal import XGBoost

/// Scores whole batches, one call per model and batch, one thread.
///
/// A model is evaluated by `Forest` when that gives bit for bit what libxgboost gives, which is tried when it is loaded; else
/// by libxgboost itself.
/// Each worker has its own; nothing is shared.
public final class BoosterScorer: RowScorer {
  /// Output names, in the order of the models.
  public let outputNames: [String]
  /// Version of each output's model.
  public let modelVersions: [String]
  /// The models as a set, with the hash that partition records carry.
  public let modelSet: ModelSet
  private let models: [LoadedModel]
  private let columns: Int
  /// One model's outputs, before they go to its column.
  private let column: FloatMatrix

  /// Loads every model of a pipeline from a models folder and checks it against the pipeline's columns.
  ///
  /// Throws `PortError` with code `misuse` that says which file and what to do: a file that is missing or broken, a
  /// model for other features, or one with more than one output a row.
  public init(models declarations: [ModelDeclaration], folder: ModelFolder, columnNames: [String]) throws {
    var loaded: [LoadedModel] = []
    for declaration in declarations {
      loaded.append(try LoadedModel(declaration, folder: folder, columnNames: columnNames))
    }
    models = loaded
    outputNames = declarations.map(\.name)
    modelSet = ModelSet(loaded.map { ModelSet.Member(name: $0.name, version: $0.version) })
    modelVersions = loaded.map(\.version.hex)
    columns = columnNames.count
    column = FloatMatrix(columns: 1, capacityRows: 1 << 10)
  }

  /// Fills `outputs` with one column per model; resized to the rows of `rows`.
  public func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws {
    precondition(rows.columns == columns && outputs.columns == models.count)
    outputs.resize(rows: rows.rows)
    if rows.rows == 0 { return }
    let isSingle = models.count == 1
    if !isSingle { column.resize(rows: rows.rows) }
    for (index, model) in models.enumerated() {
      let target = isSingle ? outputs.base : column.base
      do throws(XGBoostError) {
        try model.predict(rows.base, rows: rows.rows, columns: columns, into: target)
      } catch { throw PortError(.misuse, "model \(model.name)", cause: error.description) }
      if isSingle { return }
      for row in 0..<rows.rows { outputs.base[row * models.count + index] = target[row] }
    }
  }
}

/// One model, checked.
private final class LoadedModel {
  private enum Evaluator: ~Copyable {
    case forest(Forest)
    case library(Booster)
  }

  let name: String
  let version: ModelVersion
  private let evaluator: Evaluator

  init(_ declaration: ModelDeclaration, folder: ModelFolder, columnNames: [String]) throws {
    let file: ModelFile
    do throws(RegistryError) {
      file = try folder.read(declaration.file)
    } catch {
      let advice = error.code == .missing ? "; make it with \"tally train\"" : ""
      throw PortError(.misuse, "model \(declaration.name)", cause: error.detail + advice)
    }
    do throws(XGBoostError) {
      let booster = try Booster(bytes: file.bytes, name: file.path, threads: 1)
      let names = try booster.featureNames()
      let features = try booster.featureCount
      if let difference = ColumnCheck.difference(expected: columnNames, names: names, count: features) {
        throw XGBoostError(operation: file.path, cause: difference)
      }
      let ensemble = try TreeEnsemble(bytes: file.bytes, name: file.path)
      if let forest = Forest(ensemble, columns: columnNames.count), try forest.agrees(with: booster, ensemble)
      {
        evaluator = .forest(forest)
      } else {
        evaluator = .library(booster)
      }
    } catch { throw PortError(.misuse, "model \(declaration.name)", cause: error.description) }
    name = declaration.name
    version = file.version
  }

  /// Outputs of `rows` rows.
  func predict(
    _ input: UnsafePointer<Float>, rows: Int, columns: Int, into output: UnsafeMutablePointer<Float>
  ) throws(XGBoostError) {
    switch evaluator {
    case .forest(let forest): forest.score(input, rows: rows, into: output)
    case .library(let booster): try booster.predict(input, rows: rows, columns: columns, into: output)
    }
  }
}
