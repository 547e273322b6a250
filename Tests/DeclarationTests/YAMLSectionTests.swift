import Dataflow
import Declaration
import Features
import Testing

@Suite struct YAMLSectionTests {
  private static let text = """
    kafka:
      brokers: [a:9092, b:9092]
      partitions: 12
      secure: false
      settings:
        linger.ms: "5"
        client.id: tally
    cache: 64MiB
    wait: 200ms
    share: 0.25
    empty:
    """

  /// As many keys as a file may have, and words of a vocabulary: what looks at all others for each never ends here.
  @Test func manyKeys() throws {
    let count = YAMLLimits.valuesMax - 1
    let text = (0..<count).map { "k\($0): 1" }.joined(separator: "\n")
    #expect(try readYAML(text).entries.count == count)
    let twice = #expect(throws: DeclarationError.self) { try readYAML(text + "\nk77: 2") }
    #expect(twice?.found == "the key \"k77\" twice" && twice?.position.line == count + 1)
    let words = (0..<65_000).map { "w\($0)" }.joined(separator: ", ")
    let pipeline = """
      pipeline: many
      events:
        login:
          word: {type: category, vocabulary: [\(words)]}
      features:
        kinds: distinct(login.word, 7d)
      models:
        m: {file: m.json}
      """
    #expect(try FeatureProgram(loadPipeline(yaml: pipeline).features).columnNames == ["kinds"])
  }

  @Test func readsTypedValues() throws {
    let root = try readYAML(Self.text)
    try root.allow(["kafka", "cache", "wait", "share", "empty"])
    let kafka = try root.required("kafka").section()
    #expect(kafka.path == "kafka")
    #expect(try kafka.required("brokers").strings() == ["a:9092", "b:9092"])
    #expect(try kafka["partitions"]?.int(in: 1...100) == 12)
    #expect(try kafka["secure"]?.bool() == false)
    #expect(try root["cache"]?.byteCount() == 64 << 20)
    #expect(try root["wait"]?.duration() == 200_000)
    #expect(try root["share"]?.number(in: 0...1) == 0.25)
    #expect(try root["empty"]?.section().entries.isEmpty == true)
    #expect(root["other"] == nil)
  }

  @Test(arguments: [
    ("1us", 1), ("2ms", 2000), ("5s", 5_000_000), ("15m", 900_000_000), ("12h", 43_200_000_000),
    ("7d", 604_800_000_000), ("0s", 0),
  ])
  func durations(_ text: String, _ micros: Int64) throws {
    #expect(try readYAML("x: \(text)").required("x").duration() == micros)
  }

  @Test(arguments: ["5", "s", "5 s", "-5s", "1.5h", "5w", "9999999999999d", "5S", "٥s"])
  func wrongDurations(_ text: String) throws {
    let value = try readYAML("x: \(text)").required("x")
    #expect(throws: DeclarationError.self) { try value.duration() }
  }

  @Test(arguments: [("1B", 1), ("64KiB", 65536), ("2GiB", 2_147_483_648)])
  func sizes(_ text: String, _ bytes: Int) throws {
    #expect(try readYAML("x: \(text)").required("x").byteCount() == bytes)
  }

  @Test func errorsSayWhereWhatAndWhatElse() throws {
    let root = try readYAML(Self.text)
    let kafka = try root.required("kafka").section()
    #expect(
      throws: DeclarationError(
        SourcePosition(line: 3, column: 15), found: "\"12\"", allowed: "a whole number from 1 to 9")
    ) { try kafka["partitions"]?.int(in: 1...9) }
    #expect(
      throws: DeclarationError(
        SourcePosition(line: 4, column: 3), found: "the key \"secure\"", allowed: "brokers, partitions")
    ) { try kafka.allow(["brokers", "partitions"]) }
    #expect(
      throws: DeclarationError(
        SourcePosition(line: 2, column: 3), found: "kafka without the key topic", allowed: "topic, given once"
      )
    ) { try kafka.required("topic") }
    #expect(
      throws: DeclarationError(SourcePosition(line: 6, column: 16), found: "\"5\"", allowed: "true or false")
    ) { try kafka.required("settings").section().required("linger.ms").bool() }
    #expect(
      throws: DeclarationError(SourcePosition(line: 11, column: 7), found: "nothing", allowed: "a text")
    ) { try root.required("empty").string() }
    #expect(throws: DeclarationError.self) { try root.required("wait").duration(in: 1_000_000...2_000_000) }
    #expect(throws: DeclarationError.self) { try root.required("cache").byteCount(in: 0...1024) }
  }

  @Test func longTextsAreShortened() throws {
    let value = try readYAML("x: " + String(repeating: "y", count: 100)).required("x")
    let error = #expect(throws: DeclarationError.self) { try value.int() }
    #expect(error?.found == "\"" + String(repeating: "y", count: 40) + "…\"")
  }
}
