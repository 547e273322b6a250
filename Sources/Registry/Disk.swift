internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#endif

/// The few steps on files that survive a crash, each of them whole or not at all.
enum Disk {
  /// Makes a folder with those above it, durably. Models hold nobody's data, and another user may serve them: all may read.
  static func makeFolder(_ path: String) throws(RegistryError) {
    guard !isFolder(path) else { return }
    let parent = parent(path)
    if !parent.isEmpty && parent != path { try makeFolder(parent) }
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw RegistryError(.failed, "the folder \(path) cannot be made: \(String(cString: strerror(errno)))")
    }
    chmod(path, 0o755)
    flushFolder(parent.isEmpty ? "." : parent)
  }

  /// The folder of a path without a slash at its end; empty: the present one. Foundation's own way dies of names of one letter.
  static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Writes a new file, flushed to disk; removes it again when that fails.
  static func write(_ bytes: [UInt8], to path: String) throws(RegistryError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure("open", path) }
    fchmod(descriptor, 0o644)
    let isWritten = writeAll(bytes, to: descriptor) && fsync(descriptor) == 0
    let writeError = errno
    guard close(descriptor) == 0, isWritten else {
      unlink(path)
      throw failure("write", path, isWritten ? errno : writeError)
    }
  }

  /// Writes a file so that a reader sees the old or the new bytes, whole: beside it, flushed, then renamed.
  static func replace(_ path: String, with bytes: [UInt8]) throws(RegistryError) {
    let temporary = "\(path).\(getpid()).tmp"
    try write(bytes, to: temporary)
    do {
      try move(temporary, to: path)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Renames, durably.
  static func move(_ path: String, to target: String) throws(RegistryError) {
    guard rename(path, target) == 0 else { throw failure("rename", path) }
    flushFolder(parent(target))
  }

  /// Appends to a file whose first `length` bytes are kept, flushed to disk.
  static func append(_ bytes: [UInt8], to path: String, after length: Int) throws(RegistryError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { _ = close(descriptor) }
    fchmod(descriptor, 0o644)
    guard ftruncate(descriptor, off_t(length)) == 0, lseek(descriptor, off_t(length), SEEK_SET) >= 0,
      writeAll(bytes, to: descriptor), fsync(descriptor) == 0
    else { throw failure("write", path) }
    flushFolder(parent(path))
  }

  /// What a plain file holds; nil: there is none of this name. Links and folders are refused.
  static func read(_ path: String) throws(RegistryError) -> [UInt8]? {
    switch kind(path) {
    case nil: return nil
    case .typeRegular?:
      guard let data = FileManager.default.contents(atPath: path) else {
        throw RegistryError(.failed, "\(path) cannot be read")
      }
      return [UInt8](data)
    default: throw RegistryError(.altered, "\(path) is no plain file")
    }
  }

  /// Names in a folder, ascending; none when it does not exist.
  static func names(_ path: String) throws(RegistryError) -> [String] {
    guard isFolder(path) else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path).sorted {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }
    } catch { throw RegistryError(.failed, "the folder \(path) cannot be read") }
  }

  /// Whether there is a folder of this name, and no link to one below the registry.
  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// Whether there is a plain file of this name.
  static func isPlainFile(_ path: String) -> Bool { kind(path) == .typeRegular }

  private static func kind(_ path: String) -> FileAttributeType? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType
  }

  /// Removes a file or a folder with all that is in it.
  static func remove(_ path: String) throws(RegistryError) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch { throw RegistryError(.failed, "\(path) cannot be removed") }
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
  static func flushFolder(_ path: String) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    _ = close(descriptor)
  }

  private static func failure(_ call: String, _ path: String, _ code: CInt = errno) -> RegistryError {
    RegistryError(.failed, "\(call) \(path): \(String(cString: strerror(code)))")
  }
}

/// The right to change one model's versions and aliases; ends when it is released, and with the process.
struct FolderLock {
  private let descriptor: CInt
  /// Longest that a change waits for another one: those take as long as a few files take to be flushed.
  private static let waitMsMax = 30_000
  private static let stepMs = 10

  init(folder: String) throws(RegistryError) {
    let path = "\(folder)/\(RegistryNames.lock)"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else {
      throw RegistryError(.failed, "open \(path): \(String(cString: strerror(errno)))")
    }
    var waitedMs = 0
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR, waitedMs < Self.waitMsMax else {
        _ = close(descriptor)
        throw RegistryError(.busy, "\(folder): another process has been changing it for \(waitedMs / 1000) s")
      }
      usleep(UInt32(Self.stepMs * 1000))
      waitedMs += Self.stepMs
    }
    self.descriptor = descriptor
  }

  func release() { _ = close(descriptor) }
}
