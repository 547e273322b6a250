import TestPlaces
import Foundation
import Glibc
import Testing

@testable import Configuration
@testable import tally

/// What other users of a machine can see of a run, or put in its way.
@Suite struct PrivateFilesTests {
  private static func mode(_ path: String) -> mode_t {
    var found = stat()
    return stat(path, &found) == 0 ? found.st_mode & 0o777 : 0o7777
  }

  @Test func whatIsWrittenIsTheUsersAlone() async throws {
    try await onThread {
      let folder = try Places.newFolder("private")
      let out = folder + "/events.jsonl"
      let made = try tally(["generate", "--customers", "3", "--days", "2", "--output", out])
      #expect(made.code == 0, "\(made.text)")
      #expect(Self.mode(out) == 0o600)
      let rig = try Rig(.sqlite)
      let replay = try rig.ask(["replay", out, "--run", "private", "--store", "memory"])
      #expect(replay.code == 0, "\(replay.text)")
      let place = try #require(
        replay.output.split(separator: " ").first { $0.contains("-replay-private.db") })
      #expect(Self.mode(place.trimmingCharacters(in: CharacterSet(charactersIn: ":"))) == 0o600)
    }
  }

  @Test func foldersOfOurOwn() throws {
    let one = try PrivateFolder.fresh("tally-test")
    let two = try PrivateFolder.fresh("tally-test")
    defer { for folder in [one, two] { rmdir(folder) } }
    #expect(one != two && Self.mode(one) == 0o700)
    #expect(try PrivateFolder.named(one) == one)
    chmod(one, 0o777)
    #expect(throws: Failure.self) { try PrivateFolder.named(one) }
    #expect(throws: Failure.self) { try PrivateFolder.named("/proc/1/fdinfo/none") }
  }

  /// A file that merely lies in the folder: taken when it is ours, and without what loads code.
  @Test func aFileThatLiesAround() throws {
    let folder = try Places.newFolder("around")
    let file = folder + "/tally.yaml"
    func layer(named: Bool = false) throws -> SettingsLayer? {
      try SettingsFile.layer(path: named ? file : nil, environment: [:], folder: folder)
    }
    #expect(try layer() == nil)
    try "kafka:\n  topic: here\n".write(toFile: file, atomically: false, encoding: .utf8)
    chmod(file, 0o644)
    #expect(try layer() != nil)
    chmod(file, 0o666)
    let open = #expect(throws: Failure.self) { try layer() }
    #expect(open?.description.contains("may be written by others") == true)
    #expect(open?.description.contains("--config \(file)") == true)
    #expect(try layer(named: true) != nil)
    for property in ["plugin.library.paths", "sasl.kerberos.kinit.cmd", "Plugin.Library.Paths"] {
      try "kafka:\n  properties:\n    \(property): /tmp/x.so\n".write(
        toFile: file, atomically: false, encoding: .utf8)
      chmod(file, 0o600)
      let refused = #expect(throws: Failure.self) { try layer() }
      #expect(refused?.description.contains(property) == true)
      #expect(try layer(named: true) != nil)
    }
  }
}
