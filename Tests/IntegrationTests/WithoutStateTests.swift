import Foundation
import TestPlaces
import TestServers
import Testing

/// A pipeline that keeps no state: no Redis anywhere.
@Suite struct WithoutStateTests {
  static let pipeline = """
    pipeline: profiles
    state: none
    profile:
      age: {type: number, min: 13, max: 120}
      plan: {type: category, vocabulary: [free, premium]}
    features:
      age: profile.age
      is_old: profile.age > 60
      plan: profile.plan
    models:
      value: {file: value.json, label: value, objective: "reg:squarederror"}
    decisions:
      - trigger: {name: rich, output: value, above: 50}
    table:
      features: [age]
    """

  /// Profiles, a model of them, a broker and a table.
  private struct Stage {
    let broker: TestBroker
    let table: TestTable
    let messages: [BrokerMessage]
    let file: String
    let options: [String]
    static let people = 60

    init(_ kind: TestTable.Kind) throws {
      broker = try TestBroker.start(topics: [("events", 4), ("scores", 4), ("dead-letters", 1)])
      table = try TestTable(kind)
      var made: [BrokerMessage] = []
      var lines = ""
      var labels = "entity_id,label_time_us,value\n"
      for number in 0..<2400 {
        let (person, time) = (
          "p\(number * 37 % Self.people)", 1_700_000_000_000_000 + Int64(number) * 1_000_000
        )
        let age = 13 + number * 7919 % 100
        let value =
          "{\"event_id\":\"e\(number)\",\"entity_id\":\"\(person)\",\"event_time_us\":\(time),\"profile\":"
          + "{\"mode\":\"snapshot\",\"attributes\":{\"age\":\(age),\"plan\":\"\(number % 3 == 0 ? "free" : "premium")\"}}}"
        made.append(BrokerMessage(person, value, contentType: "application/json"))
        lines += "\(person)\t\(value)\n"
        labels += "\(person),\(time + 1),\(age)\n"
      }
      messages = made
      let folder = try Places.newFolder("without-state")
      file = try Places.write(lines, as: "events.jsonl")
      let pipeline = try Places.write(WithoutStateTests.pipeline, as: "profiles.yaml")
      let trained = try tally([
        "train", "--pipeline", pipeline, "--events", file, "--labels",
        try Places.write(labels, as: "labels.csv"),
        "--models", folder, "--trees", "5", "--depth", "3",
      ])
      guard trained.code == 0 else { throw TestFailure("train: \(trained.text)") }
      // Nobody answers there.
      options =
        [
          "--pipeline", pipeline, "--models", folder, "--brokers", broker.bootstrapServers, "--topic",
          broker.name("events"), "--group", broker.name("tally"), "--scores-topic", broker.name("scores"),
          "--dead-letters-topic", broker.name("dead-letters"), "--redis", "redis://127.0.0.1:1/0",
          "--set", "checkpoints=\(folder)",
        ] + table.options
    }

    func ask(_ command: [String], seconds: Int = 60) throws -> TallyResult {
      try tally(command + options, seconds: seconds)
    }

    func scores(of run: String = "") throws -> [[String]] {
      try table.profileScores(of: run)
    }
  }

  @Test(arguments: TestTable.Kind.allCases)
  func killedAgainAndAgain(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let stage = try Stage(kind)
      defer { stage.broker.stop() }
      try stage.broker.produce(stage.messages, to: "events")
      let settings = try Places.write("worker: {batch_rows_max: 16}\n", as: "tally.yaml")
      for kill in 1...2 {
        let before = stage.table.progress
        let process = try TallyProcess(["run", "--config", settings] + stage.options)
        try until("\(before + 300 * kill) records in the table", seconds: 60, telling: { process.text }) {
          usleep(60_000)
          if process.exitCode() != nil { throw TestFailure("it has ended: \(process.text)") }
          return stage.table.progress >= before + 300 * kill
        }
        process.kill9()
      }
      #expect(stage.table.progress < stage.messages.count, "the last kill came too late to be in mid-stream")
      let rest = try stage.ask(["run", "--until-end", "--config", settings], seconds: 90)
      #expect(rest.code == 0, "\(rest.text)")

      // Another life of the same log, from files, must end the same; it keeps where it stands in a file of its own.
      let replay = try stage.ask(["replay", "--run", "again", "--workers", "2"])
      #expect(replay.code == 0, "\(replay.text)")
      #expect(try stage.scores() == stage.scores(of: "again"))
      #expect(try stage.scores().count == stage.messages.count)
      let goesOn = try stage.ask(["replay", "--run", "again"])
      #expect(
        goesOn.code == 0 && goesOn.errors.contains(", 0 records to score, checkpoint "), "\(goesOn.text)")
      #expect(try stage.ask(["runs"]).output.contains("again"))
      #expect(try stage.ask(["replay", "--run", "again", "--discard"]).code == 0)
      #expect(try stage.ask(["runs"]).output == "no runs\n")

      for standing in try Standing.all(try stage.ask(["status", "--json"]).output) {
        #expect(standing.w == standing.end && standing.t == standing.end && standing.c == standing.w)
      }
      let totals = try Totals(try stage.ask(["status"]).output)
      #expect(totals == Totals(read: stage.messages.count, scored: stage.messages.count))
      let verified = try stage.ask(["verify", "--sample", "1", "--all"])
      #expect(verified.code == 0, "\(verified.text)")
    }
  }

  @Test func whatNeedsAStateIsRefusedByName() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      defer { stage.broker.stop() }
      for command in [["tick"], ["features", "p1"], ["rebuild"], ["rebuild", "--entity", "p1"]] {
        let refused = try stage.ask(command)
        #expect(
          refused.code != 0 && refused.errors.contains("the pipeline keeps no state"), "\(refused.text)")
      }
      try stage.broker.produce(Array(stage.messages.prefix(100)), to: "events")
      #expect(try stage.ask(["erase", "p1"]).code == 0)
      let run = try stage.ask(["run", "--until-end"])
      #expect(run.code == 0 && run.text.contains("erased 1"), "\(run.text)")
      #expect(stage.table.number("SELECT count(*) FROM scores WHERE entity_id = 'p1'") == 0)
      // What lies beside the offset is all there is: set by hand, it is refused.
      #expect(try stage.ask(["run", "--until-end"]).code == 0)
    }
  }
}
