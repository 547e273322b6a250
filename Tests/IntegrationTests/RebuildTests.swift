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
      let stage = try Stage(kind, redis: redis)
      let messages = stage.history.messages
      try stage.broker.produce(Array(messages[..<2500]), to: "events")
      try stage.run()
      let before = try stage.records()
      let states = try stage.states()
      try redis.command("FLUSHALL")
      try stage.broker.produce(Array(messages[2500...]), to: "events")

      let refused = try tally(["run", "--until-end", "--on-lost-state", "refuse"] + stage.connection)
      #expect(refused.code == 1 && refused.errors.contains("tally rebuild"), "\(refused.text)")
      let rebuilt = try stage.ask(["rebuild", "--workers", "2"])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      #expect(rebuilt.output.contains("2500 records"))
      #expect(try stage.states() == states)
      #expect(try stage.records() == before, "positions and counters too")
      try stage.run()
      try checkSettled(stage, Reference.shared())
    }
  }

  /// A store that is whole is made anew as well; nothing of the old one shines through.
  @Test func aWholeStoreIsMadeAnew() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      try stage.produceHistory()
      try stage.run()
      let victim = try stage.stateKey(stage.history.people[3])
      try stage.redis.command("SET", victim, "nonsense")
      try stage.redis.command("SET", victim + "-who-never-was", "nonsense")
      let rebuilt = try stage.ask(["rebuild"])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      #expect(try stage.storedStates().count == stage.states().count, "nothing is left of the old generation")
      try checkSettled(stage, Reference.shared())
      // Once more, from a generation that came of a move itself.
      #expect(try stage.ask(["rebuild"]).code == 0)
      try checkSettled(stage, Reference.shared())
    }
  }

  /// The states are made beside a run that goes on scoring, and that follows the switch.
  @Test(arguments: TestTable.Kind.allCases)
  func besideALiveRun(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let stage = try Stage(kind)
      let messages = stage.history.messages
      try stage.broker.produce(Array(messages[..<2000]), to: "events")
      let process = try stage.start(["--set", "worker.batch_rows_max=7"])
      try stage.waitForProgress(of: process, to: 2000)
      let settings = try Places.write("worker: {batch_rows_max: 3}\n", as: "tally.yaml")
      let rebuild = try TallyProcess(["rebuild", "--config", settings] + stage.connection)
      var sent = 2000
      while rebuild.exitCode() == nil {
        let next = min(sent + 20, messages.count)
        try stage.broker.produce(Array(messages[sent..<next]), to: "events")
        sent = next
        try stage.waitForProgress(of: process, to: sent)
      }
      #expect(rebuild.exitCode() == 0, "\(rebuild.text)")
      try stage.broker.produce(Array(messages[sent...]), to: "events")
      try stage.waitForProgress(of: process, to: messages.count)
      process.terminate()
      let ended = try process.wait()
      #expect(ended.code == 0, "\(ended.text)")
      let standings = try Standing.all(try stage.ask(["status", "--json"]).output)
      #expect(standings.allSatisfy { $0.generation > 1 })
      // The batch that was under way at the switch may be repeated, byte for byte, which checkSettled compares.
      #expect(try stage.count("scores") >= messages.count)
      try checkSettled(stage, Reference.shared())
    }
  }

  /// Kill -9 while states are made anew; a second try goes on, and a run goes on where it was.
  @Test(arguments: ["rebuild", "run"])
  func anInterruptedRebuildGoesOn(with command: String) async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      try stage.produceHistory()
      try stage.run()
      let settings = try Places.write("worker: {batch_rows_max: 1}\n", as: "tally.yaml")
      let process = try TallyProcess(["rebuild", "--config", settings] + stage.connection)
      let people = try stage.storedStates().count
      try until("some states to be made", telling: { process.text }) {
        try stage.storedStates().count > people + 5 || process.exitCode() != nil
      }
      process.kill9()
      #expect(try stage.storedStates().count < 2 * people, "killed too late to prove anything")
      if command == "rebuild" {
        let again = try stage.ask(["rebuild"])
        #expect(again.code == 0, "\(again.text)")
        #expect(!again.output.contains("\(stage.history.events.count) records"), "it began anew")
      }
      try stage.run()
      try checkSettled(stage, Reference.shared())
    }
  }

  @Test func aRunOfAnotherDefinitionEndsAtTheSwitch() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      let messages = stage.history.messages
      try stage.broker.produce(Array(messages[..<2500]), to: "events")
      let old = try stage.start()
      try stage.waitForProgress(of: old, to: 2500)
      let changed = readText(Places.pipeline).replacingOccurrences(
        of: "sum(transaction.amount where not (role == \"buyer\"), 30d)",
        with: "sum(transaction.amount where role == \"buyer\", 30d)")
      let file = try Places.write(changed, as: "engagement.yaml")
      let rebuilt = try tally(["rebuild"] + stage.connection + ["--pipeline", file])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      try stage.broker.produce(Array(messages[2500...]), to: "events")
      let ended = try old.wait(seconds: 60)
      #expect(ended.code == 1 && ended.errors.contains("another definition"), "\(ended.text)")
      try stage.run(["--pipeline", file, "--accept-changed-features"], seconds: 90)
      #expect(stage.table.number("SELECT count(*) FROM scores") == messages.count, "every event is scored")
    }
  }

  @Test func anotherDefinitionIsTakenUp() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      try stage.produceHistory()
      try stage.run()
      let original = readText(Places.pipeline)
      let changed = original.replacingOccurrences(
        of: "sum(transaction.amount where not (role == \"buyer\"), 30d)",
        with: "sum(transaction.amount where role == \"buyer\", 30d)")
      #expect(changed != original)
      let file = try Places.write(changed, as: "engagement.yaml")
      // The models learnt from the feature as it was.
      let options = ["--pipeline", file, "--accept-changed-features"]
      let refused = try tally(["run", "--until-end"] + stage.connection + options)
      #expect(refused.code == 1 && refused.errors.contains("tally rebuild"))
      let rebuilt = try tally(["rebuild"] + stage.connection + ["--pipeline", file])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      try stage.broker.produce([stage.history.message(at: 0)], to: "events")
      let learnt = try tally(["run", "--until-end"] + stage.connection + ["--pipeline", file])
      #expect(learnt.code == 1 && learnt.errors.contains("meant something else: transaction_revenue_month"))
      let run = try stage.run(options)
      #expect(try Totals(run.output).read == 1)
    }
  }

  /// One value that cannot be read costs its person's events, names the key, and is mended beside a running pipeline.
  @Test(arguments: [false, true])
  func oneCorruptValue(live: Bool) async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      let messages = stage.history.messages
      try stage.broker.produce(Array(messages[..<2500]), to: "events")
      try stage.run()
      let counts = Dictionary(grouping: stage.history.events[2500...].map(\.key), by: { $0 }).mapValues(
        \.count)
      let person = try #require(counts.max { ($0.value, $0.key) < ($1.value, $1.key) }).key
      let key = try stage.stateKey(person)
      try stage.redis.command("SET", key, "nonsense")
      try stage.broker.produce(Array(messages[2500..<3000]), to: "events")
      let hit = stage.history.events[2500..<3000].count { $0.key == person }
      #expect(hit > 0)
      let process: TallyProcess?
      if live {
        let started = try stage.start()
        try stage.waitForProgress(of: started, to: 3000)
        process = started
      } else {
        let run = try stage.run()
        #expect(try Totals(run.output) == Totals(read: 500, scored: 500 - hit, deadLettered: hit))
        process = nil
      }
      let letters = try stage.table.query("SELECT DISTINCT reason, detail FROM dead_letters")
      #expect(letters.count == 1 && letters[0][0] == "corrupt-state" && letters[0][1].contains(key))
      #expect(letters[0][1].contains("tally rebuild --entity"))

      let rebuilt = try stage.ask(["rebuild", "--entity", person])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      try stage.broker.produce(Array(messages[3000...]), to: "events")
      if let process {
        try stage.waitForProgress(of: process, to: messages.count)
        process.terminate()
        #expect(try process.wait().code == 0)
        #expect(!process.text.contains(person), "people stay out of logs")
      } else {
        try stage.run()
      }
      #expect(stage.table.number("SELECT count(*) FROM dead_letters") == hit)
      #expect(try stage.states() == Reference.shared().states)
    }
  }

  @Test func wrongUse() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      let fresh = try stage.ask(["rebuild"])
      #expect(fresh.code == 0 && fresh.output.contains("nothing was scored yet"), "\(fresh.text)")
      try stage.produceHistory()
      try stage.run()
      let nobody = try stage.ask(["rebuild", "--entity", "nobody"])
      #expect(nobody.code == 1 && nobody.errors.contains("knows this person"), "\(nobody.text)")
      #expect(try stage.states() == Reference.shared().states)
    }
  }
}
