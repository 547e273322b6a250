import Foundation
import Logging
import TestPlaces
import Testing

@testable import Configuration
@testable import tally

@Suite struct TerminalLogTests {
  @Test func textIsForPeople() {
    #expect(TerminalLog.text("tally", .notice, "here", ["partition": "3"]) == "tally: here")
    #expect(TerminalLog.text("tally", .warning, "here", [:]) == "tally: warning: here")
    #expect(TerminalLog.text("tally", .error, "gone", ["code": "lost-state"]) == "tally: gone [lost-state]")
  }

  @Test func jsonIsOneObjectALine() throws {
    let line = TerminalLog.json(
      "tally", .warning, "a \"quoted\"\nline\u{1}", ["partition": "3", "level": "mine"],
      at: Date(timeIntervalSince1970: 0))
    #expect(!line.contains("\n"))
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    #expect(
      object == [
        "time": "1970-01-01T00:00:00.000Z", "level": "warning", "logger": "tally",
        "message": "a \"quoted\"\nline\u{1}", "partition": "3",
      ])
  }

  /// The program's messages, warnings and its error, by flag and by setting.
  @Test func theProgramWritesWhatIsAskedFor() async throws {
    try await onThread {
      let wrong = ["check", "none.yaml"]
      #expect(try tally(wrong).errors.hasPrefix("tally: the pipeline file"))
      let config = ["config", "--check", "--pipeline", Places.pipeline]
      let warned = try tally(config + ["--log-format", "json"], environment: ["TALLY_KAFKA_TOPC": "x"])
      let lines = warned.errors.split(separator: "\n")
      #expect(warned.code == 0 && lines.count == 1, "\(warned.text)")
      let object = try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: String]
      #expect(object?["level"] == "warning" && object?["message"]?.contains("TALLY_KAFKA_TOPC") == true)
      let quiet = try tally(
        config + ["--set", "log.level=error"], environment: ["TALLY_KAFKA_TOPC": "x"])
      #expect(quiet.code == 0 && quiet.errors.isEmpty, "\(quiet.text)")
      let failed = try tally(
        ["features", "x", "--pipeline", "none.yaml", "--log-format", "json", "--no-table"])
      let error = try JSONSerialization.jsonObject(with: Data(failed.errors.utf8)) as? [String: String]
      #expect(
        failed.code == 1 && error?["level"] == "error" && error?["code"] == "bad-file", "\(failed.text)")
    }
  }
}
