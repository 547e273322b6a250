internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#endif

/// A failed operation on the models folder.
public struct RegistryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Code: String, Sendable {
    /// There is no such file.
    case missing
    /// The name leads out of the folder, or is not the name of a model file.
    case invalidName
    /// The file system refused.
    case failed
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
  public var bestVersion: ModelVersion { ModelVersion(ofFile: bytes + Array("trees: best".utf8)) }
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
    let bytes = [UInt8](data)
    return ModelFile(name: name, path: path, bytes: bytes, version: ModelVersion(ofFile: bytes))
  }

  /// Writes a file so that a reader sees the old or the new bytes, whole: to a file beside it, flushed to disk, then
  /// renamed. Makes missing folders. Returns the version.
  @discardableResult
  public func write(_ name: String, _ bytes: [UInt8]) throws(RegistryError) -> ModelVersion {
    let path = try path(of: name)
    let temporary = "\(path).\(getpid()).tmp"
    let parent = (path as NSString).deletingLastPathComponent
    do {
      // Models hold nobody's data, and another user may serve them.
      try FileManager.default.createDirectory(
        atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    } catch { throw RegistryError(.failed, "the folder \(parent) cannot be made") }
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure("open", temporary) }
    fchmod(descriptor, 0o644)
    let isWritten = Self.writeAll(bytes, to: descriptor) && fsync(descriptor) == 0
    let writeError = errno
    guard Glibc.close(descriptor) == 0, isWritten else {
      unlink(temporary)
      throw Self.failure("write", temporary, isWritten ? errno : writeError)
    }
    guard rename(temporary, path) == 0 else {
      defer { unlink(temporary) }
      throw Self.failure("rename", temporary)
    }
    Self.flushFolder(parent)
    return ModelVersion(ofFile: bytes)
  }

  /// Names of the model files directly in the folder, ascending; none when the folder does not exist.
  public func names() -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return all.filter { $0.hasSuffix(".json") || $0.hasSuffix(".ubj") }.sorted()
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { all in
        Glibc.write(descriptor, all.baseAddress.map { $0 + written }, all.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      written += count
    }
    return true
  }

  /// Makes a rename durable; a file system that cannot is none the worse.
  private static func flushFolder(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    _ = Glibc.close(descriptor)
  }

  private static func failure(_ call: String, _ path: String, _ code: CInt = errno) -> RegistryError {
    RegistryError(.failed, "\(call) \(path): \(String(cString: strerror(code)))")
  }
}
