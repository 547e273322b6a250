import Features
import Foundation
import Testing
import XGBoost

@testable import Scorer

/// Files that XGBoost's own releases wrote, with what they predicted themselves: Tests/ScorerTests/Models, made by `make.py`
/// there. `TALLY_MODEL_FIXTURES` names another folder of the same form: of a new release, or of many random models.
@Suite struct VersionTests {
  private static let folder =
    ProcessInfo.processInfo.environment["TALLY_MODEL_FIXTURES"]
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Models"
  private static let releases = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.first?.isNumber == true }.sorted()
  /// `make.py` has the same.
  private static let columns: [ColumnDescription] = ["a", "b", "c", "d"].map { ColumnDescription(name: $0) }
  private static let size = (0..<40).map(String.init)

  private static func floats(_ words: some Sequence<Substring>) throws -> [Float] {
    let bits = words.map { UInt32($0, radix: 16) }
    try #require(!bits.contains(nil))
    return bits.map { Float(bitPattern: $0 ?? 0) }
  }

  private static func lines(_ path: String) throws -> [[Substring]] {
    try String(contentsOfFile: folder + "/" + path, encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: " ")
    }
  }

  @Test func thereAreFilesOfEveryRelease() throws {
    if ProcessInfo.processInfo.environment["TALLY_MODEL_FIXTURES"] != nil { return }
    let lines = Set(Self.releases.map { $0.split(separator: ".").prefix(2).joined(separator: ".") })
    #expect(lines == ["1.7", "2.0", "2.1", "3.0", "3.1", "3.2", "3.3", "3.4"])
    #expect(Self.releases.last == XGBoostRelease.compared.upperBound.description)
    for (release, count) in zip(Self.releases, [36, 39, 39, 39, 43, 43, 44, 44]) {
      #expect(try Self.lines("\(release)/expected.txt").count == count)
    }
  }

  /// Every booster, objective and kind of split, as its release scored it, by every kernel.
  @Test(arguments: releases) func scoresAsTheReleaseDid(_ release: String) throws {
    let rows = try Self.floats(Self.lines("rows.txt").joined())
    var compared = 0
    for line in try Self.lines("\(release)/expected.txt") {
      let (file, trees) = (String(line[0]), try #require(CountedTrees(rawValue: String(line[1]))))
      let stopped = file.contains("stopped")
      var ensemble = try TreeEnsemble(
        path: "\(Self.folder)/\(release)/\(file)", reading: ModelReading(trees: stopped ? trees : nil))
      let isNamed = file.contains("named")
      #expect(ensemble.categoryNames.isEmpty != isNamed, "\(file)")
      _ = try CategoryCodes.adapt(&ensemble, to: Self.columns(ensemble, isNamed), file: file)
      let expected = try Self.floats(line.dropFirst(2))
      try Forest([ensemble], columns: 6).check([ensemble], names: [file])
      for kernel in Kernel.available {
        let forest = try Forest([ensemble], columns: 6, kernel: kernel)
        let found = forest.values(rows, model: 0, isMargin: false)
        #expect(differences(found, expected) == 0, "\(release) \(file) \(trees), \(kernel)")
        compared += found.count
      }
    }
    print("\(release): \(compared) scores are the release's own")
  }

  private static func columns(_ ensemble: TreeEnsemble, _ isNamed: Bool) -> [ColumnDescription] {
    #expect(ensemble.featureNames == ["a", "b", "c", "d", "color", "size"])
    let white = ensemble.release >= XGBoostRelease(3, 4) ? "weiß" : "white"
    return columns + [
      ColumnDescription(name: "color", kind: .category(["red", "green", "blue", "amber", white])),
      ColumnDescription(name: "size", kind: .category(size)),
    ]
  }
}
