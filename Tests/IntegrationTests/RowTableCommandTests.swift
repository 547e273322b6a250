import Foundation
import TestPlaces
import TestServers
import Testing

/// `tally train --export` and `--rows`.
@Suite struct RowTableCommandTests {
  private static let quick = ["--trees", "6", "--depth", "3"]

  private func models(_ folder: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return try Dictionary(
      uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)"))) })
  }

  private func ask(_ arguments: [String], code: Int32 = 0) throws -> String {
    let result = try tally(["train"] + arguments)
    #expect(result.code == code, "\(result.text)")
    return result.text
  }

  /// The oracle is training from the log.
  @Test func rowsOfALogGiveTheModelsOfTheLog() throws {
    let folder = try Places.newFolder("rows")
    let (file, labels, rows) = (folder + "/events.jsonl", folder + "/labels.csv", folder + "/rows.csv")
    _ = try tally(["generate", "--output", file, "--labels", labels] + History.options)
    let log = ["--pipeline", Places.pipeline, "--events", file, "--labels", labels]
    _ = try ask(log + ["--models", folder + "/log"] + Self.quick)
    let said = try ask(log + ["--models", folder + "/none", "--export", rows])
    #expect(said.contains("features written to \(rows)"))
    #expect(!FileManager.default.fileExists(atPath: folder + "/none"))
    #expect(try ask(log + ["--export", rows], code: 1).contains("--force replaces it"))
    _ = try ask(["--pipeline", Places.pipeline, "--rows", rows, "--models", folder + "/rows"] + Self.quick)
    let expected = try models(folder + "/log")
    // A model and the three files of its report, each.
    #expect(expected.count == 28 && expected["churn.card.html"] != nil)
    #expect(try models(folder + "/rows") == expected)
    let packed = folder + "/rows.parquet"
    _ = try ask(log + ["--models", folder + "/none", "--export", packed])
    _ = try ask(
      ["--pipeline", Places.pipeline, "--rows", packed, "--models", folder + "/packed"] + Self.quick)
    #expect(try models(folder + "/packed") == expected)
    _ = try ask(
      log + ["--export", rows, "--force", "--only", "churn", "--models", folder + "/both"] + Self.quick)
    #expect(try models(folder + "/both") == expected.filter { $0.key.hasPrefix("churn") })
  }

  @Test(arguments: [
    (["--export", "x.csv.zst"], "writes plain CSV"), (["--rows", "x.csv.gz"], "reads plain CSV"),
    (["--rows", "x.csv", "--labels", "l.csv"], "give --rows or --labels"), (["--force"], "--export only"),
  ]) func refusesWhatDoesNotGoTogether(arguments: [String], expected: String) throws {
    #expect(try ask(["--pipeline", Places.pipeline] + arguments, code: 64).contains(expected))
  }
}
