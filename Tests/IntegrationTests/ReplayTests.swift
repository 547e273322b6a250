import TestPlaces
import Foundation
import TestServers
import Testing

/// `tally replay`: what live scored, once more, byte for byte.
@Suite struct ReplayTests {
  /// Live in odd batches with a kill and a restart in the middle, then replayed from the topic.
  @Test(arguments: TestTable.Kind.allCases)
  func equalsLiveByteForByte(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let messages = rig.history.messages
      let count = messages.count
      let settings = try Places.write("worker: {batch_rows_max: 37}\n", as: "tally.yaml")
      try rig.broker.produce(Array(messages[..<1500]), to: "events")
      try rig.run(["--config", settings])
      try rig.broker.produce(Array(messages[1500...]), to: "events")
      try rig.run()
      let (live, states, records) = (
        try rig.liveScores(), try rig.storedStates(), try rig.records()
      )

      try rig.broker.createTopic("replayed", partitions: Rig.partitions)
      let replay = try rig.ask([
        "replay", "--run", "january", "--workers", "2", "--to-topic", rig.broker.name("replayed"),
      ])
      #expect(replay.code == 0, "\(replay.text)")
      #expect(try Totals(replay.output) == Totals(read: count, scored: count))
      #expect(try rig.values("replayed") == rig.values("scores"), "every byte of every score")
      #expect(try rig.replayed("january") == live)
      #expect(try rig.table.latest() == Reference.shared().latest)
      let all = try rig.storedStates()
      #expect(all.count == 2 * states.count)
      #expect(Set(all.values) == Set(states.values))
      #expect(states.allSatisfy { all[$0.key] == $0.value })
      #expect(try rig.records() == records, "the live pipeline's positions stay")

      // The same name goes on: there is nothing left.
      let again = try rig.ask(["replay", "--run", "january"])
      #expect(try again.code == 0 && Totals(again.output) == Totals(read: 0, scored: 0), "\(again.text)")
      let gone = try rig.ask(["replay", "--run", "january", "--discard"])
      #expect(gone.code == 0, "\(gone.text)")
      #expect(try rig.storedStates() == states)
      #expect((try? rig.replayed("january")) == nil)
      #expect(try rig.liveScores() == live)
    }
  }

  @Test(arguments: TestTable.Kind.allCases)
  func killedAndResumed(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      try rig.produceHistory()
      try rig.run()
      let settings = try Places.write("worker: {batch_rows_max: 5}\n", as: "tally.yaml")
      let process = try TallyProcess(["replay", "--run", "r", "--config", settings] + rig.connection)
      try until("some rows", telling: { process.text }) {
        ((try? rig.replayed("r").count) ?? 0) > 300 || process.exitCode() != nil
      }
      process.kill9()
      let rows = try rig.replayed("r").count
      #expect(rows < rig.history.events.count, "killed too late to prove anything")
      // What comes after a start is not that start's to read, but the next one's.
      let rest = try rig.ask(["replay", "--run", "r"])
      #expect(rest.code == 0, "\(rest.text)")
      #expect(try Totals(rest.output).read <= rig.history.events.count - rows + 600)
      #expect(try rig.replayed("r") == rig.liveScores())
    }
  }

  /// Files in any packing give what one partition of a topic would.
  @Test func filesOfAnyPacking() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let folder = try Places.newFolder("files")
      let lines = readText(rig.history.file).split(separator: "\n").map(String.init)
      let (first, second) = (folder + "/a.jsonl", folder + "/b.jsonl")
      try Data(lines[..<2000].joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: first))
      try Data(lines[2000...].joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: second))
      try shell("gzip -k \(first) && zstd -q -k \(second)")
      let whole = try rig.ask(["replay", rig.history.file, "--run", "whole"])
      #expect(whole.code == 0, "\(whole.text)")
      let packed = try rig.ask([
        "replay", first + ".gz", second + ".zst", "--run", "packed", "--store", "memory",
      ])
      #expect(packed.code == 0, "\(packed.text)")
      let expected = try rig.replayed("whole")
      #expect(expected.count == lines.count)
      #expect(try rig.replayed("packed") == expected)
      // By event, the topic's scores are the same.
      try rig.produceHistory()
      try rig.run()
      #expect(try rig.replayed("whole", place: false) == rig.liveScores(place: false))

      let tail = try rig.ask(["replay", rig.history.file, "--run", "tail", "--from", "2000"])
      #expect(try Totals(tail.output) == Totals(read: lines.count - 2000, scored: lines.count - 2000))
    }
  }

  @Test func fromAnOffsetToTheEndSeen() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      let ends = try Standing.all(try rig.ask(["status", "--json"]).output).map { Int($0.end ?? 0) }
      let from = ends.enumerated().map { "\($0):\($1 / 2)" }.joined(separator: ",")
      let half = ends.reduce(0) { $0 + $1 - $1 / 2 }
      let replay = try rig.ask(["replay", "--run", "half", "--from", from])
      #expect(replay.code == 0, "\(replay.text)")
      #expect(try Totals(replay.output) == Totals(read: half, scored: half))
      #expect(replay.errors.contains("\(half) records to score"))
      let other = try rig.ask(["replay", "--run", "half", "--from", "0"])
      #expect(other.code == 1 && other.errors.contains("began partition"), "\(other.text)")
      try rig.broker.produce([rig.history.message(at: 0)], to: "events")
      let more = try rig.ask(["replay", "--run", "half"])
      #expect(try Totals(more.output).read == 1, "\(more.text)")
    }
  }

  @Test func wrongUse() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.broker.produce([rig.history.message(at: 0)], to: "events")
      func refused(_ options: [String], _ text: String) throws {
        let result = try rig.ask(["replay"] + options)
        #expect(result.code == 1 && result.errors.contains(text), "\(options): \(result.text)")
      }
      try refused(["--run", "No Good"], "small letters")
      try refused(["--from", "99999"], "has the offsets")
      try refused(["--from", "7:1"], "partitions 0 to 3")
      try refused(["--to-topic", rig.broker.name("scores")], "topic of the live pipeline")
      try refused(["/nonexistent.jsonl"], "/nonexistent.jsonl")
      let folder = try Places.newFolder("broken")
      try shell("gzip -c \(rig.history.file) | head -c 5000 > \(folder)/cut.jsonl.gz")
      try refused(["\(folder)/cut.jsonl.gz"], "cut off")
      #expect(try rig.ask(["replay", "--discard"]).code == 64)
    }
  }
}

/// Runs a shell command that must succeed.
private func shell(_ command: String) throws {
  guard try runInShell(command) == 0 else { throw TestFailure(command) }
}

extension Rig {
  /// Values of a topic by the place of their event; a repeat must be identical.
  fileprivate func values(_ topic: String) throws -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for message in try messages(topic) {
      let score = try TopicScore(json: message.value ?? [])
      if let first = found.updateValue(score.value, forKey: score.place), first != score.value {
        throw TestFailure("two values at \(score.place)")
      }
    }
    return found
  }

  /// All of `scores` but the wall clock.
  fileprivate func liveScores(place: Bool = true) throws -> [[String]] { try table.dump("", place: place) }

  /// The same of a replay; throws when there is none.
  fileprivate func replayed(_ run: String, place: Bool = true) throws -> [[String]] {
    try table.dump(run, place: place)
  }
}
