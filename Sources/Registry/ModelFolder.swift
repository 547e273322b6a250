internal import Foundation

/// A failed operation on the models folder or the registry.
public struct RegistryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Code: String, Sendable {
    /// There is no such file.
    case missing
    /// The name leads out of the folder, or is not the name of a model file.
    case invalidName
    /// The file system refused.
    case failed
    /// A registered file is not what was registered: altered, truncated, foreign or gone.
    case altered
    /// An alias leads to the version.
    case inUse
    /// Another process has been changing the registry for too long.
    case busy
  }

  /// What is wrong.
  public var code: Code
  /// What failed, naming the path.
  public var detail: String

  package init(_ code: Code, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  /// What is wrong with which file, for readers.
  public var description: String { detail }
}

/// A model file as it was read: bytes and version belong together.
public struct ModelFile: Sendable {
  /// Name within the folder.
  public let name: String
  /// Where it was read.
  public let path: String
  /// What it held.
  public let bytes: [UInt8]
  /// Version of these bytes.
  public let version: ModelVersion
  /// Version of the model that only has the rounds up to the file's best one.
  public let bestVersion: ModelVersion
  private static let bestMark = Array("trees: best".utf8)

  /// A file of a folder: its version is that of its bytes.
  package init(name: String, path: String, bytes: [UInt8]) {
    self.name = name
    self.path = path
    self.bytes = bytes
    version = ModelVersion(ofFile: bytes)
    bestVersion = ModelVersion(ofFile: bytes + Self.bestMark)
  }

  /// A file of a registered version, which covers other files, too.
  init(name: String, path: String, bytes: [UInt8], registered version: ModelVersion) {
    self.name = name
    self.path = path
    self.bytes = bytes
    self.version = version
    bestVersion = ModelVersion(ofFile: Array(version.hex.utf8) + Self.bestMark)
  }
}

/// A folder of model files, `.json` or `.ubj`.
public struct ModelFolder: Sendable {
  /// Path of the folder.
  public let path: String

  /// A folder; it need not exist before something is written.
  public init(path: String) { self.path = path }

  /// Path of a file of this name; throws when the name leads out of the folder or names no model file.
  public func path(of name: String) throws(RegistryError) -> String {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isInside = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
    guard isInside, name.hasSuffix(".json") || name.hasSuffix(".ubj") else {
      throw RegistryError(
        .invalidName,
        "model file \"\(name)\": a name within the models folder that ends in .json or .ubj is allowed")
    }
    return path.hasSuffix("/") ? path + name : "\(path)/\(name)"
  }

  /// Whether there is a file of this name.
  public func has(_ name: String) throws(RegistryError) -> Bool {
    FileManager.default.fileExists(atPath: try path(of: name))
  }

  /// Reads a file.
  public func read(_ name: String) throws(RegistryError) -> ModelFile {
    let path = try path(of: name)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
      throw RegistryError(.missing, "no model file at \(path)")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw RegistryError(.failed, "the model file at \(path) cannot be read")
    }
    return ModelFile(name: name, path: path, bytes: [UInt8](data))
  }

  /// Writes a file so that a reader sees the old or the new bytes, whole: to a file beside it, flushed to disk, then
  /// renamed. Makes missing folders. Returns the version.
  @discardableResult
  public func write(_ name: String, _ bytes: [UInt8]) throws(RegistryError) -> ModelVersion {
    let path = try path(of: name)
    try Disk.makeFolder(Disk.parent(path))
    try Disk.replace(path, with: bytes)
    return ModelVersion(ofFile: bytes)
  }

  /// Writes a file of a model's report beside the model's file: `churn.json` gets `churn.card.md`. Readers see the old or the new bytes,
  /// whole. Returns the path.
  public func write(_ file: VersionFile, of model: String) throws(RegistryError) -> String {
    let path = (try path(of: model) as NSString).deletingPathExtension + ".\(file.name)"
    try Disk.makeFolder(Disk.parent(path))
    try Disk.replace(path, with: file.bytes)
    return path
  }

  /// Names of the model files directly in the folder, ascending; none when the folder does not exist.
  public func names() -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return all.filter { $0.hasSuffix(".json") || $0.hasSuffix(".ubj") }.sorted()
  }
}
