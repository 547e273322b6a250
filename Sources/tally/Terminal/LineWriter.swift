import Dataflow
import Configuration
import Foundation

/// Writes bytes to a file, or to standard output for the path "-", through a buffer.
final class LineWriter {
  private let path: String
  private let handle: FileHandle
  private var buffer: [UInt8] = []
  private static let bufferBytesMax = 1 << 20

  init(path: String) throws {
    self.path = path
    if path == "-" {
      handle = .standardOutput
      return
    }
    // Foundation would put a new file in the place of a link or a device, such as /dev/null.
    let opened = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard opened >= 0 else {
      throw Failure("\(path) cannot be written: does its folder exist?", reason: .badFile)
    }
    handle = FileHandle(fileDescriptor: opened, closeOnDealloc: true)
  }

  func write(_ bytes: [UInt8]) throws {
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.bufferBytesMax { try flush() }
  }

  private func flush() throws {
    do {
      try handle.write(contentsOf: Data(buffer))
    } catch { throw Failure("\(path) cannot be written: \(error.localizedDescription)", reason: .badFile) }
    buffer.removeAll(keepingCapacity: true)
  }

  func close() throws {
    try flush()
    if path != "-" { try handle.close() }
  }
}
