import Events
import TestNumbers
import Testing

@testable import Features

private func expression(_ text: String, column: Int = 1) -> ExpressionDeclaration {
  ExpressionDeclaration(text: text, position: SourcePosition(line: 7, column: column))
}

private func judged(
  _ results: [ResultDeclaration], scoreWhen: String? = nil, labels: [(String, String)] = [],
  outputs: [String] = ["low", "middle", "high"]
) throws(DeclarationError) -> FeatureProgram {
  let number = AttributeType.number(decimals: 6, minimum: -1e9, maximum: 1e9)
  return try FeatureProgram(
    FeatureSetDeclaration(
      profile: ["a", "b", "c"].map { AttributeDeclaration(name: $0, type: number, position: somewhere) },
      events: [],
      features: [
        FeatureDeclaration(
          name: "sum", expression: "profile.a + profile.b", isColumn: true, labels: [], position: somewhere)
      ], idleTTL: nil, keepsState: false,
      judgement: JudgementDeclaration(
        outputs: outputs, results: results, scoreWhen: scoreWhen.map { expression($0) },
        labels: labels.map { EventLabelDeclaration(name: $0.0, expression: expression($0.1)) })))
}

private func number(_ name: String, _ text: String, sources: Int = 0) -> ResultDeclaration {
  ResultDeclaration(name: name, expression: expression(text), isCondition: false, sources: sources)
}

private func condition(_ name: String, _ text: String) -> ResultDeclaration {
  ResultDeclaration(name: name, expression: expression(text), isCondition: true)
}

/// A row of one profile, and what it carries.
private func read(_ program: FeatureProgram, _ values: [String: Double]) -> (row: Float, carried: [Double]) {
  let batch = EventBatch(symbols: program.symbols)
  let event = batch.add(
    TestEvent(
      kind: .profileSnapshot, time: 1_767_225_600_000_000,
      attributes: values.sorted { $0.key < $1.key }.map { (name: $0.key, value: .real($0.value)) }))
  var row: Float = 0
  var carried = [Double](repeating: -1, count: program.results.carriedCount + 1)
  program.read(event, in: batch, into: &row, carried: &carried, scratch: FeatureScratch(program))
  return (row, Array(carried.dropLast()))
}

@Suite("numbers and conditions of outputs") struct ResultTests {
  private func make(
    _ program: FeatureProgram, _ values: [String: Double], outputs: [Float]
  ) -> [(value: Double, source: Int32)] {
    let carried = read(program, values).carried
    let registers = program.results.makeRegisters()
    defer { registers.deallocate() }
    var outputs = outputs
    return (0..<program.results.count).map { result in
      let made = program.results.value(of: result, carried: carried, outputs: outputs, registers)
      outputs.append(Float(made.value))
      return made
    }
  }

  @Test("take the first that is known, and say which it was")
  func firstKnown() throws {
    let program = try judged([
      number("age", "first_known(profile.a, year(as_of) - profile.b, middle, 35)", sources: 4)
    ])
    func made(_ values: [String: Double], _ middle: Float) -> String {
      let made = make(program, values, outputs: [0, middle, 0])[0]
      return "\(made.value) \(made.source)"
    }
    #expect(made(["a": 41, "b": 1990], 50) == "41.0 0")
    #expect(made(["b": 1990], 50) == "36.0 1")
    #expect(made([:], 50) == "50.0 2")
    #expect(made([:], .nan) == "35.0 3")
  }

  @Test("where nothing is known, there is no source either")
  func nothingKnown() throws {
    let made = make(
      try judged([number("x", "first_known(profile.a, low)", sources: 2)]), [:], outputs: [.nan, 0, 0])[0]
    #expect(made.value.isNaN && made.source == -1)
  }

  @Test("name numbers before them, as they stand by then")
  func chains() throws {
    let program = try judged([
      number("width", "abs(high - low)"), number("confidence", "clamp(100 - 3.33 * width, 0, 100)"),
      condition("review", "width > 20 and not is_missing(profile.c)"),
    ])
    let made = make(program, ["c": 1], outputs: [10, 20, 35])
    #expect(made.map(\.value) == [25, 16.75, 1])
    #expect(make(program, [:], outputs: [10, 20, 35]).map(\.value) == [25, 16.75, 0])
    #expect(make(program, ["c": 1], outputs: [.nan, 20, 35]).map(\.value.isNaN) == [true, true, false])
  }

