import ArgumentParser
import Foundation
import TestPlaces
import Testing

@testable import Configuration
@testable import tally

/// Flags that set settings go through the layers of all settings.
@Suite struct SettingFlagTests {
  private static let flags = Setting.all.flatMap { setting in setting.flags.map { (setting.path, $0) } }

  /// What follows the flag, and the path of what it sets.
  private func words(_ setting: Setting, _ flag: String) -> (words: [String], path: String) {
    if setting.isMap { return ([flag, "client.rack=r"], "\(setting.path).client.rack") }
    if case .truth = setting.kind { return ([flag], setting.path) }
    let standard = setting.standard.flatMap { $0.isEmpty ? nil : $0 }
    return ([flag, standard ?? setting.example?.values[0].text ?? "a"], setting.path)
  }

  @Test(arguments: flags) func everyFlagOfASettingIsItsOrigin(_ path: String, _ flag: String) throws {
    let setting = try #require(Setting.all.first { $0.path == path })
    let file = try Places.write("worker: {}\n", as: "tally.yaml")
    let (words, place) = words(setting, flag)
    let config = try Config.parse(["--config", file] + words)
    let settings = try config.connection.settings(config.options.given)
    let origin = settings.origin(of: place).description
    #expect(origin == (setting.isMap ? "-X client.rack" : flag), "\(words): \(origin)")
  }

  @Test func commandsThatHaveThemPassThemOn() throws {
    let file = try Places.write("worker: {threads: 2}\nhttp: {listen: 1}\n", as: "tally.yaml")
    let run = try Run.parse(["--config", file, "--workers", "3", "--http", ":2"])
    let settings = try run.connection.settings(run.options.given)
    #expect(settings.workers == 3 && settings.http == ":2")
    let replay = try Replay.parse(["--config", file, "--workers", "4"])
    #expect(try replay.connection.settings(replay.threads.given).workers == 4)
    let rebuild = try Rebuild.parse(["--config", file])
    #expect(try rebuild.connection.settings(rebuild.threads.given).workers == 2)
    #expect(throws: (any Error).self) { try Rebuild.parse(["--workers", "0"]) }
    #expect(throws: (any Error).self) { try Rebuild.parse(["--workers", "2", "--entity", "e"]) }
    #expect(throws: Failure.self) { try SettingsOverrides.flags([("--unknown", "x")]) }
  }

  @Test(arguments: [
    ["--json"], ["--schema"], ["--reference", "--json", "--schema"], ["--reference", "--check"],
    ["--reference", "--origin"],
  ])
  func contradictingFlagsOfConfigAreRefused(_ words: [String]) {
    #expect(throws: (any Error).self) { try Config.parse(words) }
  }

  /// The reference needs no settings: it is printed where these are wrong, too.
  @Test func theReferenceIsPrintedWhateverTheSettings() async throws {
    try await onThread {
      for (words, expected) in [
        ([], SettingsReference.text), (["--json"], SettingsReference.json),
        (["--schema"], SettingsSchema.text),
      ] {
        let said = try tally(
          ["config", "--reference"] + words, environment: ["TALLY_KAFKA_SESSION_TIMEOUT": "wrong"])
        #expect(said.code == 0 && said.errors.isEmpty && said.output == expected + "\n", "\(words)")
      }
    }
  }
}
