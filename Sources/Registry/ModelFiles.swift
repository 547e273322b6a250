/// Where a pipeline's models come from.
public protocol ModelFiles: Sendable {
  /// For readers: the folder, or what stands in its place.
  var place: String { get }
  /// Whether there is something for a model; `file`: the name that the pipeline declares.
  func has(_ model: String, file: String) throws(RegistryError) -> Bool
  /// Reads a model.
  func read(_ model: String, file: String) throws(RegistryError) -> ModelFile
}

extension ModelFolder: ModelFiles {
  /// The folder.
  public var place: String { path }
  /// Whether there is a file of the declared name.
  public func has(_ model: String, file: String) throws(RegistryError) -> Bool { try has(file) }
  /// Reads the file of the declared name.
  public func read(_ model: String, file: String) throws(RegistryError) -> ModelFile { try read(file) }
}

/// The versions of a pipeline's models to which an alias leads, each with its hash checked when it is read.
public struct AliasedModels: ModelFiles {
  private let registry: ModelRegistry
  private let pipeline: String
  private let alias: ModelAlias

  /// Those of a pipeline.
  public init(_ registry: ModelRegistry, pipeline: String, alias: ModelAlias = .production) {
    self.registry = registry
    self.pipeline = pipeline
    self.alias = alias
  }

  /// The pipeline's folder in the registry.
  public var place: String { "\(registry.path)/\(pipeline)" }

  /// Whether the alias leads to a version; declared file names do not matter here.
  public func has(_ model: String, file: String) throws(RegistryError) -> Bool {
    try registry.model(model, of: pipeline).aliases()[alias] != nil
  }

  /// Reads the version to which the alias leads. Throws `missing`, or `altered` with what is wrong with which file.
  public func read(_ model: String, file: String) throws(RegistryError) -> ModelFile {
    let model = try registry.model(model, of: pipeline)
    guard let version = try model.aliases()[alias] else {
      throw RegistryError(
        .missing,
        "no version of \(model.title) in \(registry.path) is \(alias.rawValue): tally models promote")
    }
    return try model.read(version).model
  }
}
