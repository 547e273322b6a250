import CMallocCounter
import Dataflow
import Events
import Ingest
import Testing

/// What nobody declares is dropped and counted, by name; its values are not looked at.
@Suite("Counts of undeclared names") struct NameCountTests {
  /// `login` and `buy` are declared, see `UndeclaredTests.program`.
  private let ledger = NameLedger(declaredTypes: ["login", "buy"])

  private func bench() throws -> DecoderBench {
    try DecoderBench(UndeclaredTests.program(), names: ledger.counter())
  }

  private func sample(_ type: String, _ names: [String], kind: EventKind = .engagement) -> SampleEvent {
    var sample = SampleEvent()
    sample.entityID = "c1"
    sample.kind = kind
    sample.type = type
    sample.attributes = names.map { ($0, .integer(1)) }
    return sample
  }

  /// Both forms of an event.
  private func decode(_ sample: SampleEvent, _ bench: DecoderBench) {
    #expect(bench.decode(Array(sample.json.utf8), key: "c1", contentType: .json) == nil)
    #expect(bench.decode(sample.protobuf, key: "c1", contentType: .protobuf) == nil)
  }

  private func counts(_ all: [NameCount]) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.count) })
  }

  @Test func byNameInBothForms() throws {
    let bench = try bench()
    decode(sample("login", ["a", "os", "os_version"]), bench)
    decode(sample("logn", ["a", "os"]), bench)
    // Another type's attribute, a word of a vocabulary and the name of a type are names that the pipeline has.
    decode(sample("login", ["b", "x", "buy", "os"]), bench)
    decode(sample("", ["a", "b", "email"], kind: .profileSnapshot), bench)
    decode(sample("", ["email"], kind: .profileChange), bench)
    decode(sample("x", []), bench)
    let found = ledger.counts()
    #expect(found.events == 12 && found.unseen == ["buy"])
    #expect(counts(found.types) == ["logn": 2, "x": 2])
    #expect(
      counts(found.attributes) == ["os": 4, "os_version": 2, "b": 4, "x": 2, "buy": 2, "email": 4])
    decode(sample("buy", ["b"]), bench)
    #expect(ledger.counts().unseen.isEmpty)
  }

  /// What is refused was not dropped, and neither was what a first attempt at a form has read.
  @Test func deadLettersCountNowhere() throws {
    let bench = try bench()
    var wrong = sample("login", ["os"])
    wrong.attributes.append(("a", .text("x")))
    #expect(bench.decode(Array(wrong.json.utf8), key: "c1") == .wrongType)
    #expect(bench.decode(wrong.protobuf, key: "c1") == .wrongType)
    #expect(bench.decode(Array(sample("logn", []).json.utf8), key: "other") == .keyMismatch)
    #expect(!ledger.counts().hasDropped && ledger.counts().events == 0)
    decode(sample("login", ["a"]), bench)
    #expect(!ledger.counts().hasDropped, "what a refused event held is not the next one's")
  }

  /// Names that may be data are not shown: a person's address, a text of another script, a key that is longer than names are.
  @Test func whatLooksLikeDataIsOther() throws {
    let bench = try bench()
    let long = String(repeating: "n", count: 64)
    let strange = [
      "anna@example.com", "Anna Meier", "größe", "a\"b", "a\nb", "{}", "+49170", long + "n", "other", "a/b",
    ]
    decode(sample("login", strange + [long, "A-z_0.9"]), bench)
    for name in strange { decode(sample(name.replacing("\n", with: " "), []), bench) }
    let found = ledger.counts()
    #expect(counts(found.attributes) == ["other": UInt64(2 * strange.count), long: 2, "A-z_0.9": 2])
    #expect(counts(found.types) == ["other": UInt64(2 * strange.count)])
  }

  /// The first 64 names are told apart, the same ones by all workers, whichever met them.
  @Test func boundedOverAllWorkers() throws {
    let benches = [try bench(), try bench(), try bench()]
    for number in 0..<200 { decode(sample("t\(number)", []), benches[number % 2]) }
    for number in 0..<200 { decode(sample("login", ["n\(number)"]), benches[number % 2]) }
    for number in 0..<200 {
      decode(sample("login", ["n\(number)"]), benches[2])
      decode(sample("t\(number)", []), benches[2])
    }
    let found = ledger.counts()
    for (letter, all) in [("t", found.types), ("n", found.attributes)] {
      var expected = ["other": UInt64(4 * 136)]
      for number in 0..<64 { expected["\(letter)\(number)"] = 4 }
      #expect(counts(all) == expected)
      #expect(all.last?.name == "other")
    }
  }

  @Test(.enabled(if: tally_counts_allocations() == 1, "the sanitizer has its own malloc"))
  func countingAllocatesNothing() throws {
    let bench = try bench()
    let samples = [
      sample("login", ["a", "os", "b", "anna@example.com"]), sample("logn", ["a"]), sample("buy", ["b"]),
      sample("", ["a", "email"], kind: .profileSnapshot),
    ]
    let records = samples.flatMap { [Array($0.json.utf8), $0.protobuf] }
    let silent = try DecoderBench(UndeclaredTests.program())
    func allocations(_ bench: DecoderBench) -> UInt64 {
      func pass() {
        for _ in 0..<50 {
          bench.batch.removeAll()
          for record in records { _ = bench.decode(record, key: "c1") }
        }
      }
      pass()
      let before = tally_thread_allocations()
      pass()
      return UInt64(tally_thread_allocations() - before)
    }
    // The bench itself copies each record.
    #expect(allocations(bench) == allocations(silent))
    #expect(ledger.counts().hasDropped)
  }

  @Test func differences() {
    var earlier = NameCounts()
    earlier.events = 3
    earlier.attributes = [NameCount("a", 2), NameCount("b", 1)]
    var now = earlier
    now.events = 7
    now.types = [NameCount("t", 4)]
    now.attributes = [NameCount("a", 2), NameCount("b", 5), NameCount("other", 1)]
    let rest = now.since(earlier)
    #expect(rest.events == 4 && rest.types == [NameCount("t", 4)])
    #expect(rest.attributes == [NameCount("b", 4), NameCount("other", 1)])
    #expect(!now.since(now).hasDropped)
  }
}
