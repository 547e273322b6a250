import Configuration
import Dataflow
import Features
import Foundation
import Registry
import Report
import Scorer
import Training
import XGBoost

/// A model file that is to be registered, and what is known of it.
struct GivenModel {
  let file: ModelFile
  /// `train` or `import`.
  let source: String
  var parameters: [String: String] = [:]
  var data: VersionMetadata.DataSet?
  var metrics: [String: Double] = [:]
  var report: ModelReport?
  var trainingSeconds: Double?

  init(file: ModelFile, source: String) {
    self.file = file
    self.source = source
  }
}

/// The way of a model file into the registry: through every check that serving has.
struct ModelRegistration {
  let registry: ModelRegistry
  let pipeline: LoadedPipeline

  /// One file that stands for a model, whatever its declared name: the bytes that were checked are those that are registered.
  private struct OneFile: ModelFiles {
    let file: ModelFile
    var place: String { file.path }
    func has(_ model: String, file: String) -> Bool { true }
    func read(_ model: String, file: String) -> ModelFile { self.file }
  }

  /// Throws what loading a pipeline's model throws: objective, columns and their types, outputs, libxgboost's scores.
  func check(_ file: ModelFile, as declaration: ModelDeclaration, acceptsChangedFeatures: Bool) throws {
    _ = try ServedModels(
      models: [declaration], decisions: pipeline.declaration.decisions, folder: OneFile(file: file),
      columns: pipeline.program.columns,
      features: pipeline.program.featureHashes, acceptsChangedFeatures: acceptsChangedFeatures)
  }

  /// Checks and registers a file.
  func register(
    _ given: GivenModel, as declaration: ModelDeclaration, acceptsChangedFeatures: Bool
  ) throws -> (model: RegisteredModel, version: ModelVersion, isNew: Bool) {
    try check(given.file, as: declaration, acceptsChangedFeatures: acceptsChangedFeatures)
    let reading = ModelReading(
      trees: declaration.trees.map { $0 == .best ? .best : .all }, acceptsRelease: declaration.acceptsVersion)
    let ensemble = try TreeEnsemble(bytes: given.file.bytes, name: given.file.path, reading: reading)
    let reason = Self.reason("")
    var metadata = VersionMetadata(
      pipeline: pipeline.declaration.name, model: declaration.name, source: given.source,
      algorithm: "trees of XGBoost \(ensemble.release)", objective: ensemble.objective.rawValue,
      codeVersion: TallyVersion.current, createdAt: reason.at, who: reason.who)
    metadata.parameters = given.parameters
    metadata.parameters["trees"] = String(ensemble.trees.count)
    metadata.data = given.data
    let figures = given.report?.figures.filter(\.value.isFinite) ?? []
    metadata.metrics = given.metrics.merging(figures.map { ($0.name, $0.value) }) { $1 }
      .filter { $0.value.isFinite }
    if let report = given.report {
      metadata.intervals = Dictionary(
        figures.compactMap { figure in figure.bounds.map { (figure.name, $0) } }
      ) { $1 }
      metadata.fairness = report.fairness.filter { $0.value.isFinite }
    }
    metadata.trainingSeconds = given.trainingSeconds
    if let hashes = ensemble.attributes[FeatureHashes.modelAttribute].flatMap({ FeatureHashes($0) }) {
      metadata.featureSchema = hashes.schema
      metadata.featureHashes = Dictionary(hashes.entries.map { ($0.name, $0.hash) }) { first, _ in first }
    }
    let model = try registry.model(declaration.name, of: pipeline.declaration.name)
    let name = given.file.name.hasSuffix(".ubj") ? "model.ubj" : "model.json"
    let (version, isNew) = try model.register(
      [VersionFile(name: name, bytes: given.file.bytes)] + (given.report?.versionFiles ?? []),
      metadata: metadata)
    return (model, version, isNew)
  }

  /// This user, now.
  static func reason(_ why: String) -> ChangeReason {
    let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(geteuid())"
    return ChangeReason(who: user, at: Moment.format(SystemClock().wallMicros()), why: why)
  }
}

extension ModelQuality {
  /// As metadata has them.
  var byName: [String: Double] {
    let all: [String: Double?] = [
      "rmse": rmse, "mae": mae, "r2": rSquared, "auc": auc, "log_loss": logLoss, "brier": brier,
      "recall": recall,
      "precision": precision, "threshold": threshold, "accuracy": accuracy, "pinball": pinball,
      "coverage": intervals.first?.coverage, "interval_width": intervals.first?.width,
    ]
    return all.compactMapValues { $0 }
  }
}

extension ModelReport {
  /// As a registry takes them.
  var versionFiles: [VersionFile] { files.map { VersionFile(name: $0.name, bytes: Array($0.text.utf8)) } }
}
