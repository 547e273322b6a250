import Events
import Testing

@testable import Features

@Suite struct StateTests {
  private let noon: EventTime = 20_000 * Span.day + 12 * Span.hour

  private func bench(_ features: [(String, String)], idleTTL: EventTime? = nil) throws -> Bench {
    Bench(try FeatureProgram(declaration(features, idleTTL: idleTTL)))
  }

  @Test("a silence longer than the TTL starts from empty state, recent ids included")
  func idle() throws {
    let bench = try bench([("c", "count(any)"), ("a", "profile.age")], idleTTL: 10 * Span.day)
    bench.state.partition = 4
    bench.feed(TestEvent(kind: .profileChange, id: "p", time: noon, attributes: [("age", .integer(40))]))
    bench.feed(TestEvent(type: "login", id: "a", time: noon))
    #expect(!bench.feed(TestEvent(type: "login", id: "a", time: noon + 10 * Span.day)))
    #expect(bench.row() == [1, 40])
    #expect(bench.feed(TestEvent(type: "login", id: "a", time: noon + 10 * Span.day + 1)))
    #expect(bench.row()[0] == 1)
    #expect(bench.row()[1].isNaN)
    #expect(bench.state.events == 1)
    #expect(bench.state.partition == 4)
  }

  @Test("an id is a duplicate among the last 32 only")
  func recent() throws {
    let bench = try bench([("c", "count(any)")])
    for index in 0..<33 { #expect(bench.feed(TestEvent(type: "x", id: "e\(index)", time: noon))) }
    #expect(!bench.feed(TestEvent(type: "x", id: "e32", time: noon)))
    #expect(!bench.feed(TestEvent(type: "x", id: "e1", time: noon)))
    #expect(bench.feed(TestEvent(type: "x", id: "e0", time: noon)))
    #expect(bench.reload())
    #expect(!bench.feed(TestEvent(type: "x", id: "e2", time: noon)))
    #expect(bench.feed(TestEvent(type: "x", id: "e1", time: noon)))
  }

  @Test("windows have an exact head and a tail cut at the hop")
  func sawtooth() throws {
    let bench = try bench([("h", "count(any, 2h)"), ("d", "count(any, 3d)"), ("a", "active_days(any, 2d)")])
    bench.feed(TestEvent(type: "x", id: "1", time: noon))
    // Still inside as long as its hour is not before the hour of (as-of − 2 h).
    #expect(bench.row(asOf: noon + 3 * Span.hour - 1)[0] == 1)
    #expect(bench.row(asOf: noon + 3 * Span.hour)[0] == 0)
    #expect(bench.row(asOf: noon + 3 * Span.day + 12 * Span.hour - 1)[1] == 1)
    #expect(bench.row(asOf: noon + 3 * Span.day + 12 * Span.hour)[1] == 0)
    #expect(bench.row(asOf: noon + 36 * Span.hour - 1)[2] == 0.5)
    #expect(bench.row(asOf: noon + 36 * Span.hour)[2] == 0)
  }

  @Test("an earlier as-of is read as the watermark; times near the ends of the range are safe")
  func ends() throws {
    let bench = try bench([
      ("h", "hours_since(any)"), ("w", "count(any, 400d)"), ("s", "slope(count(any), 400d)"),
    ])
    bench.feed(TestEvent(type: "x", id: "1", time: 1))
    #expect(bench.row(asOf: -5)[0] == 0)
    bench.feed(TestEvent(type: "x", id: "2", time: EventTimeBounds.end - 1))
    #expect(bench.row(asOf: .max)[1] == 1)
    #expect(bench.reload())
    #expect(bench.row(asOf: .max)[0] == 0)
    let early = try self.bench([("w", "count(any, 400d)")])
    early.feed(TestEvent(type: "x", id: "1", time: 1))
    #expect(early.row() == [1])
  }

  @Test("sums stop at the ends of Int64 instead of wrapping")
  func saturation() throws {
    let huge = AttributeType.number(decimals: 9, minimum: -4e9, maximum: 4e9)
    let program = try FeatureProgram(
      FeatureSetDeclaration(
        profile: [],
        events: [
          EventTypeDeclaration(
            name: "e", attributes: [AttributeDeclaration(name: "v", type: huge, position: somewhere)],
            position: somewhere)
        ],
        features: [
          FeatureDeclaration(
            name: "s", expression: "sum(e.v, 30d)", isColumn: true, labels: [], position: somewhere)
        ], idleTTL: nil))
    let bench = Bench(program)
    for day in 0..<5 {
      bench.feed(
        TestEvent(
          type: "e", id: "\(day)", time: noon + EventTime(day) * Span.day, attributes: [("v", .real(4e9))]))
    }
    #expect(bench.row() == [Float(Double(Int64.max) / 1e9)])
  }

  @Test("a state can be emptied and used again")
  func removeAll() throws {
    let bench = try bench([("c", "count(any, 30d)"), ("p", "profile.plan")])
    for index in 0..<50 {
      bench.feed(TestEvent(type: "x", id: "\(index)", time: noon + EventTime(index) * Span.day))
    }
    bench.state.removeAll()
    #expect(bench.encoded == [8, 1])
    bench.feed(TestEvent(type: "x", id: "1", time: noon))
    let fresh = try self.bench([("c", "count(any, 30d)"), ("p", "profile.plan")])
    fresh.feed(TestEvent(type: "x", id: "1", time: noon))
    #expect(bench.encoded == fresh.encoded)
  }
}
