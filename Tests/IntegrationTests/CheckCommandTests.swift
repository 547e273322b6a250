import TestPlaces
import Foundation
import Testing

/// `tally check`.
@Suite struct CheckCommandTests {
  @Test func validPipelineIsDescribed() async throws {
    try await onThread {
      let result = try tally(["check", Places.pipeline, "--models", try History.shared().models])
      #expect(result.code == 0)
      #expect(result.output.contains("47 features"))
      let lines = result.output.split(separator: "\n")
      let listed = lines.drop { !$0.hasPrefix("pipeline ") }.dropFirst().prefix { $0.hasPrefix("  ") }
      #expect(listed.count == 47)
      #expect(listed.contains { $0.contains("churn_risk_score") })
      #expect(lines.last?.hasSuffix("is valid") == true)
      let numbers = lines.drop { $0 != "numbers:" }.dropFirst().prefix { $0.hasPrefix("  ") }
      func says(_ name: String, _ text: String) -> Bool {
        numbers.contains { $0.contains("  \(name) ") && $0.hasSuffix(text) }
      }
      #expect(says("profile.age", "13 to 120, as it is"))
      #expect(
        says("session.duration_min", "0 to 1440, rounded to multiples of 0.000001, halves away from zero"))
      #expect(says("transaction.amount", "whole multiples of 0.01; one with more decimals is a dead letter"))
      #expect(lines.contains("codes of account_type: free 0, premium 1, other 2"))
      #expect(!result.errors.contains("not made by tally train"))
    }
  }

  /// Models were trained with the features as they were; the objective and early stopping are compared as well.
  @Test func modelsOfOtherFeaturesAreRefused() async throws {
    try await onThread {
      let models = try History.shared().models
      func check(_ place: String, _ replacement: String, _ flags: [String] = []) throws -> TallyResult {
        let text = readText(Places.pipeline)
        #expect(text.contains(place))
        let file = try Places.write(
          text.replacingOccurrences(of: place, with: replacement), as: "changed.yaml")
        return try tally(["check", file, "--models", models] + flags)
      }
      let changed = try check("count(post, 7d)", "count(post, 10d)")
      #expect(
        changed.code == 1 && changed.errors.contains("meant something else: content_posts_per_week"),
        "\(changed.text)")
      let accepted = try check("count(post, 7d)", "count(post, 10d)", ["--accept-changed-features"])
      #expect(accepted.code == 0 && accepted.errors.contains("accepted: "), "\(accepted.text)")
      let same = try check("count(post, 7d)", "count(post, 168h)")
      #expect(same.code == 0, "\(same.text)")
      let objective = try check("\"reg:squarederror\"", "\"binary:logistic\"")
      #expect(
        objective.errors.contains(
          "objective is reg:squarederror, the pipeline's is binary:logistic (line 163"))
    }
  }

  @Test func brokenPipelineIsPointedAt() async throws {
    try await onThread {
      var lines = readText(Places.pipeline).components(separatedBy: "\n")
      let line = try #require(lines.firstIndex { $0.contains("count(post, 7d)") })
      lines[line] = lines[line].replacingOccurrences(of: "count(post, 7d)", with: "count(poste, 7d)")
      let column = try #require(lines[line].range(of: "poste"))
      let file = try Places.write(lines.joined(separator: "\n"), as: "broken.yaml")
      let result = try tally(["check", file])
      #expect(result.code == 1)
      let place = lines[line].distance(from: lines[line].startIndex, to: column.lowerBound) + 1
      #expect(result.errors.contains("\(file):\(line + 1):\(place)"), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }
}
