import TestPlaces
import Foundation
import TestServers
import Testing
import XGBoost

/// `tally forest` and `tally features --explain`.
@Suite struct ModelCommandTests {
  /// The scores of the table, and libxgboost's own contributions, largest first.
  @Test func explainsWhatWasScored() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      try rig.run()
      let id = rig.history.people[2]
      let names = ["engagement", "churn", "lifetime_value"]
      let json = try JSON(try rig.ask(["features", id, "--explain", "3", "--json"]).output)
      let row = try rig.table.query(
        "SELECT \(names.joined(separator: ", ")) FROM latest_scores WHERE entity_id = '\(id)'")
      for (column, name) in names.enumerated() {
        let score = Float(json["scores"][name]["score"].real ?? .nan)
        // The pipeline's decisions bound engagement after it is scored.
        let shown = name == "engagement" ? min(max(score, 0), 1) : score
        #expect(Float(row[0][column]) == shown, "\(name)")
        try checkContributions(
          json["scores"][name], features: json["features"],
          TreeEnsemble(path: "\(rig.history.models)/\(name).json"))
      }
      let text = try rig.ask(["features", id, "--explain", "2"]).output
      #expect(text.contains("churn ") && text.contains(", moved most by"))
      let wrong = try rig.ask(["features", id, "--explain", "0"])
      #expect(wrong.code != 0 && wrong.errors.contains("1 or more"))
    }
  }

  private func checkContributions(_ found: JSON, features: JSON, _ ensemble: TreeEnsemble) throws {
    let booster = try Booster(reference: ensemble)
    let row = ensemble.featureNames.map { features[$0].real.map { Float($0) } ?? .nan }
    let matrix = try Matrix(values: row, rows: 1, columns: row.count, labels: [0])
    let all = try booster.contributions(matrix)
    let largest = all.dropLast().map(abs).sorted(by: >).prefix(3)
    for (index, size) in largest.enumerated() {
      let top = found["top"].elements[index]
      let column = try #require(ensemble.featureNames.firstIndex(of: top["feature"].text ?? ""))
      let value = Float(top["contribution"].real ?? .nan)
      #expect(abs(value - all[column]) < 1e-5 && abs(abs(value) - size) < 1e-5)
    }
    #expect(abs(Float(found["expected"].real ?? .nan) - all[row.count]) < 1e-5)
    let margin = try booster.predict(matrix, kind: .margin)[0]
    #expect(Float(found["margin"].real ?? .nan) == margin)
  }

  @Test func forestChecksAndTimes() async throws {
    try await onThread {
      let models = try History.shared().models
      let text = try tally([
        "forest", models + "/churn.json", models + "/engagement.json", "--batch", "1", "--seconds", "0.05",
      ])
      #expect(text.code == 0 && text.output.contains("equal to libxgboost's"), "\(text.text)")
      let scores = try Places.newFolder("scores") + "/scores.f32"
      let json = try tally([
        "forest", models + "/churn.json", "--batch", "70", "--seconds", "0.05", "--json", "--kernel",
        "portable",
        "--output", scores,
      ])
      #expect(try JSON(json.output)["kernel"].text == "portable" && json.code == 0)
      #expect(FileManager.default.contents(atPath: scores)?.count == 40_000)
      let explained = try tally([
        "forest", models + "/churn.json", "--batch", "16", "--seconds", "0.05", "--explain", "exact",
      ])
      #expect(explained.code == 0)
      let wrong = try [
        ["--kernel", "mmx"], ["--explain", "why"], ["--batch", "0"], ["--rows", "/nowhere"],
      ].map {
        try tally(["forest", models + "/churn.json"] + $0)
      }
      #expect(wrong.allSatisfy { $0.code != 0 && $0.errors.contains("--") || $0.errors.contains("/nowhere") })
      let missing = try tally(["forest", "/nowhere/m.json"])
      #expect(missing.code == 1 && missing.errors.contains("load /nowhere/m.json: no such file"))
    }
  }
}
