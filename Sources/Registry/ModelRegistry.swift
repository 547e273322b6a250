/// Versions of models on disk: `PATH/PIPELINE/MODEL/VERSION/`.
public struct ModelRegistry: Sendable {
  /// Path of its folder, without a slash at its end; it need not exist before something is registered.
  public let path: String

  /// The registry in a folder.
  public init(path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// The versions of one model. Throws for names that lead out of the registry.
  public func model(_ name: String, of pipeline: String) throws(RegistryError) -> RegisteredModel {
    for part in [pipeline, name] where !RegistryNames.isPlain(part) {
      throw RegistryError(
        .invalidName,
        "\"\(part)\": letters, digits, _, - and . are allowed in a registry's names, the first no dot")
    }
    guard name != RegistryNames.sets else {
      throw RegistryError(
        .invalidName,
        "\"\(name)\": in a registry that is the folder of sets of models: give the model another name")
    }
    return RegisteredModel(pipeline: pipeline, name: name, path: "\(path)/\(pipeline)/\(name)")
  }

  /// All models with a folder, by pipeline and name.
  public func models() throws(RegistryError) -> [RegisteredModel] {
    var found: [RegisteredModel] = []
    for pipeline in try Disk.names(path) where RegistryNames.isPlain(pipeline) {
      for name in try Disk.names("\(path)/\(pipeline)")
      where RegistryNames.isPlain(name) && name != RegistryNames.sets {
        guard Disk.isFolder("\(path)/\(pipeline)/\(name)") else { continue }
        found.append(try model(name, of: pipeline))
      }
    }
    return found
  }
}
