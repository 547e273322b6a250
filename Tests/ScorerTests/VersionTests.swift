import Foundation
import Testing
import XGBoost

@testable import Scorer

/// Files that XGBoost's own releases wrote, with what they predicted themselves: Tests/ScorerTests/Models.
@Suite struct VersionTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Models"
  private static let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { !$0.hasSuffix(".expected") }.sorted()

  @Test func thereAreFilesOfEveryRelease() {
    let releases = Set(Self.files.map { $0.split(separator: "-").last?.prefix(3) ?? "" })
    #expect(releases == ["1.7", "2.0", "2.1", "3.0", "3.2"] && Self.files.count == 34)
  }

  @Test(arguments: files) func scoresAsTheReleaseDid(_ file: String) throws {
    let ensemble = try TreeEnsemble(path: Self.folder + "/" + file)
    let stem = file.prefix(upTo: try #require(file.lastIndex(of: ".")))
    let text = try String(contentsOfFile: Self.folder + "/\(stem).expected", encoding: .utf8)
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      line.split(separator: " ").map { Float(bitPattern: UInt32($0, radix: 16) ?? 0) }
    }
    let (rows, expected) = (lines.dropLast().flatMap { $0 }, try #require(lines.last))
    #expect(rows.count == 160 && expected.count == 40 * ensemble.outputs)
    #expect(ensemble.featureNames == ["a", "b", "c", "d"] && ensemble.isDart == file.hasPrefix("dart"))
    for kernel in Kernel.available {
      let forest = try Forest([ensemble], columns: 4, kernel: kernel)
      try forest.check([ensemble], names: [file])
      #expect(differences(forest.values(rows, model: 0, isMargin: false), expected) == 0, "\(kernel)")
    }
  }
}
