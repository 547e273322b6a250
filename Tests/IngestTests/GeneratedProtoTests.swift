import Glibc
import TestServers
import Testing

@Suite("The generated C code") struct GeneratedProtoTests {
  /// The package's folder: this file is Tests/IngestTests/….
  static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    .joined(separator: "/")

  static func contents(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("is what protoc-c makes of proto/") func inSync() throws {
    let folder = "/tmp/tally-proto-\(getpid())"
    defer { _ = try? runInShell("rm -rf '\(folder)'") }
    try #require(try runInShell("'\(Self.root)/scripts/generate-proto.sh' --check '\(folder)'") == 0)
    for name in ["events", "scores", "state"] {
      for file in ["\(name).pb-c.c", "include/\(name).pb-c.h"] {
        let made = try #require(Self.contents("\(folder)/\(file)"))
        let committed = try #require(Self.contents("\(Self.root)/Sources/CEvents/\(file)"))
        #expect(made.utf8.elementsEqual(committed.utf8), "run scripts/generate-proto.sh: \(file) differs")
        #expect(made.utf8.count > 1000)
      }
    }
  }
}
