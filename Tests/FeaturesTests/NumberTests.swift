import Events
import Testing

@testable import Features
import TestNumbers

/// What becomes of the numbers that events bring: declared decimals, rounding, bounds, filters.
@Suite struct NumberTests {
  private func program(
    _ type: AttributeType, isExact: Bool, owner: EventKind = .engagement, _ expressions: [String]
  ) throws -> FeatureProgram {
    let attribute = AttributeDeclaration(name: "a", type: type, isExact: isExact, position: somewhere)
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: owner == .engagement ? [] : [attribute],
        events: [
          EventTypeDeclaration(
            name: "e", attributes: owner == .engagement ? [attribute] : [], position: somewhere)
        ],
        features: expressions.enumerated().map {
          FeatureDeclaration(
            name: "f\($0)", expression: $1, isColumn: true, labels: [], position: somewhere)
        }, idleTTL: nil))
  }

  private func event(_ value: TestValue, kind: EventKind = .engagement, id: String = "1") -> TestEvent {
    TestEvent(kind: kind, type: "e", id: id, time: 1, attributes: [("a", value)])
  }

  private func problem(_ program: FeatureProgram, _ value: TestValue, kind: EventKind = .engagement)
    -> DeadLetterReason?
  {
    let batch = EventBatch(symbols: program.symbols)
    return program.problem(of: batch.add(event(value, kind: kind)), in: batch)
  }

  /// A decimal number as text: `whole` / 10^`decimals`.
  private func text(_ whole: Int64, decimals: Int) -> String {
    let digits = String(whole.magnitude)
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    return (whole < 0 ? "-" : "") + padded.dropLast(decimals)
      + (decimals > 0 ? "." + padded.suffix(decimals) : "")
  }

  /// Decimal texts are the oracle: digits are counted there, not in doubles.
  @Test("declared decimals are held exactly, one more is refused", arguments: 0...9)
  func decimals(_ decimals: Int) throws {
    var random = SeededGenerator(seed: UInt64(decimals) + 90)
    let limit = 0x1p50 / AttributeCatalog.scale(decimals: decimals)
    let type = AttributeType.number(decimals: decimals, minimum: -limit, maximum: limit)
    let exact = try program(type, isExact: true, ["sum(e.a)"])
    let rounding = try program(type, isExact: false, ["sum(e.a)"])
    for _ in 0..<2000 {
      let digits = Int64.random(in: 1...14, using: &random)
      let end = (0..<digits).reduce(Int64(1)) { product, _ in product * 10 }
      let whole = Int64.random(in: -end...end, using: &random)
      let value = try #require(Double(text(whole, decimals: decimals)))
      let plan = UnsafePointer(exact.tables.plans.base)
      // The multiple itself; what arithmetic makes of it, as long as that is little beside the unit; what a
      // single-precision producer makes of it.
      var given = [value]
      if abs(whole) < 1 << 40 {
        given += [
          value.nextUp, value.nextDown, value * (1 + 0x1p-50), value + 0x1p-21 / exactScale(decimals),
        ]
      }
      if abs(whole) < 1 << 22 { given.append(Double(Float(value))) }
      for number in given {
        #expect(plan.pointee.number(number) == value, "\(number) with \(decimals) decimals")
      }
      // Among so many digits one more would be within sixteen roundings.
      guard digits <= 12 else { continue }
      let digit = Int64.random(in: 1...9, using: &random)
      let more = try #require(Double(text(whole * 10 + (whole < 0 ? -digit : digit), decimals: decimals + 1)))
      #expect(problem(exact, .real(more)) == .outOfBounds, "\(more) with \(decimals) decimals")
      #expect(problem(rounding, .real(more)) == nil)
      let nearest = digit < 5 ? whole : whole < 0 ? whole - 1 : whole + 1
      // A half is told by the double, which may lie on either side of it.
      if digit != 5 {
        let rounded = UnsafePointer(rounding.tables.plans.base).pointee.number(more)
        #expect(rounded == Double(text(nearest, decimals: decimals)))
      }
    }
  }

  private func exactScale(_ decimals: Int) -> Double { AttributeCatalog.scale(decimals: decimals) }

  @Test("a fraction of a whole number is refused, in words without the value")
  func fractions() throws {
    let count = try program(.number(decimals: 0, minimum: 0, maximum: 1e9), isExact: true, ["sum(e.a)"])
    for value in [4.5, 0.5, 4.25, 0.001, 999_999_999.5, 4_194_304.5] {
      #expect(problem(count, .real(value)) == .outOfBounds, "\(value)")
    }
    for value in [4.0, 0, -0.0, 1e9, 4.000000000000001] {
      #expect(problem(count, .real(value)) == nil, "\(value)")
    }
    let batch = EventBatch(symbols: count.symbols)
    let detail = count.detail(of: batch.add(event(.real(4.5))), in: batch)
    #expect(detail == "e.a has more decimals than are declared: declare them, or round: true")
    batch.removeAll()
    #expect(
      count.detail(of: batch.add(event(.real(-1))), in: batch) == "e.a is outside its bounds, 0 to 1000000000"
    )
    batch.removeAll()
    #expect(count.detail(of: batch.add(event(.text("x"))), in: batch) == "e.a is no number but a text")
    batch.removeAll()
    #expect(count.detail(of: batch.add(event(.real(.nan))), in: batch) == "e.a is no finite number")
  }

  @Test("rounding is to nearest, halves away from zero, and bounds are those of the rounded number")
  func rounding() throws {
    let rounding = try program(
      .number(decimals: 0, minimum: -3, maximum: 5), isExact: false, ["sum(e.a)", "max(e.a)"])
    for (value, expected) in [(4.5, 5), (4.49, 4), (-2.5, -3), (0.5, 1), (5.4, 5), (-3.4, -3)]
      as [(Double, Float)]
    {
      let bench = Bench(rounding)
      bench.feed(event(.real(value)))
      #expect(bench.row() == [expected, expected], "\(value)")
    }
    for value in [5.5, -3.5, 1e300, -1e300] {
      #expect(problem(rounding, .real(value)) == .outOfBounds, "\(value)")
    }
  }

  @Test("filters see the number that is held")
  func filters() throws {
    let expressions = ["count(e where a <= 0.3)", "count(e where a == 0.3)", "max(e.a where a <= 0.3)"]
    for isExact in [true, false] {
      let bench = Bench(
        try program(.number(decimals: 2, minimum: 0, maximum: 9), isExact: isExact, expressions))
      bench.feed(event(.real(0.1 + 0.2)))
      #expect(bench.row() == [1, 1, 0.3])
    }
  }

  @Test("a profile's number is taken as it is")
  func profile() throws {
    let program = try program(
      .number(decimals: 6, minimum: 0, maximum: 1e9), isExact: false, owner: .profileChange, ["profile.a"])
    let bench = Bench(program)
    bench.feed(event(.real(0.123456789), kind: .profileChange))
    #expect(bench.row() == [0.123456789])
  }

  @Test("the choice is part of the definition, the usual forms are what they were")
  func hashes() throws {
    func hashes(_ decimals: Int, _ isExact: Bool) throws -> [Hash128] {
      let type = AttributeType.number(decimals: decimals, minimum: 0, maximum: 9)
      let program = try program(type, isExact: isExact, ["sum(e.a)"])
      return [program.stateHash, program.definitionHash]
    }
    for decimals in [0, 2, 6] {
      let (exact, rounded) = (try hashes(decimals, true), try hashes(decimals, false))
      #expect(exact[0] != rounded[0] && exact[1] != rounded[1])
    }
  }
}
