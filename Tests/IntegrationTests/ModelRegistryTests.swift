import Foundation
import TestPlaces
import Testing

/// `tally models`, and models that come from a registry.
@Suite struct ModelRegistryTests {
  /// A registry with a trained candidate of each model.
  private struct Stage {
    let folder: String
    var registry: String { folder + "/registry" }

    init() throws {
      folder = try Places.newFolder("registry")
      let made = try tally([
        "generate", "--customers", "60", "--days", "60", "--events-per-day", "3", "--seed", "5", "--output",
        folder + "/events.jsonl", "--labels", folder + "/labels.csv",
      ])
      #expect(made.code == 0, "\(made.text)")
      try train("12")
    }

    func train(_ trees: String) throws {
      let result = try tally([
        "train", "--pipeline", Places.pipeline, "--events", folder + "/events.jsonl", "--labels",
        folder + "/labels.csv", "--trees", trees, "--registry", registry, "--models", folder + "/models",
      ])
      #expect(result.code == 0 && result.output.contains(", candidate"), "\(result.text)")
    }

    func models(_ arguments: [String]) throws -> TallyResult {
      try tally(["models"] + arguments + ["--pipeline", Places.pipeline, "--registry", registry])
    }

    func version(_ model: String, _ alias: String) throws -> String {
      let shown = try models(["show", model, alias, "--json"])
      return try JSON(shown.output)["metadata"]["version"].text ?? ""
    }
  }

  @Test func fromTrainingToProductionAndBack() async throws {
    try await onThread {
      let stage = try Stage()
      #expect(!FileManager.default.fileExists(atPath: stage.folder + "/models"))
      let check = ["check", Places.pipeline, "--registry", stage.registry]
      let early = try tally(check)
      #expect(
        early.code == 1 && early.errors.contains("no version of engagement/engagement"), "\(early.text)")
      for model in ["engagement", "churn", "lifetime_value"] {
        let promoted = try stage.models(["promote", model, "candidate", "--why", "the first"])
        #expect(promoted.code == 0, "\(promoted.text)")
      }
      let first = try stage.version("churn", "production")
      let served = try tally(check)
      #expect(served.code == 0 && served.output.contains("churn: version \(first) in "), "\(served.text)")

      try stage.train("1")
      let second = try stage.version("churn", "candidate")
      #expect(second != first)
      let worse = try stage.models([
        "promote", "engagement", "candidate", "--margin", "0", "--why", "a trial",
      ])
      #expect(worse.code == 1 && worse.errors.contains("worse than production by more than"), "\(worse.text)")
      let forced = try stage.models(["promote", "churn", "candidate", "--force", "--why", "a trial"])
      #expect(forced.code == 0 && forced.output.contains("\(first) → \(second)"), "\(forced.text)")
      let kept = try stage.models(["delete", "churn", second])
      #expect(kept.code == 1 && kept.errors.contains("is candidate and production"))
      let back = try stage.models(["rollback", "churn", "--why", "it was one"])
      #expect(back.code == 0 && back.output.contains("\(second) → \(first)"), "\(back.text)")
      #expect(try stage.models(["rollback", "churn", "--why", "again"]).code == 1)
      let history = try stage.models(["show", "churn"])
      #expect(history.output.contains("rollback: it was one") && history.output.contains("figure auc"))
      let card = try stage.models(["show", "churn", "--card"])
      #expect(
        card.output.contains("# engagement / churn") && card.output.contains("compared: churn below "),
        "\(card.text)")
      let reference = readText("\(stage.registry)/engagement/churn/\(first)/reference.json")
      #expect(try JSON(reference)["rows"].whole != nil)
      let difference = try stage.models(["diff", "churn", "production", "candidate", "--changed"])
      #expect(difference.output.contains("≠ parameter trees"), "\(difference.text)")
      let deleted = try stage.models(["promote", "churn", first, "--alias", "candidate", "--why", "the end"])
      #expect(try deleted.code == 0 && stage.models(["delete", "churn", second]).code == 0)
      #expect(try stage.models(["verify"]).code == 0)

      try Data("{}".utf8).write(
        to: URL(fileURLWithPath: "\(stage.registry)/engagement/churn/\(first)/model.json"))
      let altered = try tally(check)
      #expect(
        altered.code == 1 && altered.errors.contains("truncated: model.json has 2 of "), "\(altered.text)")
      let found = try stage.models(["verify"])
      #expect(
        found.code == 1 && found.output.contains("engagement/churn/\(first): truncated"), "\(found.text)")
    }
  }

  @Test func importsPassTheChecksOfServing() async throws {
    try await onThread {
      let stage = try Stage()
      let version = try stage.version("churn", "candidate")
      let file = "\(stage.registry)/engagement/churn/\(version)/model.json"
      let wrong = try stage.models(["import", "engagement", file])
      #expect(wrong.code == 1 && wrong.errors.contains("objective is binary:logistic"), "\(wrong.text)")
      let copy = stage.folder + "/copy.json"
      let text = readText(file).replacingOccurrences(of: "days_since_last_login", with: "days_since")
      try Data(text.utf8).write(to: URL(fileURLWithPath: copy))
      let columns = try stage.models(["import", "churn", copy])
      #expect(columns.code == 1 && columns.errors.contains("days_since"), "\(columns.text)")
      try Data(readText(file).prefix(999).utf8).write(to: URL(fileURLWithPath: copy))
      #expect(try stage.models(["import", "churn", copy]).errors.contains("not JSON at byte"))
      // Another file of the same trees: white space is a difference, too.
      try Data((readText(file) + "\n").utf8).write(to: URL(fileURLWithPath: copy))
      let taken = try stage.models(["import", "churn", copy])
      #expect(taken.code == 0 && taken.output.contains("is candidate"), "\(taken.text)")
      _ = try stage.models(["promote", "churn", version, "--why", "the first"])
      let unknown = try stage.models(["promote", "churn", "candidate", "--why", "from elsewhere"])
      #expect(unknown.code == 0 && unknown.errors.contains("has no figures of its own"), "\(unknown.text)")
      let list = try stage.models(["list", "--only", "churn"])
      #expect(list.output.contains("candidate, production"), "\(list.text)")
      #expect(try tally(["models", "list"]).errors.contains("no registry is set"))
    }
  }
}
