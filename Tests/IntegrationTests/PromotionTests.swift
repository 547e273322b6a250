import Foundation
import Ingest
import TestPlaces
import TestServers
import Testing

/// Sets of models that are exchanged on a running stream.
@Suite struct PromotionTests {
  /// A pipeline with a key for control events, its registry with a first set in production, and servers.
  private struct Stage {
    let rig: Rig
    let folder: String
    let own: [String]

    init() throws {
      rig = try Rig(.sqlite)
      folder = try Places.newFolder("promotion")
      let secret = String(repeating: "a-key-of-ours-", count: 3)
      let keys = try Places.write(secret + "\n", as: "control.key")
      chmod(keys, 0o600)
      let id = try #require(ControlKey(Array(secret.utf8))).id
      let pipeline = try Places.write(
        readText(Places.pipeline) + "\ncontrol: [{key: \(id)}]\n", as: "engagement.yaml")
      own = [
        "--pipeline", pipeline, "--set", "control.key_file=\(keys)", "--registry", folder + "/registry",
      ]
      try train("8")
      for model in ["engagement", "churn", "lifetime_value"] {
        let promoted = try command(["models", "promote", model, "candidate", "--why", "the first"])
        #expect(promoted.code == 0 && promoted.output.contains("from the first start on"), "\(promoted.text)")
      }
    }

    func train(_ trees: String) throws {
      let data = (rig.history.models as NSString).deletingLastPathComponent
      let result = try tally(
        [
          "train", "--events", rig.history.file, "--labels", data + "/labels.csv", "--trees", trees,
          "--depth", "3",
        ] + own)
      #expect(result.code == 0, "\(result.text)")
    }

    /// The rig's options with the stage's in place of its pipeline.
    func options(_ own: [String]) -> [String] {
      var connection = rig.connection
      connection.removeSubrange(0..<2)
      return connection + own
    }

    func command(_ words: [String], _ own: [String]? = nil) throws -> TallyResult {
      try tally(words + options(own ?? self.own))
    }

    func start() throws -> TallyProcess { try TallyProcess(["run"] + options(own)) }

    func version(_ model: String, _ alias: String) throws -> String {
      let shown = try command(["models", "show", model, alias, "--json"])
      return try JSON(shown.output)["metadata"]["version"].text ?? ""
    }

    /// Offsets at which the registry says that a promotion lies, by partition.
    func offsets(of number: Int) throws -> [Int] {
      let lines = readText(folder + "/registry/engagement/promotions.jsonl").split(separator: "\n")
      for line in lines.reversed() where line.contains("\"number\":\(number),") {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        if let offsets = object?["offsets"] as? [Int] { return offsets }
      }
      throw TestFailure("no promotion \(number) in \(lines)")
    }

    /// Model versions of all rows, by partition and offset.
    func rows() throws -> [(partition: Int, offset: Int, versions: String)] {
      try rig.table.query("SELECT partition, \"offset\", model_versions FROM scores").map {
        (Int($0[0]) ?? -1, Int($0[1]) ?? -1, $0[2])
      }
    }
  }

  @Test func everyRowIsOfTheSetThatTheLogNames() async throws {
    try await onThread {
      let stage = try Stage()
      let (rig, half) = (stage.rig, stage.rig.history.messages.count / 2)
      try rig.broker.produce(Array(rig.history.messages[..<half]), to: "events")
      let process = try stage.start()
      try rig.waitForProgress(of: process, to: half)
      try stage.train("2")
      // Who stands still cannot answer: nothing happens.
      process.freeze()
      let silent = try stage.command([
        "models", "promote", "churn", "candidate", "--force", "--why", "x", "--wait", "2",
      ])
      process.thaw()
      #expect(silent.code != 0 && silent.errors.contains("no answer within 2 s"), "\(silent.text)")
      #expect(try rig.count("events") == half)

      let promoted = try stage.command(["models", "promote", "churn", "candidate", "--force", "--why", "x"])
      #expect(
        promoted.code == 0 && promoted.output.contains("1 process can score with the set")
          && promoted.output.contains("promotion 1 to the set"), "\(promoted.text)")
      #expect(try rig.count("events") == half + Rig.partitions)
      let again = try stage.command(["models", "promote", "churn", "candidate", "--force", "--why", "x"])
      #expect(again.code == 0 && again.output.contains("in force already"), "\(again.text)")
      try rig.broker.produce(Array(rig.history.messages[half...]), to: "events")
      try rig.waitForProgress(of: process, to: rig.history.messages.count + Rig.partitions)
      let back = try stage.command(["models", "rollback", "churn", "--why", "y"])
      #expect(back.code == 0 && back.output.contains("promotion 2 to the set"), "\(back.text)")
      try rig.waitForProgress(of: process, to: rig.history.messages.count + 2 * Rig.partitions)
      process.terminate()
      let ended = try process.wait()
      #expect(ended.code == 0 && ended.output.contains("promoted \(2 * Rig.partitions)"), "\(ended.text)")

      let offsets = try stage.offsets(of: 1)
      let rows = try stage.rows()
      let before = Set(rows.filter { $0.offset < offsets[$0.partition] }.map(\.versions))
      let behind = Set(rows.filter { $0.offset > offsets[$0.partition] }.map(\.versions))
      #expect(before.count == 1 && behind.count == 1 && before != behind, "\(before), \(behind)")
      #expect(!rows.contains { $0.offset == offsets[$0.partition] })
      let status = try stage.command(["status"])
      #expect(status.output.contains("in force by promotion 2 on partitions 0, 1, 2, 3"), "\(status.text)")

      let verified = try stage.command(["verify", "--sample", "1"])
      #expect(verified.code == 0 && !verified.output.contains("other models"), "\(verified.text)")
      let live = try rig.table.scores()
      let replayed = try stage.command(["replay", "--run", "again"])
      #expect(replayed.code == 0, "\(replayed.text)")
      #expect(try rig.table.scores(of: "again") == live)
      let rebuilt = try stage.command(["rebuild"])
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      #expect(
        try stage.command(["status"]).output.contains("in force by promotion 2 on partitions 0, 1, 2, 3"))

