import TestPlaces
import Foundation
import TestServers
import Testing

/// States that are lost or that belong to something else.
@Suite struct LostStateTests {
  @Test func emptiedRedisIsRefusedThenRebuilt() async throws {
    try await onThread {
      let redis = try RedisServer()
      defer { redis.stop() }
      let rig = try Rig(.postgres, redis: redis)
      try rig.produceHistory()
      try rig.run()
      try redis.command("FLUSHALL")

      let refused = try tally(["run", "--until-end", "--on-lost-state", "refuse"] + rig.connection)
      #expect(refused.code == 1)
      let standing = try #require(try Standing.all(try rig.ask(["status", "--json"]).output).first)
      let (table, committed) = (standing.t ?? -1, standing.c ?? -1)
      #expect(standing.w == nil)
      #expect(refused.errors.contains("[W none, T "))
      #expect(
        refused.errors.contains("partition 0: ")
          ? refused.errors.contains("[W none, T \(table), C \(committed), ") : true)
      #expect(refused.errors.contains("what to do: ") && refused.errors.contains("on_lost_state: rebuild"))

      let rebuilt = try rig.run()
      let count = rig.history.events.count
      #expect(try Totals(rebuilt.output) == Totals(read: 0, scored: 0), "what is made again is not scored")
      #expect(rebuilt.output.filter { $0 != "," }.contains("rebuilt \(count) records"), "\(rebuilt.text)")
      #expect(rebuilt.errors.contains("the store has lost the states"), "\(rebuilt.text)")
      #expect(rebuilt.errors.contains("the states are whole again"), "\(rebuilt.text)")
      #expect(try rig.count("scores") == count, "no score is given again")
      try checkSettled(rig, Reference.shared())
    }
  }

  /// A group that nobody knows has no C; W says where to go on.
  @Test func anotherGroupGoesOnFromTheStore() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<2000]), to: "events")
      try rig.run()
      try rig.broker.produce(Array(messages[2000...]), to: "events")
      let rest = try rig.run(["--group", rig.broker.name("another")])
      let count = messages.count - 2000
      #expect(try Totals(rest.output) == Totals(read: count, scored: count))
      #expect(try rig.count("scores") == messages.count)
      try checkSettled(rig, Reference.shared())
    }
  }

  /// A store that a newer program wrote is left alone, by every command that would write.
  @Test func aNewerSchemaIsRefused() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.broker.produce([rig.history.message(at: 0)], to: "events")
      // schema_version 99.
      for partition in 0..<Rig.partitions {
        try rig.redis.command("SET", rig.recordKey(partition), "\u{08}c")
      }
      for command in [["run", "--until-end"], ["rebuild"], ["rebuild", "--entity", "x"]] {
        let refused = try rig.ask(command)
        #expect(refused.code == 1, "\(refused.text)")
        #expect(
          refused.errors.contains("written by a newer program (schema 99, this one knows"),
          "\(refused.errors)")
      }
      #expect(try rig.redis.command("GET", rig.recordKey(0)) == "\u{08}c")
      #expect(try rig.count("scores") == 0)
    }
  }

  /// Another meaning of the states under the same name, in the same store.
  @Test func anotherDefinitionIsRefused() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      try rig.run()
      let original = readText(Places.pipeline)
      let changed = original.replacingOccurrences(
        of: "sum(transaction.amount where not (role == \"buyer\"), 30d)",
        with: "sum(transaction.amount where role == \"buyer\", 30d)")
      #expect(changed != original)
      let file = try Places.write(changed, as: "engagement.yaml")
      let states = try rig.states()
      let options = ["--pipeline", file, "--accept-changed-features"]
      let refused = try tally(["run", "--until-end"] + rig.connection + options)
      #expect(refused.code == 1)
      #expect(refused.errors.contains("another definition"))
      #expect(refused.errors.contains("what to do: "))
      #expect(try rig.states() == states)
      #expect(try rig.count("scores") == rig.history.events.count)
    }
  }
}
