import Foundation
import TestPlaces
import TestServers
import Testing
import XGBoost

/// A pipeline whose models say what is made of their margins, from the check of its file to its rows.
@Suite struct ModelKindCommandTests {
  private static let curve =
    #"{"link":{"margins":[-3.0,0.0,3.0],"name":"curve","values":[0.05,0.4,0.95]},"schema":1,"threshold":0.4}"#

  /// The engagement pipeline with a calibrated churn and a model of classes; nil: churn without the attribute.
  private static func stage(_ curve: String?) throws -> [String] {
    let models = try History.shared().models
    let folder = try Places.newFolder("kinds")
    for name in ["engagement.json", "lifetime_value.json"] {
      try FileManager.default.copyItem(atPath: "\(models)/\(name)", toPath: "\(folder)/\(name)")
    }
    let ensemble = try TreeEnsemble(path: "\(models)/churn.json")
    let quoted = curve?.replacingOccurrences(of: "\"", with: "\\\"")
    let attribute = quoted.map { "\"tally_postprocessing\":\"\($0)\"," } ?? ""
    // What training has written there goes.
    let trained = readText("\(models)/churn.json")
    let file = trained.replacing(#/,"tally_postprocessing":"(?:[^"\\]|\\.)*"/#, with: "")
    #expect(file.contains("\"attributes\":{") && file.count < trained.count)
    let churn = file.replacingOccurrences(of: "\"attributes\":{", with: "\"attributes\":{" + attribute)
    try Data(churn.utf8).write(to: URL(fileURLWithPath: "\(folder)/churn.json"))
    try Data(classes(ensemble.featureNames)).write(to: URL(fileURLWithPath: "\(folder)/action.json"))
    var text = readText(Places.pipeline)
    for (place, replacement) in [
      (
        "lifetime_value: {file: lifetime_value.json",
        """
        action: {kind: classes, classes: [login, share, leave], file: action.json}
          lifetime_value: {file: lifetime_value.json
        """
      ),
      (
        "output: churn, above: model}",
        "output: churn, above: model}\n  - likeliest: {name: predicted, model: action}"
      ),
    ] {
      #expect(text.contains(place))
      text = text.replacingOccurrences(of: place, with: replacement)
    }
    return ["--pipeline", try Places.write(text, as: "kinds.yaml"), "--models", folder]
  }

  private static func classes(_ names: [String]) throws -> [UInt8] {
    let rows = 90
    let values = (0..<rows * names.count).map { Float(($0 * 7919) % 31) }
    let matrix = try Matrix(
      values: values, rows: rows, columns: names.count, labels: (0..<rows).map { Float($0 % 3) })
    let booster = try Booster(
      training: matrix, heldBack: matrix,
      parameters: [("objective", "multi:softprob"), ("num_class", "3"), ("max_depth", "3"), ("nthread", "1")])
    _ = try booster.train(on: matrix, heldBack: matrix, rounds: 5, earlyStoppingRounds: 5)
    try booster.setFeatureNames(names)
    try booster.setAttribute(
      "tally_postprocessing", #"{"link":{"name":"shares","scale":0.9},"schema":1}"#)
    return try booster.serialized(.json)
  }

  @Test func decidedByTheModelsThemselves() async throws {
    try await onThread {
      let options = try Self.stage(Self.curve)
      let checked = try tally(["check", options[1], "--models", options[3]])
      #expect(checked.code == 0, "\(checked.text)")
      for line in [
        "intervene: churn ≥ the model's threshold", "kind classes: login, share, leave",
        "churn: calibrated by a curve of 3 knots, threshold 0.4", "action: shares of 2^(0.9 × margin)",
        "predicted: the likeliest of login, share, leave, by action_login, action_share, action_leave",
      ] { #expect(checked.output.contains(line), "\(line)") }

      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      try rig.run(options)
      let rows = rig.table.number("SELECT count(*) FROM scores") ?? 0
      #expect(rows == rig.history.events.count)
      let threshold = Double(Float(0.4))
      #expect(
        rig.table.number("SELECT count(*) FROM scores WHERE intervene = (churn >= \(threshold))") == rows)
      #expect(rig.table.number("SELECT count(*) FROM scores WHERE churn BETWEEN 0.04 AND 0.96") == rows)
      let (a, b, c) = ("action_login", "action_share", "action_leave")
      #expect(
        rig.table.number(
          """
          SELECT count(*) FROM scores WHERE abs(\(a) + \(b) + \(c) - 1) < 0.00001 AND predicted = CASE
            WHEN \(a) >= \(b) AND \(a) >= \(c) THEN 'login' WHEN \(b) >= \(c) THEN 'share' ELSE 'leave' END
          """) == rows)
      let verified = try tally(["verify", "--sample", "1", "--all"] + rig.connection + options)
      #expect(verified.code == 0, "\(verified.text)")
      let explained = try tally(
        ["features", rig.history.people[1], "--explain", "1"] + rig.connection + options)
      #expect(
        explained.output.contains("(calibrated by a curve of 3 knots, threshold 0.4), expected"),
        "\(explained.text)")
    }
  }

  @Test func refusedWithoutAThreshold() async throws {
    try await onThread {
      for (curve, cause) in [
        (nil, "model churn: "),
        (Self.curve.replacingOccurrences(of: #","threshold":0.4"#, with: ""), "no threshold"),
        (
          Self.curve.replacingOccurrences(of: "0.95", with: "1.95"),
          "values of a curve do not ascend between 0 and 1"
        ),
        (Self.curve.replacingOccurrences(of: "\"schema\"", with: "\"shema\""), "the member \"shema\""),
      ] {
        let options = try Self.stage(curve)
        let result = try tally(["check", options[1], "--models", options[3]])
        #expect(
          result.code == 1 && result.errors.contains("churn.json") && result.errors.contains(cause)
            && result.errors.contains("[model-unusable]"), "\(result.text)")
      }
    }
  }
}
