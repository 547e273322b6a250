internal import Foundation

/// A version with everything that is known of it, its hash checked.
public struct VersionContent: Sendable {
  /// The trees.
  public let model: ModelFile
  /// What is known of it.
  public let metadata: VersionMetadata
}

/// The versions and aliases of one model. Versions are immutable; every change is made under an exclusive lock, and one that is
/// interrupted leaves nothing behind but what the next change removes.
public struct RegisteredModel: Sendable {
  /// Name of the pipeline.
  public let pipeline: String
  /// Name of the model.
  public let name: String
  /// Path of the folder.
  public let path: String

  /// `PIPELINE/MODEL`, for readers.
  public var title: String { "\(pipeline)/\(name)" }

  /// All versions, in the order of their hashes.
  public func versions() throws(RegistryError) -> [ModelVersion] {
    try Disk.names(path).compactMap { ModelVersion(hex: $0) }
  }

  /// Path of a version's folder.
  public func path(of version: ModelVersion) -> String { "\(path)/\(version.hex)" }

  /// Registers files as a version: `model.json` or `model.ubj`, and what belongs to it.
  ///
  /// Returns the version, and whether it is new: the same files are the same version, and keep the metadata that they have. Throws
  /// `altered` when the version is there with other bytes.
  public func register(
    _ files: [VersionFile], metadata: VersionMetadata
  ) throws(RegistryError) -> (version: ModelVersion, isNew: Bool) {
    let names = files.map(\.name)
    guard Set(names).count == names.count,
      names.allSatisfy({
        RegistryNames.isPlain($0) && $0 != RegistryNames.metadata && $0 != RegistryNames.checksums
      }),
      names.count(where: { RegistryNames.models.contains($0) }) == 1
    else {
      throw RegistryError(
        .invalidName,
        "\(title): \(names.joined(separator: ", ")): one of model.json and model.ubj is needed, and other plain names"
      )
    }
    let version = ModelVersion(ofFiles: files)
    var metadata = metadata
    (metadata.pipeline, metadata.model, metadata.version) = (pipeline, name, version.hex)
    metadata.files = files.filter { RegistryNames.isHashed($0.name) }.map(\.description)
    let description = VersionFile(
      name: RegistryNames.metadata, bytes: try RegistryJSON.encode(metadata, isForReaders: true))
    let uncovered = files.filter { !RegistryNames.isHashed($0.name) } + [description]
    let sums = Dictionary(uncovered.map { ($0.name, $0.description.hash) }) { first, _ in first }
    let checksums = VersionFile(
      name: RegistryNames.checksums, bytes: try RegistryJSON.encode(sums, isForReaders: true))
    try Disk.makeFolder(path)
    let lock = try FolderLock(folder: path)
    defer { lock.release() }
    try recover()
    let target = path(of: version)
    if Disk.isFolder(target) {
      _ = try read(version)
      return (version, false)
    }
    let temporary = "\(path)/\(RegistryNames.unfinished(version, process: getpid()))"
    try Disk.makeFolder(temporary)
    do {
      for file in files + [description, checksums] {
        try Disk.write(file.bytes, to: "\(temporary)/\(file.name)")
      }
      Disk.flushFolder(temporary)
      try Disk.move(temporary, to: target)
    } catch {
      try? Disk.remove(temporary)
      throw error
    }
    return (version, true)
  }

  /// A version's files and metadata. Throws `missing`, or `altered` with what is wrong with which file.
  public func read(_ version: ModelVersion) throws(RegistryError) -> VersionContent {
    let folder = path(of: version)
    guard Disk.isFolder(folder) else {
      throw RegistryError(.missing, "there is no version \(version.hex) of \(title) in the registry")
    }
    let found = try inspect(version)
    guard found.problems.isEmpty, let metadata = found.metadata,
      let model = found.files.first(where: { RegistryNames.models.contains($0.name) })
    else {
      throw RegistryError(
        .altered, "version \(version.hex) of \(title): \(found.problems.joined(separator: "; "))")
    }
    let file = ModelFile(
      name: model.name, path: "\(folder)/\(model.name)", bytes: model.bytes, registered: version)
    return VersionContent(model: file, metadata: metadata)
  }

  /// What a file of a version that its hash does not cover holds, such as `card.md`, checked by the version's checksums. Throws `missing`,
  /// or `altered`.
  public func text(of name: String, _ version: ModelVersion) throws(RegistryError) -> String {
    let path = "\(path(of: version))/\(name)"
    guard RegistryNames.isPlain(name), let bytes = try Disk.read(path) else {
      throw RegistryError(.missing, "version \(version.hex) of \(title) has no \(name)")
    }
    if let remark = try inspect(version).remarks.first(where: { $0.hasSuffix(": \(name)") }) {
      throw RegistryError(.altered, "version \(version.hex) of \(title): \(remark)")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What is known of a version, without a look at its other files. Throws `missing` or `altered`.
  public func metadata(_ version: ModelVersion) throws(RegistryError) -> VersionMetadata {
    let path = "\(path(of: version))/\(RegistryNames.metadata)"
    guard let bytes = try Disk.read(path) else {
      throw RegistryError(
        .missing, "there is no version \(version.hex) of \(title) in the registry, or it has no metadata.json"
      )
    }
    return try RegistryJSON.decode(VersionMetadata.self, bytes, path)
  }

  /// Removes a version. Throws `inUse` when an alias leads to it; a crash leaves it whole or gone.
  public func delete(_ version: ModelVersion) throws(RegistryError) {
    guard Disk.isFolder(path(of: version)) else {
      throw RegistryError(.missing, "there is no version \(version.hex) of \(title) in the registry")
    }
    let lock = try FolderLock(folder: path)
    defer { lock.release() }
    try recover()
    let names = try aliases().filter { $0.value == version }.map(\.key.rawValue).sorted()
    guard names.isEmpty else {
      throw RegistryError(
        .inUse,
        "version \(version.hex) of \(title) is \(names.joined(separator: " and ")): move the alias first")
    }
    let removed = "\(path)/\(RegistryNames.removed(version, process: getpid()))"
    try Disk.move(path(of: version), to: removed)
    try Disk.remove(removed)
  }

  /// The version that a text means: 16 hex digits, the first of them (at least 4), or an alias.
  public func version(_ text: String) throws(RegistryError) -> ModelVersion {
    if let alias = ModelAlias(rawValue: text) {
      guard let version = try aliases()[alias] else {
        throw RegistryError(.missing, "no version of \(title) is \(text)")
      }
      return version
    }
    let found = try versions().filter { $0.hex.hasPrefix(text) }
    guard text.utf8.count >= 4, let version = found.first else {
      throw RegistryError(
        .missing,
        "there is no version \(text) of \(title): give 16 hex digits, at least their first four, or an alias")
    }
    guard found.count == 1 else {
      throw RegistryError(
        .missing, "version \(text) of \(title) may be \(found.map(\.hex).joined(separator: " or "))")
    }
    return version
  }
}

/// The registry's JSON.
enum RegistryJSON {
  static func encode(_ value: some Encodable, isForReaders: Bool) throws(RegistryError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      isForReaders
      ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    do {
      return [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
    } catch { throw RegistryError(.failed, "a number that is not finite cannot be registered") }
  }

  static func decode<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8], _ path: String
  ) throws(RegistryError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch { throw RegistryError(.altered, "\(path) is not what a registry writes") }
  }
}
