import Dataflow
import Events
import Foundation
import Synchronization

/// The partition records of a replay that keeps no state, in a file that is replaced as a whole: after a crash it is the old one or the
/// new one. Shared by all workers of a process; safe from any thread.
public final class CheckpointFile: Sendable {
  /// Where it lies.
  public let path: String
  private let records = Mutex<[Int32: [UInt8]]?>(nil)
  /// The lock's descriptor; -1: not locked.
  private let lock = Mutex<Int32>(-1)
  private static let firstLine = "tally checkpoint 1"

  /// A file that need not be there yet.
  public init(_ path: String) { self.path = path }

  deinit {
    let descriptor = lock.withLock { $0 }
    if descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// Keeps other processes from working on the same run until this object goes. Throws `PortError.refused` when one does.
  public func lockForWriting() throws {
    let descriptor = open(path + ".lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.problem("\(path).lock: cannot be made") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      Glibc.close(descriptor)
      throw PortError(
        .refused, "checkpoint \(path): another process works on this run", reason: .twoOwners)
    }
    lock.withLock { $0 = descriptor }
  }

  /// The records by partition.
  func read() throws -> [Int32: [UInt8]] { try records.withLock { try Self.load(&$0, path) } }

  /// Puts a record in the place of another, on disk before this returns.
  func write(_ write: StateWrite) throws -> WriteOutcome {
    try records.withLock { records in
      var all = try Self.load(&records, path)
      let current = all[write.partition] ?? []
      guard current == write.expected else { return current == write.record ? .alreadyWritten : .conflict }
      all[write.partition] = write.record
      try Self.replace(path, by: all)
      records = all
      return .written
    }
  }

  /// Removes the file. Nobody may work with it.
  func remove() throws {
    try lockForWriting()
    try records.withLock { records in
      records = nil
      for tail in ["", ".new", ".lock"] where unlink(path + tail) != 0 && errno != ENOENT {
        throw Self.problem("\(path)\(tail): cannot be removed")
      }
    }
  }

  /// What is there is read once: nobody else writes it.
  private static func load(_ records: inout [Int32: [UInt8]]?, _ path: String) throws -> [Int32: [UInt8]] {
    if let records { return records }
    var found: [Int32: [UInt8]] = [:]
    if access(path, F_OK) == 0 {
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
        throw problem("\(path): cannot be read")
      }
      // The last line is a hash of what stands before it: a digit that went wrong could be another position.
      let lines = text.split(separator: "\n")
      let body = lines.dropLast().map { $0 + "\n" }.joined()
      guard lines.count > 1, lines[0].utf8.elementsEqual(firstLine.utf8),
        text.utf8.elementsEqual("\(body)\(Hash128(of: body).hex)\n".utf8)
      else { throw unreadable(path) }
      for line in lines.dropFirst().dropLast() {
        let words = line.split(separator: " ")
        guard words.count == 2, let partition = Int32(words[0]), let bytes = bytes(ofHex: words[1]) else {
          throw unreadable(path)
        }
        found[partition] = bytes
      }
    }
    records = found
    return found
  }

  private static func replace(_ path: String, by records: [Int32: [UInt8]]) throws {
    var text = firstLine + "\n"
    for (partition, record) in records.sorted(by: { $0.key < $1.key }) {
      text += "\(partition) \(hex(of: record))\n"
    }
    text += Hash128(of: text).hex + "\n"
    let new = path + ".new"
    let descriptor = open(new, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw problem("\(new): cannot be made") }
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
      }
      guard count > 0 || errno == EINTR else {
        Glibc.close(descriptor)
        throw problem("\(new): cannot be written", isFull: errno == ENOSPC)
      }
      written += max(count, 0)
    }
    let isDurable = fsync(descriptor) == 0
    Glibc.close(descriptor)
    guard isDurable, rename(new, path) == 0 else { throw problem("\(path): cannot be replaced") }
    try syncFolder(of: path)
  }

  /// The new name is durable with its folder.
  private static func syncFolder(of path: String) throws {
    let folder = (path as NSString).deletingLastPathComponent
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw problem("the folder of \(path): cannot be opened") }
    defer { Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else { throw problem("the folder of \(path): cannot be made durable") }
  }

  private static func hex(of bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func bytes(ofHex text: Substring) -> [UInt8]? {
    let all = Array(text.utf8)
    guard all.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: all.count, by: 2) {
      guard let byte = UInt8(String(decoding: all[start..<start + 2], as: UTF8.self), radix: 16),
        all[start] != UInt8(ascii: "+")
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func problem(_ text: String, isFull: Bool = false) -> PortError {
    PortError(
      isFull ? .unavailable : .refused, "checkpoint \(text)", cause: String(cString: strerror(errno)),
      reason: isFull ? .diskFull : .badFile)
  }

  private static func unreadable(_ path: String) -> PortError {
    PortError(
      .refused,
      "checkpoint \(path): it is none, or damaged; what to do: remove the run and begin again, with tally replay --discard",
      reason: .corruptState)
  }
}
