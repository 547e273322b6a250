import TestPlaces
import Foundation
import TestServers
import Testing

/// "erase: done" leaves nothing on disk.
@Suite struct EraseTracesTests {
  /// A rig whose SQLite file lies in a folder of its own.
  private func filed() throws -> (rig: Rig, folder: String) {
    let folder = try Places.newFolder("traces")
    return (try Rig(.sqlite, folder: folder), folder)
  }

  /// Which files of the database have these bytes.
  private func files(of folder: String, with text: String) -> [String] {
    ["scores.db", "scores.db-wal", "scores.db-shm"].filter { name in
      guard let data = FileManager.default.contents(atPath: folder + "/" + name) else { return false }
      return data.range(of: Data(text.utf8)) != nil
    }
  }

  @Test func noFileHasTheIDAnyMore() async throws {
    try await onThread {
      let (rig, folder) = try filed()
      let people = (0..<40).map { "person-\($0)-\(String($0 * 7_919, radix: 36))-ü" }
      // Interleaved, so that pages are split with everybody's rows in them; some events are letters.
      var messages: [BrokerMessage] = []
      for number in 0..<3_000 {
        let person = people[(number * 17 + number / 40) % people.count]
        messages.append(
          number % 9 == 0
            ? BrokerMessage(
              person, "{\"entity_id\":\"\(person)\"} #\(number)", contentType: "application/json")
            : DeadLetterTests.login("e\(number)-of-\(person)", person))
      }
      try rig.broker.produce(messages, to: "events")
      let process = try rig.start()
      try rig.waitForProgress(of: process, to: messages.count)
      #expect(!files(of: folder, with: people[0]).isEmpty)
      for person in people.prefix(12) {
        let erased = try rig.ask(["erase", person, "--wait", "30"])
        #expect(erased.code == 0 && erased.output.contains("erase: done"), "\(erased.text)")
        #expect(files(of: folder, with: person) == [], "\(person): \(erased.text)")
      }
      #expect(rig.table.number("SELECT count(DISTINCT entity_id) FROM scores") == 28)
      process.terminate()
      #expect(try process.wait().code == 0, "\(process.text)")
    }
  }

  /// Letters that only mention the person are named, and can be removed.
  @Test(arguments: TestTable.Kind.allCases)
  func lettersThatMentionThePersonAreNamed(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      try rig.broker.produce(
        [
          DeadLetterTests.login("a", "alice-1"),
          BrokerMessage("bob", "not an event of alice-1", contentType: "application/json"),
          BrokerMessage("bob", "not an event", contentType: "application/json"),
        ], to: "events")
      let process = try rig.start()
      try rig.waitForProgress(of: process, to: 3)
      let erased = try rig.ask(["erase", "alice-1", "--wait", "30"])
      #expect(erased.code == 0 && erased.output.contains("erase: done"), "\(erased.text)")
      let address =
        "\(Homes.partition(of: "bob"))/"
        + (Homes.partition(of: "bob") == Homes.partition(of: "alice-1") ? "1" : "0")
      #expect(erased.output.contains("tally dead-letters purge \(address)\n"), "\(erased.text)")
      #expect(erased.errors.contains("in a letter") == (kind == .sqlite), "\(erased.text)")
      #expect(try rig.ask(["dead-letters", "purge", address]).output.contains("1 removed"))
      let again = try rig.ask(["erase", "alice-1", "--wait", "30"])
      #expect(!again.output.contains("purge") && again.errors.isEmpty, "\(again.text)")
      process.terminate()
      #expect(try process.wait().code == 0)
    }
  }

  /// Somebody who reads keeps the log: it is said, and the next try is well.
  @Test func aReaderIsNamed() async throws {
    try await onThread {
      let (rig, folder) = try filed()
      try rig.broker.produce([DeadLetterTests.login("a", "alice-77")], to: "events")
      let process = try rig.start()
      try rig.waitForProgress(of: process, to: 1)
      let reader = Process()
      let (input, output) = (Pipe(), Pipe())
      reader.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      reader.arguments = ["sqlite3", "-batch", folder + "/scores.db"]
      reader.standardInput = input
      reader.standardOutput = output
      try reader.run()
      input.fileHandleForWriting.write(Data("BEGIN; SELECT count(*) FROM scores;\n".utf8))
      _ = output.fileHandleForReading.availableData
      let erased = try rig.ask(["erase", "alice-77", "--wait", "30"])
      #expect(erased.code == 0 && erased.errors.contains("a reader keeps"), "\(erased.text)")
      try input.fileHandleForWriting.close()
      reader.waitUntilExit()
      let again = try rig.ask(["erase", "alice-77", "--wait", "30"])
      #expect(again.code == 0 && again.errors.isEmpty, "\(again.text)")
      #expect(files(of: folder, with: "alice-77") == [])
      process.terminate()
      #expect(try process.wait().code == 0)
    }
  }
}
