import TestPlaces
import Foundation
import TestNumbers
import TestServers
import Testing

/// `run --accept-gap` and `tally skip`: what is left out, by everything that reads the log.
@Suite struct LeftOutTests {
  /// A partition and offsets of it that were not scored when the order came.
  private func stageWithOrder(_ kind: TestTable.Kind, _ redis: RedisServer) throws -> (
    rig: Rig, range: String
  ) {
    let rig = try Rig(kind, redis: redis)
    let messages = rig.history.messages
    try rig.broker.produce(Array(messages[..<2000]), to: "events")
    try rig.run()
    try rig.broker.produce(Array(messages[2000...]), to: "events")
    let standings = try Standing.all(try rig.ask(["status", "--json"]).output)
    let next = try #require(standings.first { $0.partition == 1 }?.w)
    return (rig, "1:\(next + 3)-\(next + 6)")
  }

  @Test(arguments: TestTable.Kind.allCases)
  func skippedIsLeftOutByEverything(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let redis = try RedisServer()
      defer { redis.stop() }
      let (rig, range) = try stageWithOrder(kind, redis)
      let dry = try rig.ask(["skip", range, "--dry-run"])
      #expect(dry.code == 0 && dry.output.contains("\(range) can be left out"), "\(dry.text)")
      let given = try rig.ask(["skip", range])
      #expect(given.code == 0 && given.output.contains("\(range) is ordered to be left out"), "\(given.text)")
      let again = try rig.ask(["skip", range])
      #expect(again.code == 0 && again.output.contains("\(range) is left out already"), "\(again.text)")
      let ahead = try rig.ask(["status"])
      #expect(ahead.output.contains("partition 1: left out 4 ahead: "), "\(ahead.text)")

      let run = try rig.run()
      let offsets = range.dropFirst(2)
      #expect(
        run.errors.contains("partition 1: offsets \(offsets) are left out: ordered with tally skip"),
        "\(run.text)")
      let count = rig.history.events.count - 4
      #expect(rig.table.number("SELECT count(*) FROM scores") == count)
      let ends = offsets.split(separator: "-")
      let between = "\"partition\" = 1 AND \"offset\" BETWEEN \(ends[0]) AND \(ends[1])"
      #expect(rig.table.number("SELECT count(*) FROM scores WHERE \(between)") == 0)
      #expect(
        try rig.table.query("SELECT left_out FROM positions WHERE left_out IS NOT NULL")
          == [["\(offsets):skipped"]])
      let status = try rig.ask(["status"])
      #expect(status.output.contains("partition 1: left out 4 skipped: \(offsets):skipped"), "\(status.text)")
      #expect(!status.output.contains("\nskipped"), "left out is not without a record")
      let json = try rig.ask(["status", "--json"])
      #expect(
        json.output.contains("{\"from\":\(ends[0]),\"to\":\(ends[1]),\"cause\":\"skipped\"}"), "\(json.text)")

      let late = try rig.ask(["skip", "1:0-3"])
      #expect(late.code == 1 && late.errors.contains("was scored already"), "\(late.text)")
      try checkReaders(rig, count)
    }
  }

  /// Verify, replay, rebuild and a store that is lost: all of them leave out the same.
  private func checkReaders(_ rig: Rig, _ count: Int) throws {
    let states = try rig.states()
    let verified = try rig.ask(["verify", "--sample", "1"])
    #expect(verified.code == 0 && verified.output.hasSuffix("equal\n"), "\(verified.text)")
    let replay = try rig.ask(["replay", "--run", "again"])
    #expect(replay.code == 0, "\(replay.text)")
    #expect(try Totals(replay.output) == Totals(read: count, scored: count))
    #expect(try rig.table.scores(of: "again") == rig.table.scores())
    #expect(try rig.ask(["replay", "--run", "again", "--discard"]).code == 0)
    for person in rig.history.people.prefix(4) {
      let one = try rig.ask(["rebuild", "--entity", person])
      #expect(one.code == 0, "\(one.text)")
    }
    #expect(try rig.states() == states)
    let rebuilt = try rig.ask(["rebuild"])
    #expect(rebuilt.code == 0 && rebuilt.output.contains("\(count) records"), "\(rebuilt.text)")
    #expect(try rig.states() == states)
    #expect(try rig.ask(["status"]).output.contains("left out 4 skipped"))
    try rig.redis.command("FLUSHALL")
    try rig.broker.produce([DeadLetterTests.login("last", rig.history.people[0])], to: "events")
    try rig.run()
    let after = try rig.states()
    #expect(after.count == states.count && after.count { states[$0.key] != $0.value } == 1)
    #expect(rig.table.number("SELECT count(*) FROM scores") == count + 1)
    #expect(try rig.ask(["status"]).output.contains("left out 4 skipped"))
    #expect(try rig.ask(["verify", "--sample", "1"]).code == 0)
  }

  /// An order reaches a run that is at work.
  @Test func aRunningPipelineFollows() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let messages = rig.history.messages
      let process = try rig.start(["--set", "worker.batch_rows_max=50"])
      try rig.broker.produce(Array(messages[..<2000]), to: "events")
      try rig.waitForProgress(of: process, to: 2000)
      let standings = try Standing.all(try rig.ask(["status", "--json"]).output)
      let next = try #require(standings.first { $0.partition == 2 }?.w)
      process.freeze()
      try rig.broker.produce(Array(messages[2000...]), to: "events")
      let range = "2:\(next)-\(next + 9)"
      let given = try rig.ask(["skip", range])
      #expect(given.code == 0, "\(given.text)")
      process.thaw()
      try rig.waitForProgress(of: process, to: messages.count)
      process.terminate()
      let ended = try process.wait()
      #expect(ended.code == 0, "\(ended.text)")
      #expect(rig.table.number("SELECT count(*) FROM scores") == messages.count - 10)
      #expect(try rig.ask(["verify", "--sample", "1"]).code == 0)
    }
  }

  /// The log has lost records before they were scored: refused, then gone over exactly once.
  @Test func aGapIsAcceptedOnce() async throws {
    try await onThread {
      let redis = try RedisServer()
      defer { redis.stop() }
      let rig = try Rig(.sqlite, redis: redis)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<2000]), to: "events")
      try rig.run()
      // librdkafka's mock keeps 5 MB of a partition; what comes before goes.
      let person = rig.history.people[0]
      let partition = Homes.partition(of: person)
      var generator = SeededGenerator(seed: 1)
      for _ in 0..<8 {
        // Nothing that could be compressed.
        let noise = (0..<112_500).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        try rig.broker.produce([BrokerMessage(key: Array(person.utf8), value: noise)], to: "events")
      }

      let refused = try tally(["run", "--until-end"] + rig.connection)
      #expect(refused.code == 1, "\(refused.text)")
      let range = try #require(
        refused.errors.firstMatch(of: /--accept-gap (\d+:\d+-\d+)/).map { String($0.1) }, "\(refused.text)")
      #expect(range.hasPrefix("\(partition):"))
      let other = try tally(["run", "--until-end", "--accept-gap", "\(partition):0-1"] + rig.connection)
      #expect(other.code == 1 && other.errors.contains("--accept-gap \(range)"), "\(other.text)")
      let wrong = try tally(["run", "--until-end", "--accept-gap", "9:0-1"] + rig.connection)
      #expect(wrong.code == 1 && wrong.errors.contains("has the partitions 0 to 3"), "\(wrong.text)")
      let run = try rig.run(["--accept-gap", range])
      let offsets = range.drop { $0 != ":" }.dropFirst()
      #expect(run.errors.contains("are left out: deleted from the log"), "\(run.text)")
      #expect(
        try rig.table.query("SELECT left_out FROM positions WHERE left_out IS NOT NULL")
          == [["\(offsets):deleted"]])
      let status = try rig.ask(["status"])
      #expect(status.output.contains("deleted: \(offsets):deleted"), "\(status.text)")

      // It is not said twice, and may be.
      try rig.broker.produce([DeadLetterTests.login("later", person)], to: "events")
      #expect(try Totals(try rig.run().output).scored == 1)
      try rig.run(["--accept-gap", range])
      let verified = try rig.ask(["verify", "--sample", "1"])
      #expect(
        verified.code == 3 && verified.output.contains("equal as far as the log reaches"), "\(verified.text)")
      // States that are lost by now cannot be made again, and the gap is named.
      try redis.command("FLUSHALL")
      let lost = try tally(["run", "--until-end"] + rig.connection)
      #expect(lost.code == 1 && lost.errors.contains("accepted as gone: \(offsets):deleted"), "\(lost.text)")
    }
  }

  @Test(arguments: [
    ["skip"], ["skip", "3"], ["skip", "3:"], ["skip", "3:5-4"], ["skip", "-1:5"], ["skip", "3:a"],
    ["skip", "3:1-9223372036854775807"], ["run", "--accept-gap", "3"],
    ["run", "--accept-gap", "3:5-6", "--accept-gap", "3:8-9"],
  ])
  func wrongUse(_ arguments: [String]) throws {
    let result = try tally(arguments)
    #expect(result.code == 64, "\(result.text)")
  }
}
