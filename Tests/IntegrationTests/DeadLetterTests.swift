import TestPlaces
import Events
import Foundation
import TestServers
import Testing

/// `tally dead-letters`: list, show, replay.
@Suite struct DeadLetterTests {
  static let time: Int64 = 1_767_225_600_000_000

  static func login(
    _ id: String, _ person: String, key: String? = nil, note: String = "", partition: Int32 = -1
  )
    -> BrokerMessage
  {
    BrokerMessage(
      key ?? person,
      "{\"event_id\":\"\(id)\",\"entity_id\":\"\(person)\",\"event_time_us\":\(time),"
        + "\"engagement\":{\"type\":\"login\",\"attributes\":{\"note\":\"\(note)\"}}}",
      contentType: "application/json", partition: partition)
  }

  /// Letters by reason: two too large, one of a wrong key, one that is no event.
  private func stageWithLetters(_ kind: TestTable.Kind) throws -> (rig: Rig, small: String) {
    let rig = try Rig(kind)
    let small = try Places.write("worker: {value_size_max: 1KiB}\n", as: "tally.yaml")
    let long = String(repeating: "x", count: 2000)
    try rig.broker.produce(
      [
        Self.login("a1", "alice"), Self.login("a2", "alice", note: long), Self.login("b1", "bob", note: long),
        Self.login("c1", "carol", key: "somebody-else"), BrokerMessage("dave", "no event"),
      ], to: "events")
    try rig.run(["--config", small])
    return (rig, small)
  }

