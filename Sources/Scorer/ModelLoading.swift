public import Dataflow
public import Features
public import Registry
public import XGBoost

/// Reads a pipeline's model files and makes of each what its rows can be given to.
public struct ModelLoading {
  /// A model as it is scored with.
  public struct Loaded {
    /// Its trees, in the pipeline's codes.
    public var ensemble: TreeEnsemble
    /// Version of the file, and of the choice of trees where it leaves some out.
    public var version: ModelVersion
    /// Path of the model's file.
    public var path: String
    /// What operators should know.
    public var notes: [String]
    /// What is made of its margins; nil: what its objective says.
    public var postprocessor: Postprocessor?
  }

  private let folder: any ModelFiles
  private let columns: [ColumnDescription]
  private let features: FeatureHashes?
  private let acceptsChangedFeatures: Bool
  /// Changed features that a text lists; more are counted.
  private static let featuresMax = 8

  /// Files of this folder, or what stands in its place, for rows of these columns; see `ServedModels`.
  public init(
    folder: any ModelFiles, columns: [ColumnDescription], features: FeatureHashes?,
    acceptsChangedFeatures: Bool
  ) {
    self.folder = folder
    self.columns = columns
    self.features = features
    self.acceptsChangedFeatures = acceptsChangedFeatures
  }

  /// A model; throws `PortError` with code `misuse` that names the model, the file, and what to do.
  public func load(_ declaration: ModelDeclaration) throws -> Loaded {
    let file: ModelFile
    do throws(RegistryError) {
      file = try folder.read(declaration.name, file: declaration.file)
    } catch {
      let advice = error.code == .missing && folder is ModelFolder ? "; make it with \"tally train\"" : ""
      throw PortError(
        .misuse, "model \(declaration.name)", cause: error.detail + advice, reason: .modelUnusable)
    }
    do throws(XGBoostError) {
      return try load(file, declaration)
    } catch {
      throw PortError(.misuse, "model \(declaration.name)", cause: error.description, reason: .modelUnusable)
    }
  }

  private func load(_ file: ModelFile, _ declaration: ModelDeclaration) throws(XGBoostError) -> Loaded {
    let reading = ModelReading(
      trees: declaration.trees.map { $0 == .best ? .best : .all }, acceptsRelease: declaration.acceptsVersion)
    var ensemble = try TreeEnsemble(bytes: file.bytes, name: file.path, reading: reading)
    try check(ensemble, declaration, file)
    var notes: [String] = []
    if !XGBoostRelease.compared.contains(ensemble.release) {
      notes.append(
        "written by XGBoost \(ensemble.release), which was never compared; served as accept_version says")
    }
    notes += try CategoryCodes.adapt(&ensemble, to: columns, file: file.path)
    notes += try checkMeaning(ensemble, file)
    let postprocessor = try postprocessor(ensemble, declaration, file)
    ensemble.givesMargins = postprocessor?.takesMargins ?? false
    return Loaded(
      ensemble: ensemble, version: declaration.trees == .best ? file.bestVersion : file.version,
      path: file.path, notes: notes, postprocessor: postprocessor)
  }

  /// What the file says is made of margins; nil: nothing. A file without it is served as its objective says, whatever its kind.
  private func postprocessor(
    _ ensemble: TreeEnsemble, _ declaration: ModelDeclaration, _ file: ModelFile
  ) throws(XGBoostError) -> Postprocessor? {
    guard let text = ensemble.attributes[Postprocessing.attribute] else { return nil }
    do throws(PostprocessingError) {
      let postprocessing = try Postprocessing(json: text)
      try postprocessing.check(declaration.kind)
      return try Postprocessor(
        postprocessing, groups: ensemble.groups, outputs: ensemble.outputs, columns: columns)
    } catch {
      throw XGBoostError(
        operation: file.path, cause: "the attribute \(Postprocessing.attribute): \(error.text)")
    }
  }

  private func check(
    _ ensemble: TreeEnsemble, _ declaration: ModelDeclaration, _ file: ModelFile
  ) throws(XGBoostError) {
    let found = ensemble.objective.rawValue
    if let place = declaration.objectivePosition, found != declaration.objective {
      throw XGBoostError(
        operation: file.path,
        cause: """
          the model's objective is \(found), the pipeline's is \(declaration.objective) (line \(place.line), column \
          \(place.column)): declare the model's, or train it again
          """)
    }
    let difference =
      ColumnCheck.difference(
        expected: columns.map(\.name), names: ensemble.featureNames, count: ensemble.featureCount)
      ?? FeatureTypeCheck.difference(columns, ensemble)
    if let difference { throw XGBoostError(operation: file.path, cause: difference) }
    guard ensemble.outputs == declaration.outputs.count else {
      throw XGBoostError(
        operation: file.path,
        cause: """
          the model has \(ensemble.outputs) outputs a row, the pipeline declares \(declaration.outputs.count) \
          (\(declaration.outputs.joined(separator: ", "))); name them under "outputs" of the model
          """)
    }
  }

  /// What is to be said of the features that the model was trained with; throws when they changed and nobody accepts that.
  private func checkMeaning(_ ensemble: TreeEnsemble, _ file: ModelFile) throws(XGBoostError) -> [String] {
    guard let features else { return [] }
    switch FeatureMeaningCheck.compare(ensemble.attributes, features) {
    case .same: return []
    case .unknown:
      return [
        "not made by tally train: whether its features were computed as the pipeline's are is not known"
      ]
    case .different(let names):
      let more = names.count - Self.featuresMax
      let list =
        names.prefix(Self.featuresMax).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
      guard acceptsChangedFeatures else {
        throw XGBoostError(
          operation: file.path,
          cause: """
            trained with features that meant something else: \(list). Train it again with "tally train", or score with it \
            all the same: --accept-changed-features
            """)
      }
      return ["trained with features that meant something else, accepted: \(list)"]
    }
  }
}
