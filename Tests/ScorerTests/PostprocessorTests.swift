import CMallocCounter
import Dataflow
import Features
import Foundation
import TestNumbers
import Testing

@testable import Scorer

/// What is made of margins: the same bits as in numpy, and nothing that could not be.
@Suite struct PostprocessorTests {
  private static let columns = [
    ColumnDescription(name: "group"), ColumnDescription(name: "plan", kind: .category(["free", "premium"])),
    ColumnDescription(name: "vip", kind: .flag),
  ]

  private static func processor(
    _ postprocessing: Postprocessing, groups: Int = 1, outputs: Int? = nil
  ) throws -> Postprocessor {
    try Postprocessor(postprocessing, groups: groups, outputs: outputs ?? groups, columns: columns)
  }

  private static func made(
    _ processor: Postprocessor, _ outputs: [Float], group: Float = .nan
  ) -> [Float] {
    var outputs = outputs
    processor.apply(to: &outputs, stride: outputs.count, rows: [group, 0, 0], columns: 3, count: 1)
    return outputs
  }

  /// scripts/postprocess.py --golden Tests/ScorerTests/Postprocessing/golden.txt
  @Test func sameBitsAsNumpy() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Postprocessing/golden.txt"
    var postprocessing = Postprocessing()
    var processor: Postprocessor?
    var (specs, rows) = (0, 0)
    for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
      if line.hasPrefix("post ") {
        postprocessing = try Postprocessing(json: String(line.dropFirst(5)))
        #expect(try Postprocessing(json: postprocessing.json) == postprocessing)
        processor = nil
        specs += 1
        continue
      }
      let words = try line.split(separator: " ").map { try #require(UInt32($0, radix: 16)) }
      let floats = words.map { Float(bitPattern: $0) }
      let width = (floats.count - 1) / 2
      let used = try processor ?? Self.processor(postprocessing, groups: width)
      processor = used
      let found = Self.made(used, Array(floats[1...width]), group: floats[0])
      for (value, expected) in zip(found, floats[(1 + width)...]) {
        #expect(value.bitPattern == expected.bitPattern || (value.isNaN && expected.isNaN), "\(line)")
      }
      rows += 1
    }
    #expect(specs == 15 && rows > 900)
  }

  /// Of any two floats the greater never has the lesser probability.
  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func curvesAreMonotone(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<40 {
      let count = Int.random(in: 1...9, using: &random)
      let spread = Float([1e-38, 1e-3, 1, 20, 3e38][Int.random(in: 0..<5, using: &random)])
      let margins = Set((0..<count).map { _ in Float.random(in: -1...1, using: &random) * spread }).sorted()
      let values = margins.map { _ in Float.random(in: 0...1, using: &random) }.sorted()
      let processor = try Self.processor(
        Postprocessing(link: .curve(CalibrationCurve(margins: margins, values: values))))
      var inputs = margins.flatMap { [$0.nextDown.nextDown, $0.nextDown, $0, $0.nextUp, $0.nextUp.nextUp] }
      inputs += (0..<200).map { _ in Float.random(in: -1.2...1.2, using: &random) * spread }
      inputs += inputs.map(\.nextUp) + [.infinity, -.infinity, 0, -0.0]
      inputs.sort()
      var last: Float = 0
      for input in inputs {
        let value = Self.made(processor, [input])[0]
        #expect(
          value >= last && value >= values[0] && value <= values[values.count - 1], "seed \(seed): \(input)")
        last = value
      }
      for (margin, value) in zip(margins, values) { #expect(Self.made(processor, [margin])[0] == value) }
    }
  }

  @Test func sharesAndAnomalies() throws {
    let shares = try Self.processor(Postprocessing(link: .shares(scale: 1)), groups: 3)
    #expect(Self.made(shares, [1, 1, 0]) == [0.4, 0.4, 0.2])
    #expect(Self.made(shares, [1e30, -1e30, .infinity]).allSatisfy { $0.isNaN })
    #expect(Self.made(shares, [3, .nan, 0]).allSatisfy { $0.isNaN })
    let anomaly = try Self.processor(Postprocessing(link: .anomaly(scale: 0.5)))
    #expect(
      Self.made(anomaly, [0]) == [1] && Self.made(anomaly, [2]) == [0.5] && Self.made(anomaly, [-3]) == [1])
    #expect(Self.made(anomaly, [.nan])[0].isNaN && Self.made(anomaly, [.infinity]) == [0])
  }

  @Test func rowsOfNoGroupAreShiftedByThePooled() throws {
    let shifts = ConformalShifts(feature: "group", pooled: [-1, 1], groups: ["0": [-5, 5], "-3": [2, -2]])
    let processor = try Self.processor(Postprocessing(sorts: true, shifts: shifts), groups: 2)
    #expect(Self.made(processor, [20, 10], group: 0) == [5, 25])
    #expect(Self.made(processor, [10, 20], group: -3) == [12, 18])
    #expect(Self.made(processor, [11, 10], group: -3) == [9, 12])
    for other: Float in [1, .nan, 0.5, .infinity, -4] {
      #expect(Self.made(processor, [10, 20], group: other) == [9, 21])
    }
  }

  @Test func canonicalText() throws {
    let text = Postprocessing(
      link: .objective, sorts: true,
      shifts: ConformalShifts(
        feature: "plan", pooled: [-0.1, 1e20], groups: ["1": [0, 1], "0": [1e-9, 3]])
    ).json
    #expect(
      text
        == #"{"link":{"name":"objective"},"schema":1,"shifts":{"feature":"plan","groups":{"0":[1e-09,3.0],"1":[0.0,1.0]},"pooled":[-0.1,1e+20]},"sorts":true}"#
    )
    #expect(
      Postprocessing(link: .shares(scale: 1.4426950408889634)).json
        == #"{"link":{"name":"shares","scale":1.4426950408889634},"schema":1}"#)
    #expect(
      Postprocessing(
        link: .curve(CalibrationCurve(margins: [-1.5, 2], values: [0.1, 0.9])), threshold: 0.31
      ).json
        == #"{"link":{"margins":[-1.5,2.0],"name":"curve","values":[0.1,0.9]},"schema":1,"threshold":0.31}"#)
  }

  /// Every text is refused for what is wrong with it.
  @Test(arguments: [
    ("", "expected a value"), ("{", "a name"), ("{}", "schema"), ("[]", "it is not an object"),
    (#"{"link":{"name":"objective"},"schema":2}"#, "another release"),
    (#"{"link":{"name":"objective"},"schema":1}x"#, "the end"),
    (#"{"schema":1}"#, "it has no link"),
    (#"{"link":{"name":"objective"},"schema":1,"schema":1}"#, "each member once"),
    (#"{"link":{"name":"objective"},"schema":1,"more":1}"#, "the member \"more\""),
    (#"{"link":{"name":"objective","scale":1},"schema":1}"#, "the member \"scale\""),
    (#"{"link":{"name":"isotonic"},"schema":1}"#, "another name"),
    (#"{"link":{"name":"curve","margins":[1]},"schema":1}"#, "link has no values"),
    (#"{"link":{"name":"curve","margins":[NaN],"values":[1]},"schema":1}"#, "expected a value"),
    (#"{"link":{"name":"curve","margins":[1e39],"values":[1]},"schema":1}"#, "fits 32 bits"),
    (#"{"link":{"name":"curve","margins":[1],"values":["1"]},"schema":1}"#, "fits 32 bits"),
    (#"{"link":{"name":"shares","scale":1e999},"schema":1}"#, "finite number"),
    (#"{"link":{"name":"objective"},"schema":1,"sorts":1}"#, "true or false"),
    (#"{"link":{"name":"objective"},"schema":1,"shifts":{"pooled":[1]}}"#, "shifts has no groups"),
    (#"{"link":{"name":"objective"},"schema":1,"threshold":null}"#, "fits 32 bits"),
    (#"{"link":{"name":"objective"},"schema":01}"#, "no JSON"),
    (#"{"link":[[[[[[[[[[1]]]]]]]]]],"schema":1}"#, "less nesting"),
  ]) func whatIsNoPostprocessing(_ text: String, _ cause: String) {
    let error = #expect(throws: PostprocessingError.self) { _ = try Postprocessing(json: text) }
    #expect(error?.text.contains(cause) == true, "\(String(describing: error))")
  }

  private static func curve(_ margins: [Float], _ values: [Float]) -> Postprocessing {
    Postprocessing(link: .curve(CalibrationCurve(margins: margins, values: values)))
  }
  private static func shifts(
    _ feature: String?, _ groups: [String: [Float]] = [:], pooled: [Float] = [1, 2]
  ) -> Postprocessing {
    Postprocessing(sorts: true, shifts: ConformalShifts(feature: feature, pooled: pooled, groups: groups))
  }

  static let unfit: [(Postprocessing, Int, String)] = [
    (curve([], []), 1, "0 margins"), (curve([1], [0, 1]), 1, "2 values"),
    (curve([1, 1], [0, 1]), 1, "do not ascend"),
    (curve([2, 1], [0, 1]), 1, "do not ascend"), (curve([.nan], [0]), 1, "do not ascend"),
    (curve([1, .infinity], [0, 1]), 1, "do not ascend"), (curve([1, 2], [0.6, 0.5]), 1, "between 0 and 1"),
    (curve([1, 2], [0, 1.5]), 1, "between 0 and 1"), (curve([1, 2], [-0.1, 1]), 1, "between 0 and 1"),
    (curve([1, 2], [.nan, 1]), 1, "between 0 and 1"), (curve([1], [1]), 3, "3 margins a row"),
    (Postprocessing(link: .shares(scale: 1)), 1, "1 margins and 1 outputs"),
    (Postprocessing(link: .shares(scale: 0)), 3, "not above 0"),
    (Postprocessing(link: .anomaly(scale: .nan)), 1, "not above 0"),
    (Postprocessing(link: .anomaly(scale: 1)), 2, "2 margins a row"),
    (Postprocessing(sorts: true), 1, "no quantiles"),
    (Postprocessing(link: .shares(scale: 1), sorts: true), 3, "no quantiles"),
    (Postprocessing(shifts: ConformalShifts(pooled: [1, 2])), 2, "not sorted"),
    (shifts(nil), 3, "2 shifts for 3 outputs"), (shifts("group", ["1": [1]]), 2, "1 shifts for 2 outputs"),
    (shifts(nil, pooled: [1, .infinity]), 2, "not finite"), (shifts(nil, ["1": [1, 2]]), 2, "no feature"),
    (shifts("grop"), 2, "\"grop\", which is no feature"),
    (shifts("group", ["a": [1, 2]]), 2, "no whole number"),
    (shifts("group", ["01": [1, 2]]), 2, "no whole number"),
    (shifts("group", ["1.5": [1, 2]]), 2, "no whole number"),
    (shifts("group", ["99999999": [1, 2]]), 2, "no whole number"),
    (shifts("plan", ["3": [1, 2]]), 2, "codes 0 to 2"), (shifts("vip", ["2": [1, 2]]), 2, "codes 0 to 1"),
    (Postprocessing(threshold: 1.5), 1, "outside of 0…1"),
    (Postprocessing(threshold: .nan), 1, "outside of 0…1"),
    (Postprocessing(threshold: 0.5), 2, "2 outputs a row"),
  ]

  @Test(arguments: unfit.indices) func whatIsNoneOfItsModel(_ index: Int) {
    let (postprocessing, groups, cause) = Self.unfit[index]
    let error = #expect(throws: PostprocessingError.self) {
      _ = try Self.processor(postprocessing, groups: groups)
    }
    #expect(error?.text.contains(cause) == true, "\(String(describing: error))")
  }

  @Test(.enabled(if: tally_counts_allocations() == 1, "the sanitizer has its own malloc"))
  func allocatesNothing() throws {
    let processors = [
      try Self.processor(Self.curve([0, 1], [0.1, 0.9])),
      try Self.processor(Postprocessing(link: .shares(scale: 1)), groups: 12),
      try Self.processor(Postprocessing(link: .anomaly(scale: 1))),
      try Self.processor(Self.shifts("group", ["1": [1, 2]]), groups: 2),
    ]
    let rows = [Float](repeating: 1, count: 3 * 70)
    var outputs = [Float](repeating: 0.5, count: 12 * 70)
    for processor in processors {
      let before = tally_thread_allocations()
      processor.apply(to: &outputs, stride: 12, rows: rows, columns: 3, count: 70)
      #expect(tally_thread_allocations() == before)
    }
  }
}