  @Test(arguments: TestTable.Kind.allCases)
  func listedShownAndReplayed(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let (rig, _) = try stageWithLetters(kind)
      let counts = try rig.ask(["dead-letters", "list", "--counts"])
      #expect(counts.output.contains(/too-large +2 +0/), "\(counts.text)")
      let list = try rig.ask(["dead-letters", "list", "--json"])
      #expect(list.output.split(separator: "\n").count == 4)
      for word in ["alice", "bob", "carol", "dave", "somebody"] { #expect(!list.text.contains(word)) }
      let two = try rig.ask(["dead-letters", "list", "--limit", "2"])
      #expect(two.output.contains("2 of 4; more with --limit"), "\(two.text)")

      let large = try rig.ask(["dead-letters", "list", "--reason", "too-large", "--json"])
      let places = try large.output.split(separator: "\n").map { try #require(try JSON($0)["address"].text) }
      let shown = try rig.ask(["dead-letters", "show", places[0]])
      #expect(shown.output.contains("too-large") && shown.output.contains("\"event_id\" :"), "\(shown.text)")
      #expect(shown.output.contains("the decoder would take it"))
      let raw = try rig.ask(["dead-letters", "show", "--raw", places[0]])
      #expect(raw.output.hasPrefix("{\"event_id\":") && raw.output.hasSuffix("}}}"))

      // With a larger limit they are events like others; while the pipeline works.
      let process = try rig.start()
      let dry = try rig.ask(["dead-letters", "replay", "--reason", "too-large", "--dry-run"])
      #expect(dry.output.contains("2 would be replayed (too-large: 2)"), "\(dry.text)")
      let first = try rig.ask(["dead-letters", "replay", "--reason", "too-large"])
      #expect(first.code == 0 && first.output.contains("2 replayed (too-large: 2)"), "\(first.text)")
      try rig.waitForProgress(of: process, to: 7)
      let second = try rig.ask(["dead-letters", "replay", "--reason", "too-large"])
      #expect(second.output.contains("0 replayed; 2 were replayed before: --again"), "\(second.text)")
      #expect(try rig.count("events") == 7)
      let again = try rig.ask(["dead-letters", "replay", places[0], "--again"])
      #expect(again.output.contains("1 replayed (too-large: 1)"), "\(again.text)")
      try rig.waitForProgress(of: process, to: 8)
      process.terminate()
      let end = try process.wait()
      #expect(try Totals(end.output) == Totals(read: 3, scored: 2, duplicate: 1), "\(end.output)")
      #expect(rig.table.number("SELECT count(*) FROM scores WHERE event_id IN ('a2', 'b1')") == 2)
      #expect(rig.table.number("SELECT sum(replays) FROM dead_letters") == 3)
      #expect(try rig.ask(["dead-letters", "list", "--counts"]).output.contains(/too-large +2 +2/))

      let headers = try rig.messages("events", headers: ["tally-replay"]).compactMap {
        $0.headers["tally-replay"]
      }
      let source = rig.broker.name("events")
      #expect(Set(headers) == Set(places.map { "\(source)/\($0)" }))
    }
  }

  /// An event on another partition than its key's goes home, from the log: its letter holds no value.
  @Test(arguments: TestTable.Kind.allCases)
  func strayEventsGoHome(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let stray = Self.login("a1", "alice", note: "stray", partition: Homes.elsewhere(than: "alice"))
      try rig.broker.produce([stray, Self.login("a2", "alice")], to: "events")
      let first = try rig.run()
      #expect(try Totals(first.output) == Totals(read: 2, scored: 1, deadLettered: 1), "\(first.text)")
      #expect(
        try rig.table.query("SELECT reason FROM dead_letters WHERE value IS NULL") == [["wrong-partition"]])
      let letter = try #require(try rig.messages("dead-letters").first)
      #expect(!String(decoding: letter.value ?? [], as: UTF8.self).contains("c3RyYXk"))
      let place = "\(Homes.elsewhere(than: "alice"))/0"
      let shown = try rig.ask(["dead-letters", "show", place])
      #expect(
        shown.output.contains("its key belongs to partition \(Homes.partition(of: "alice")) by murmur2"))
      #expect(shown.output.contains("the decoder would take it") && shown.output.contains("stray"))
      #expect(try rig.ask(["dead-letters", "replay", "--all"]).output.contains("1 replayed"))
      let run = try rig.run()
      #expect(try Totals(run.output) == Totals(read: 1, scored: 1), "\(run.text)")
      #expect(try rig.ask(["features", "alice"]).output.hasPrefix("2 events"))
      #expect(try rig.ask(["dead-letters", "replay", "--all"]).output.contains("0 replayed"))
    }
  }

  /// A login as `tally.Event`, under another key than its person's.
  private static func misplaced(_ id: String) -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, string: id)
    writer.field(2, string: "alice")
    writer.field(3, varint: UInt64(time))
    let engagement = writer.open(11)
    writer.field(1, string: "login")
    let attribute = writer.open(2)
    writer.field(1, string: "device")
    writer.field(5, string: "mobile")
    writer.close(attribute)
    writer.close(engagement)
    return writer.bytes
  }

  @Test(arguments: TestTable.Kind.allCases)
  func protobufIsShownFieldByField(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let value = Self.misplaced("p1")
      // The second is cut off within an attribute; the third is framed for schema 258 of a registry, as the fourth, of JSON.
      let frame: [UInt8] = [0, 0, 0, 1, 2]
      let json = Array("{\"event_id\":\"j\",\"entity_id\":\"alice\"}".utf8)
      var messages = [value, value.dropLast(3), frame + [0] + value, frame + json].map {
        BrokerMessage(key: Array("bob".utf8), value: Array($0))
      }
      for index in messages.indices {
        (messages[index].partition, messages[index].contentType) = (0, "application/x-protobuf")
      }
      try rig.broker.produce(messages, to: "events")
      #expect(try Totals(rig.run().output) == Totals(read: 4, scored: 0, deadLettered: 4))
      let shown = try rig.ask(["dead-letters", "show", "0/0"])
      #expect(shown.output.contains(/reason +key-mismatch/), "\(shown.text)")
      #expect(shown.output.contains(/today +a replay would end as key-mismatch/), "\(shown.text)")
      #expect(
        shown.output.contains("value      \(value.count) bytes\ntally.Event, in protobuf\n"), "\(shown.text)")
      for line in [
        "event_id: \"p1\"", "entity_id: \"alice\"", "event_time_us: \(Self.time)", "kind: engagement",
        "type: \"login\"",
        "  \"device\": \"mobile\"",
      ] { #expect(shown.output.contains("\n\(line)\n"), "\(line): \(shown.text)") }
      let raw = try rig.ask(["dead-letters", "show", "--raw", "0/0"])
      #expect(raw.output == String(decoding: value, as: UTF8.self))
      let framed = try rig.ask(["dead-letters", "show", "0/2"])
      #expect(
        framed.output.contains(
          "in Confluent's framing, schema 258\ntally.Event, in protobuf\nevent_id: \"p1\"\n"),
        "\(framed.text)")
      let text = try rig.ask(["dead-letters", "show", "0/3"])
      #expect(text.output.contains("in Confluent's framing, schema 258\n{\n"), "\(text.text)")
      let broken = try rig.ask(["dead-letters", "show", "0/1"])
      #expect(
        broken.output.contains(/reason +undecodable/) && broken.output.contains("\n000000  0a 02 70 31 12"))
    }
  }

  @Test func wrongUse() async throws {
    try await onThread {
      let (rig, _) = try stageWithLetters(.sqlite)
      #expect(try rig.ask(["dead-letters", "replay"]).code == 64)
      #expect(try rig.ask(["dead-letters", "replay", "--all", "1/1"]).code == 64)
      #expect(try rig.ask(["dead-letters", "show", "0/77"]).errors.contains("no dead letter at 0/77"))
      #expect(try rig.ask(["dead-letters", "show", "x"]).errors.contains("PARTITION/OFFSET"))
      #expect(try rig.ask(["dead-letters", "list", "--reason", "weird"]).errors.contains("too-large"))
      let none = try tally(["dead-letters", "list", "--no-table"] + rig.connectionWithoutTable)
      #expect(none.code == 1 && none.errors.contains("kcat"))
      let absent = try tally(
        ["dead-letters", "list", "--sqlite", "/nonexistent/x.db"] + rig.connectionWithoutTable)
      #expect(absent.code == 1 && absent.errors.contains("no such file"))
    }
  }
}
