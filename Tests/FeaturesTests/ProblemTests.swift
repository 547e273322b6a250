import Events
import Testing

@testable import Features

@Suite struct ProblemTests {
  private func problem(
    _ attributes: [(String, TestValue)], type: String = "buy", kind: EventKind = .engagement,
    time: EventTime = 1
  ) throws -> DeadLetterReason? {
    let program = try FeatureProgram(declaration([("f", "count(any)")]))
    let batch = EventBatch(symbols: program.symbols)
    let event = batch.add(
      TestEvent(kind: kind, type: type, time: time, attributes: attributes.map { (name: $0.0, value: $0.1) }))
    return program.problem(of: event, in: batch)
  }

  @Test("numbers")
  func numbers() throws {
    #expect(try problem([("amount", .real(3.5))]) == nil)
    #expect(try problem([("amount", .integer(3))]) == nil)
    #expect(try problem([("amount", .null)]) == nil)
    #expect(try problem([("amount", .real(1e6))]) == nil)
    #expect(try problem([("amount", .real(1_000_000.1))]) == .outOfBounds)
    #expect(try problem([("amount", .integer(-1_000_001))]) == .outOfBounds)
    #expect(try problem([("amount", .integer((1 << 53) + 1))]) == .outOfBounds)
    #expect(try problem([("amount", .integer(.min))]) == .outOfBounds)
    #expect(try problem([("amount", .real(.nan))]) == .notFinite)
    #expect(try problem([("amount", .real(-.infinity))]) == .notFinite)
    #expect(try problem([("amount", .text("3"))]) == .wrongType)
    #expect(try problem([("amount", .flag(true))]) == .wrongType)
  }

  @Test("categories, texts and flags")
  func others() throws {
    #expect(try problem([("topic", .text("unheard of")), ("sku", .text(""))]) == nil)
    #expect(try problem([("topic", .integer(1))]) == .wrongType)
    #expect(try problem([("sku", .real(1))]) == .wrongType)
    #expect(try problem([("premium", .flag(false))], type: "session") == nil)
    #expect(try problem([("premium", .integer(1))], type: "session") == .wrongType)
    #expect(try problem([("premium", .null)], type: "session") == nil)
  }

  @Test("only what the event type declares is checked")
  func scope() throws {
    #expect(try problem([("amount", .text("x"))], type: "login") == nil)
    #expect(try problem([("amount", .text("x"))], type: "unheard_of") == nil)
    #expect(try problem([("amount", .text("x"))], type: "amount") == nil)
    #expect(try problem([("age", .text("x"))], kind: .profileChange) == .wrongType)
    #expect(try problem([("age", .integer(30)), ("plan", .text("free"))], kind: .profileSnapshot) == nil)
    #expect(try problem([("amount", .real(1)), ("amount", .text("x"))]) == .wrongType)
    #expect(try problem([("amount", .text("x"))], kind: .profileChange) == nil)
  }

  @Test("times")
  func times() throws {
    #expect(try problem([], time: 0) == .invalidTime)
    #expect(try problem([], time: -1) == .invalidTime)
    #expect(try problem([], time: EventTimeBounds.end) == .invalidTime)
    #expect(try problem([], time: EventTimeBounds.end - 1) == nil)
  }

  @Test("words compare as UTF-8 and belong to their own attribute")
  func words() throws {
    func attribute(_ name: String, _ words: [String]) -> AttributeDeclaration {
      AttributeDeclaration(name: name, type: .category(words), position: somewhere)
    }
    let program = try FeatureProgram(
      FeatureSetDeclaration(
        profile: [
          attribute("a", ["x", "caf\u{e9}", "y"]), attribute("b", ["y", "x"]),
          attribute("c", ["x", "caf\u{e9}", "y"]),
        ], events: [],
        features: ["a", "b", "c"].map {
          FeatureDeclaration(
            name: "f_\($0)", expression: "profile.\($0)", isColumn: true, labels: [], position: somewhere)
        }, idleTTL: nil))
    let bench = Bench(program)
    var time: EventTime = 1
    for (word, codes) in [
      ("x", [0, 1, 0]), ("y", [2, 0, 2]), ("caf\u{e9}", [1, 2, 1]), ("cafe\u{301}", [3, 2, 3]),
      ("a", [3, 2, 3]),
      ("", [3, 2, 3]),
    ] as [(String, [Float])] {
      time += 1
      bench.feed(
        TestEvent(
          kind: .profileChange, id: "e\(time)", time: time,
          attributes: [("a", .text(word)), ("b", .text(word)), ("c", .text(word))]))
      #expect(bench.row() == codes, "\(word)")
    }
  }
}
