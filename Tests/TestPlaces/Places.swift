import Foundation
import Glibc
import Synchronization
import TestServers
import TestThreads

/// Where things are, found from where the tests are.
package enum Places {
  /// The built program.
  package static let program = (try? builtProgram("tally")) ?? "tally"

  /// The package's folder.
  package static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// The Swift files of a module, by path.
  package static func sources(of module: String) -> [(path: String, text: String)] {
    let folder = package + "/Sources/" + module
    let names = FileManager.default.subpaths(atPath: folder) ?? []
    return names.filter { $0.hasSuffix(".swift") }.map { ($0, readText("\(folder)/\($0)")) }
  }

  /// The pipeline that the tests run.
  package static let pipeline = package + "/pipelines/engagement.yaml"

  /// Where programs are looked for.
  package static let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"

  /// Everything that these tests write; removed when this process ends.
  private static let temporary: Result<String, any Error> = Result {
    var template = Array("/tmp/tally-integration-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw TestFailure("mkdtemp: errno \(errno)") }
    let folder = String(cString: made)
    Orphanage.shared.adopt(folder: folder)
    return folder
  }
  private static let count = Mutex(0)

  /// Makes an empty folder.
  package static func newFolder(_ name: String) throws -> String {
    let number = count.withLock { count in
      count += 1
      return count
    }
    let folder = try temporary.get() + "/\(name)-\(number)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    return folder
  }

  /// Writes a file of its own; returns its path.
  package static func write(_ text: String, as name: String) throws -> String {
    let path = try newFolder("file") + "/" + name
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }
}

/// How much longer than on an idle machine a test waits: a limit is there to end what is broken, not to measure.
private let patience = 6

/// Something that a test needs did not come about.
package struct TestFailure: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// Asks again every few milliseconds until `body` answers; throws after `seconds`, telling what is known.
package func until<Answer>(
  _ what: String, seconds: Int = 60, telling: () -> String = { "" }, _ body: () throws -> Answer?
) throws -> Answer {
  let end = ContinuousClock.now + .seconds(seconds * patience)
  while true {
    if let answer = try body() { return answer }
    guard .now < end else {
      throw TestFailure("waited \(seconds * patience) s in vain for \(what)\n\(telling().suffix(2000))")
    }
    usleep(5_000)
  }
}

/// Waits until a condition holds; throws after `seconds`.
package func until(
  _ what: String, seconds: Int = 60, telling: () -> String = { "" }, holds: () throws -> Bool
) throws {
  try until(what, seconds: seconds, telling: telling) { try holds() ? () : nil }
}

/// Runs a body that waits a lot on a thread of its own: see `ThreadsTrait`.
package func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
  try await TestThreads.onThread(body)
}

/// A text file's content; empty: it is not there.
package func readText(_ path: String) -> String {
  FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
}
