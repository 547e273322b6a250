import TestPlaces
import Foundation
import TestServers
import Testing

/// `tally rebuild`: all states, and one person's.
@Suite struct RebuildTests {
  @Test(arguments: TestTable.Kind.allCases)
  func emptiedInMidStreamEndsLikeUndisturbed(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let redis = try RedisServer()
      defer { redis.stop() }
      let rig = try Rig(kind, redis: redis)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<2500]), to: "events")
      try rig.run()
      let before = try rig.records()
      let states = try rig.states()
      try redis.command("FLUSHALL")
      try rig.broker.produce(Array(messages[2500...]), to: "events")

      let refused = try tally(["run", "--until-end", "--on-lost-state", "refuse"] + rig.connection)
      #expect(refused.code == 1 && refused.errors.contains("tally rebuild"), "\(refused.text)")
      let rebuilt = try rig.ask(["rebuild", "--workers", "2"])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      #expect(rebuilt.output.contains("2500 records"))
      #expect(try rig.states() == states)
      #expect(try rig.records() == before, "positions and counters too")
      try rig.run()
      try checkSettled(rig, Reference.shared())
    }
  }

  /// A store that is whole is made anew as well; nothing of the old one shines through.
  @Test func aWholeStoreIsMadeAnew() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      try rig.run()
      let victim = try rig.stateKey(rig.history.people[3])
      try rig.redis.command("SET", victim, "nonsense")
      try rig.redis.command("SET", victim + "-who-never-was", "nonsense")
      let rebuilt = try rig.ask(["rebuild"])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      #expect(try rig.storedStates().count == rig.states().count, "nothing is left of the old generation")
      try checkSettled(rig, Reference.shared())
      // Once more, from a generation that came of a move itself.
      #expect(try rig.ask(["rebuild"]).code == 0)
      try checkSettled(rig, Reference.shared())
    }
  }

  /// The states are made beside a run that goes on scoring, and that follows the switch.
  @Test(arguments: TestTable.Kind.allCases)
  func besideALiveRun(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<2000]), to: "events")
      let process = try rig.start(["--set", "worker.batch_rows_max=7"])
      try rig.waitForProgress(of: process, to: 2000)
      let settings = try Places.write("worker: {batch_rows_max: 3}\n", as: "tally.yaml")
      let rebuild = try TallyProcess(["rebuild", "--config", settings] + rig.connection)
      var sent = 2000
      while rebuild.exitCode() == nil {
        let next = min(sent + 20, messages.count)
        try rig.broker.produce(Array(messages[sent..<next]), to: "events")
        sent = next
        try rig.waitForProgress(of: process, to: sent)
      }
      #expect(rebuild.exitCode() == 0, "\(rebuild.text)")
      try rig.broker.produce(Array(messages[sent...]), to: "events")
      try rig.waitForProgress(of: process, to: messages.count)
      process.terminate()
      let ended = try process.wait()
      #expect(ended.code == 0, "\(ended.text)")
      let standings = try Standing.all(try rig.ask(["status", "--json"]).output)
      #expect(standings.allSatisfy { $0.generation > 1 })
      // The batch that was under way at the switch may be repeated, byte for byte, which checkSettled compares.
      #expect(try rig.count("scores") >= messages.count)
      try checkSettled(rig, Reference.shared())
    }
  }

  /// Kill -9 while states are made anew; a second try goes on, and a run goes on where it was.
  @Test(arguments: ["rebuild", "run"])
  func anInterruptedRebuildGoesOn(with command: String) async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      try rig.run()
      let settings = try Places.write("worker: {batch_rows_max: 1}\n", as: "tally.yaml")
      let process = try TallyProcess(["rebuild", "--config", settings] + rig.connection)
      let people = try rig.storedStates().count
      try until("some states to be made", telling: { process.text }) {
        try rig.storedStates().count > people + 5 || process.exitCode() != nil
      }
      process.kill9()
      #expect(try rig.storedStates().count < 2 * people, "killed too late to prove anything")
      if command == "rebuild" {
        let again = try rig.ask(["rebuild"])
        #expect(again.code == 0, "\(again.text)")
        #expect(!again.output.contains("\(rig.history.events.count) records"), "it began anew")
      }
      try rig.run()
      try checkSettled(rig, Reference.shared())
    }
  }

  @Test func aRunOfAnotherDefinitionEndsAtTheSwitch() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<2500]), to: "events")
      let old = try rig.start()
      try rig.waitForProgress(of: old, to: 2500)
      let changed = readText(Places.pipeline).replacingOccurrences(
        of: "sum(transaction.amount where not (role == \"buyer\"), 30d)",
        with: "sum(transaction.amount where role == \"buyer\", 30d)")
      let file = try Places.write(changed, as: "engagement.yaml")
      let rebuilt = try tally(["rebuild"] + rig.connection + ["--pipeline", file])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      try rig.broker.produce(Array(messages[2500...]), to: "events")
      let ended = try old.wait(seconds: 60)
      #expect(ended.code == 1 && ended.errors.contains("another definition"), "\(ended.text)")
      try rig.run(["--pipeline", file, "--accept-changed-features"], seconds: 90)
      #expect(rig.table.number("SELECT count(*) FROM scores") == messages.count, "every event is scored")
    }
  }

  @Test func anotherDefinitionIsTakenUp() async throws {
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
      // The models learnt from the feature as it was.
      let options = ["--pipeline", file, "--accept-changed-features"]
      let refused = try tally(["run", "--until-end"] + rig.connection + options)
      #expect(refused.code == 1 && refused.errors.contains("tally rebuild"))
      let rebuilt = try tally(["rebuild"] + rig.connection + ["--pipeline", file])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      try rig.broker.produce([rig.history.message(at: 0)], to: "events")
      let learnt = try tally(["run", "--until-end"] + rig.connection + ["--pipeline", file])
      #expect(learnt.code == 1 && learnt.errors.contains("meant something else: transaction_revenue_month"))
      let run = try rig.run(options)
      #expect(try Totals(run.output).read == 1)
    }
  }

  /// One value that cannot be read costs its person's events, names the key, and is mended beside a running pipeline.
  @Test(arguments: [false, true])
  func oneCorruptValue(live: Bool) async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<2500]), to: "events")
      try rig.run()
      let counts = Dictionary(grouping: rig.history.events[2500...].map(\.key), by: { $0 }).mapValues(
        \.count)
      let person = try #require(counts.max { ($0.value, $0.key) < ($1.value, $1.key) }).key
      let key = try rig.stateKey(person)
      try rig.redis.command("SET", key, "nonsense")
      try rig.broker.produce(Array(messages[2500..<3000]), to: "events")
      let hit = rig.history.events[2500..<3000].count { $0.key == person }
      #expect(hit > 0)
      let process: TallyProcess?
      if live {
        let started = try rig.start()
        try rig.waitForProgress(of: started, to: 3000)
        process = started
      } else {
        let run = try rig.run()
        #expect(try Totals(run.output) == Totals(read: 500, scored: 500 - hit, deadLettered: hit))
        process = nil
      }
      let letters = try rig.table.query("SELECT DISTINCT reason, detail FROM dead_letters")
      #expect(letters.count == 1 && letters[0][0] == "corrupt-state" && letters[0][1].contains(key))
      #expect(letters[0][1].contains("tally rebuild --entity"))

      let rebuilt = try rig.ask(["rebuild", "--entity", person])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      try rig.broker.produce(Array(messages[3000...]), to: "events")
      if let process {
        try rig.waitForProgress(of: process, to: messages.count)
        process.terminate()
        #expect(try process.wait().code == 0)
        #expect(!process.text.contains(person), "people stay out of logs")
      } else {
        try rig.run()
      }
      #expect(rig.table.number("SELECT count(*) FROM dead_letters") == hit)
      #expect(try rig.states() == Reference.shared().states)
    }
  }

  @Test func wrongUse() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let fresh = try rig.ask(["rebuild"])
      #expect(fresh.code == 0 && fresh.output.contains("nothing was scored yet"), "\(fresh.text)")
      try rig.produceHistory()
      try rig.run()
      let nobody = try rig.ask(["rebuild", "--entity", "nobody"])
      #expect(nobody.code == 1 && nobody.errors.contains("knows this entity"), "\(nobody.text)")
      #expect(try rig.states() == Reference.shared().states)
    }
  }
}
