import Dataflow
import Foundation
import TestPlaces
import Testing

@testable import Configuration
@testable import tally

/// Errors have codes, and every code is explained.
@Suite struct ExplainTests {
  @Test(arguments: ReferenceCommand.Page.allCases) func pagesAreWhatTheProgramPrints(
    _ page: ReferenceCommand.Page
  ) {
    #expect(
      readText("\(Places.package)/\(page.file)") == page.text + "\n",
      "run scripts/generate-docs.sh")
  }

  @Test func theVersionIsTheChangelogsNewest() {
    let newest = readText(Places.package + "/CHANGELOG.md").firstMatch(of: /\n## ([0-9.]+)/)?.1
    #expect(newest.map(String.init) == TallyVersion.current)
  }

  @Test(arguments: ErrorReason.allCases) func everyCodeIsAWordWithSentences(_ reason: ErrorReason) {
    #expect(reason.rawValue.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
    for text in [reason.meaning, reason.whatToDo] {
      #expect(text.first?.isUppercase == true || text.hasPrefix("tally "), "\(text)")
      #expect(text.last == "." && !text.contains("|"), "\(text)")
    }
  }

  @Test func errorsEndWithTheirCode() async throws {
    try await onThread {
      let missing = try tally(["check", "none.yaml"])
      #expect(missing.code == 1 && missing.errors.contains("[bad-file]"), "\(missing.text)")
      let one = try tally(["explain", "[topic-recreated]"])
      #expect(one.code == 0 && one.output.contains("What to do:"))
      let near = try tally(["explain", "topic-recreate"])
      #expect(near.code == 1 && near.errors.contains("is it topic-recreated?"))
      let all = try tally(["explain"])
      #expect(all.output.split(separator: "\n").count == ErrorReason.allCases.count)
    }
  }

  /// A condition is named where it is worded, so that the same words have the same name everywhere.
  @Test func sitesOfErrorsNameTheirReason() {
    let modules = ["Configuration", "Operations", "Pipeline", "tally"]
    var unnamed = 0
    for (path, text) in modules.flatMap({ Places.sources(of: $0) }) where !path.hasPrefix("Demo/") {
      for call in Self.calls(in: text) where call.contains("\"") && !call.contains("reason:") {
        unnamed += 1
        #expect(Self.withoutReason.contains { call.contains($0) }, "\(path): \(call.prefix(100))")
      }
    }
    #expect(unnamed <= Self.withoutReason.count)
  }

  /// The arguments of calls that make errors.
  private static func calls(in text: String) -> [Substring] {
    text.matches(of: /\b(?:Failure|refusal)\(/).map { match in
      var depth = 1
      return text[match.range.upperBound...].prefix { character in
        if character == "(" { depth += 1 }
        if character == ")" { depth -= 1 }
        return depth > 0
      }
    }
  }

  /// What has no cause with a name.
  private static let withoutReason = [
    "another pipeline has rows in the same place", "has the partitions 0 to",
    "were rolled back or rebuilt",
  ]
}