      // A folder has no sets: refused by name, or one set for all by order.
      let folder = Array(stage.own[..<4])
      let refused = try stage.command(["replay", "--run", "folder", "--store", "memory"], folder)
      #expect(refused.code == 1 && refused.errors.contains("--one-model-set"), "\(refused.text)")
      let whole = try stage.command(
        ["replay", "--run", "folder2", "--store", "memory", "--one-model-set"], folder)
      #expect(whole.code == 0, "\(whole.text)")
    }
  }

  @Test func aStartDoesNotExchangeModels() async throws {
    try await onThread {
      let stage = try Stage()
      try stage.rig.broker.produce(Array(stage.rig.history.messages[..<20]), to: "events")
      #expect(try stage.command(["run", "--until-end"]).code == 0)
      try stage.train("2")
      // A pipeline without a key takes no promotions: the alias moves alone.
      let moved = try stage.command(
        ["models", "promote", "churn", "candidate", "--force", "--why", "x"],
        ["--pipeline", Places.pipeline, "--registry", stage.folder + "/registry"])
      #expect(moved.code == 0 && moved.output.contains("takes no promotions"), "\(moved.text)")
      let refused = try stage.command(["run", "--until-end"])
      #expect(
        refused.code == 1 && refused.errors.contains("a start does not change models"), "\(refused.text)")
      // Nobody runs: it is appended, and the start finds it in the log.
      let promoted = try stage.command(["models", "promote", "churn", "candidate", "--force", "--why", "x"])
      #expect(promoted.code == 0 && promoted.output.contains("no process of the pipeline is alive"))
      let run = try stage.command(["run", "--until-end"])
      #expect(run.code == 0 && run.output.contains("promoted \(Rig.partitions)"), "\(run.text)")
      #expect(try stage.command(["models", "verify"]).code == 0)
    }
  }

  /// Promotions there and back while events come and processes are killed: every row is of the set that the log names.
  @Test func underLoadAndKills() async throws {
    try await onThread {
      let stage = try Stage()
      let (rig, rounds) = (stage.rig, 6)
      let first = try stage.version("churn", "production")
      try stage.train("2")
      let second = try stage.version("churn", "candidate")
      let share = rig.history.messages.count / (rounds + 1)
      func messages(_ round: Int) -> [BrokerMessage] {
        Array(rig.history.messages[(round * share)..<((round + 1) * share)])
      }
      try rig.broker.produce(messages(0), to: "events")
      var process = try stage.start()
      try rig.waitForProgress(of: process, to: 1)
      for round in 1...rounds {
        try rig.broker.produce(messages(round), to: "events")
        let target = round % 2 == 1 ? second : first
        let promoting = try TallyProcess(
          ["models", "promote", "churn", target, "--force", "--why", "round \(round)"]
            + stage.options(stage.own))
        if round % 3 == 0 {
          // The promoting command may have died at any point: the same again completes it.
          usleep(UInt32(round) * 150_000)
          promoting.kill9()
          process.kill9()
          process = try stage.start()
          _ = try stage.command([
            "models", "promote", "churn", target, "--force", "--why", "again", "--wait", "20",
          ])
          let again = try stage.command(["models", "promote", "churn", target, "--force", "--why", "again"])
          #expect(again.code == 0 && again.output.contains("in force already"), "\(again.text)")
        } else {
          let result = try promoting.wait()
          #expect(result.code == 0, "\(result.text)")
        }
      }
      try rig.waitForProgress(of: process, to: try rig.count("events"))
      process.terminate()
      #expect(try process.wait().code == 0)
      let all = try (1...rounds).map { try stage.offsets(of: $0) }
      let rows = try stage.rows()
      #expect(rows.count + rounds * Rig.partitions <= (try rig.count("events")))
      for row in rows {
        let number = all.count { $0[row.partition] < row.offset }
        #expect(row.versions.contains("churn=\(number % 2 == 1 ? second : first)"), "\(row), \(number)")
      }
      let verified = try stage.command(["verify", "--sample", "1"])
      #expect(verified.code == 0, "\(verified.text)")
      // Both are needed: by the set in force, by events that the topic has.
      for version in [first, second] {
        let kept = try stage.command(["models", "delete", "churn", version])
        #expect(kept.code == 1, "\(kept.text)")
      }
      let candidate = try stage.command([
        "models", "promote", "churn", first, "--alias", "candidate", "--why", "to see",
      ])
      #expect(candidate.code == 0, "\(candidate.text)")
      let needed = try stage.command(["models", "delete", "churn", second])
      #expect(needed.code == 1 && needed.errors.contains("is needed by promotion"), "\(needed.text)")
    }
  }
}
