import Foundation
import TestPlaces
import TestServers
import Testing

@Suite struct SettingsPathCommandTests {
  private let folder: String

  init() throws { folder = try Places.newFolder("settings-path") }

  private func write(_ text: String, as name: String) throws {
    let path = folder + "/" + name
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o600)
  }

  /// The program, in a folder of its own.
  @Test func theProgramFindsThem() async throws {
    try await onThread {
      try write(readText(Places.pipeline), as: "p.yaml")
      try write("pipeline: p.yaml\nredis: {password_file: secret}\n", as: "tally.yaml")
      let options = ["config", "--check", "--config", folder + "/tally.yaml"]
      let without = try tally(options)
      #expect(without.code == 1 && without.errors.contains("secret file \(folder)/secret"), "\(without.text)")
      try write("sesame", as: "secret")
      let right = try tally(options)
      #expect(right.code == 0 && right.text.isEmpty, "\(right.text)")
      let flag = try tally(options + ["--pipeline", "p.yaml"])
      #expect(flag.code == 1 && flag.errors.contains("p.yaml"), "\(flag.text)")
    }
  }
}