  /// The simplest reading of the same expressions.
  @Test("equal a naive reading", arguments: [11, 12] as [UInt64])
  func random(seed: UInt64) throws {
    let program = try judged([
      number("x", "if(low > profile.a, high * 2 - profile.b, middle / profile.c)"),
      number("y", "coalesce(x, sum, 0) + least(low, high) - sqrt(profile.c)"),
      condition("z", "x >= y or middle == 1"),
    ])
    var random = SeededGenerator(seed: seed)
    for round in 0..<2000 {
      func draw() -> Double { random.chance(20) ? .nan : Double(random.below(40) - 20) / 4 }
      let (a, b, c) = (draw(), draw(), draw())
      let outputs = [Float(draw()), Float(draw()), Float(draw())]
      let (low, middle, high) = (Double(outputs[0]), Double(outputs[1]), Double(outputs[2]))
      func finite(_ value: Double) -> Double { value.isFinite ? value : .nan }
      let x = Double(Float(low > a ? finite(high * 2 - b) : finite(middle / c)))
      let sum = finite(a + b)
      let first = x.isNaN ? (sum.isNaN ? 0 : sum) : x
      let least = low.isNaN || high.isNaN ? Double.nan : min(low, high)
      let y = Double(Float(finite(first + least - (c < 0 ? .nan : c.squareRoot()))))
      let z = x >= y || middle == 1
      var given: [String: Double] = [:]
      for (name, value) in [("a", a), ("b", b), ("c", c)] where !value.isNaN { given[name] = value }
      let made = make(program, given, outputs: outputs).map { Float($0.value) }
      let expected = [Float(x), Float(y), z ? 1 : 0]
      let isSame = zip(made, expected).allSatisfy { $0.isNaN ? $1.isNaN : $0 == $1 }
      #expect(isSame, "seed \(seed), round \(round): \(made), \(expected)")
    }
  }

  @Test("rows are scored of which the condition holds, and labels are read beside them")
  func scoreWhenAndLabels() throws {
    let program = try judged(
      [], scoreWhen: "is_missing(profile.a)", labels: [("known", "profile.a * 2"), ("other", "profile.b")])
    for (given, isScored, label) in [(["a": 4.0, "b": 1], false, 8.0), (["b": 1], true, Double.nan)] {
      let carried = read(program, given).carried
      #expect(program.results.isScored(carried) == isScored)
      let labels = program.results.labels.map { carried[$0] }
      #expect(labels[0].isNaN ? label.isNaN : labels[0] == label)
      #expect(labels[1] == 1)
    }
    #expect(try judged([]).results.isScored([0]))
  }

  @Test(
    "an error points at its place",
    arguments: [
      ("high - lowest", 7, "unknown name \"lowest\""), ("high > 1", 0, ""),
      ("count(any, 7d)", 0, "state: none"),
      ("profile.d + low", 0, "unknown profile attribute"),
    ])
  func errors(text: String, offset: Int, found: String) throws {
    do {
      _ = try judged([number("x", text)])
      #expect(found.isEmpty)
    } catch {
      #expect(error.position == SourcePosition(line: 7, column: 1 + offset), "\(error)")
      #expect("\(error)".contains(found), "\(error)")
    }
  }

  @Test("a source needs as many arguments as it has labels")
  func sources() {
    #expect(throws: DeclarationError.self) { try judged([number("x", "first_known(low, 1)", sources: 3)]) }
    #expect(throws: DeclarationError.self) { try judged([number("x", "low + 1", sources: 2)]) }
    #expect(throws: DeclarationError.self) { try judged([], scoreWhen: "low > 1") }
    #expect(throws: DeclarationError.self) { try judged([condition("x", "low")]) }
  }

  @Test("they are part of the definition, labels are not")
  func definition() throws {
    let plain = try judged([]).definitionHash
    #expect(try judged([], labels: [("known", "profile.a")]).definitionHash == plain)
    #expect(try judged([number("x", "low")]).definitionHash != plain)
    #expect(try judged([], scoreWhen: "profile.a > 1").definitionHash != plain)
  }
}
