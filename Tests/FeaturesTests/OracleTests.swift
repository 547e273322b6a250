import Events
import Testing

@testable import Features
import TestNumbers

/// Every aggregate over every kind of window and filter, as expression and as oracle.
struct Catalogue: Sendable {
  private(set) var features: [(name: String, expression: String)] = []
  private(set) var oracles: [OracleAggregate] = []

  private struct Filter: Sendable {
    var text: String
    var holds: @Sendable (TestEvent) -> Bool
  }

  private let windows: [String?] = [nil, "1h", "12h", "2d", "3d", "30d", "60d", "61d", "90d", "400d"]
  private let days = ["2d", "7d", "30d", "60d", "100d"]
  private let devices = ["mobile", "desktop", "tablet"]
  private let topics = ["tech", "food", "travel", "fitness"]
  private let every = Filter(text: "") { _ in true }

  init() {
    counting()
    measuring()
    telling()
    overDays()
    lifetimes()
  }

  private mutating func add(_ expression: String, _ oracle: OracleAggregate) {
    features.append(("f\(features.count)", expression))
    oracles.append(oracle)
  }

  private func span(_ text: String) -> EventTime {
    (EventTime(text.dropLast()) ?? 0) * (text.hasSuffix("h") ? Span.hour : Span.day)
  }

  private mutating func windowed(_ function: String, _ source: String, _ oracle: OracleAggregate) {
    for window in windows {
      var placed = oracle
      placed.function = function
      placed.window = window.map { span($0) }
      add("\(function)(\(source)\(window.map { ", \($0)" } ?? ""))", placed)
    }
  }

  private func device(_ event: TestEvent) -> String? {
    guard case .text(let word) = event.value("device") else { return nil }
    return word
  }

  private mutating func counting() {
    let mobile = Filter(text: " where device == \"mobile\"") { $0.value("device") == .text("mobile") }
    let words = devices
    let unlisted = Filter(text: " where device == \"other\"") {
      guard case .text(let word) = $0.value("device") else { return false }
      return !words.contains(word)
    }
    let mixed = Filter(text: " where device != \"mobile\" and (minutes > 20.5 or not premium)") {
      guard case .text(let word) = $0.value("device"), word != "mobile" else { return false }
      return (held($0.value("minutes"), 1e6) ?? -1) > 20.5 || $0.value("premium") != .flag(true)
    }
    for (event, filter) in [
      ("login", every), ("session", every), ("login", mobile), ("login", unlisted), ("session", mixed),
    ] {
      let oracle = OracleAggregate(function: "", event: event, filter: filter.holds)
      windowed("count", event + filter.text, oracle)
      windowed("peak_hour", event + filter.text, oracle)
    }
    windowed("count", "any", OracleAggregate(function: ""))
    windowed("peak_hour", "any", OracleAggregate(function: ""))
  }

  private mutating func measuring() {
    let large = Filter(text: " where amount >= 10 and topic == \"tech\"") {
      (held($0.value("amount"), 100) ?? -1) >= 10 && $0.value("topic") == .text("tech")
    }
    let cases: [(String, String, Double, Filter)] = [
      ("buy", "amount", 100, every), ("buy", "amount", 100, large), ("session", "minutes", 1e6, every),
      ("session", "premium", 1, every),
    ]
    for (event, attribute, scale, filter) in cases {
      let oracle = OracleAggregate(
        function: "", event: event, attribute: attribute, scale: scale, filter: filter.holds)
      for function in ["sum", "mean", "min", "max", "first", "last"] {
        windowed(function, "\(event).\(attribute)\(filter.text)", oracle)
      }
    }
  }

  private mutating func telling() {
    let topic = OracleAggregate(function: "", event: "buy", attribute: "topic", words: topics)
    for function in ["distinct", "entropy", "mode", "first", "last"] {
      windowed(function, "buy.topic", topic)
    }
    var dear = topic
    dear.filter = { (held($0.value("amount"), 100) ?? 1e9) < 50 }
    for function in ["distinct", "entropy", "mode"] {
      windowed(function, "buy.topic where amount < 50", dear)
    }
    windowed("distinct", "buy.sku", OracleAggregate(function: "", event: "buy", attribute: "sku"))
  }

  private mutating func overDays() {
    for window in days {
      let length = span(window)
      add("slope(count(any), \(window))", OracleAggregate(function: "slope", window: length))
      add(
        "slope(count(login), \(window))", OracleAggregate(function: "slope", event: "login", window: length))
      add(
        "slope(sum(buy.amount), \(window))",
        OracleAggregate(function: "slope", event: "buy", attribute: "amount", scale: 100, window: length))
      add("active_days(any, \(window))", OracleAggregate(function: "active_days", window: length))
      add(
        "active_days(login where device == \"desktop\", \(window))",
        OracleAggregate(
          function: "active_days", event: "login", filter: { $0.value("device") == .text("desktop") },
          window: length))
    }
  }

  private mutating func lifetimes() {
    for function in ["days_since", "hours_since", "days_since_first", "hours_since_first"] {
      add("\(function)(login)", OracleAggregate(function: function, event: "login"))
      add("\(function)(any)", OracleAggregate(function: function))
    }
    for halfLife in ["6h", "7d", "90d"] {
      let length = span(halfLife)
      add("decayed(any, \(halfLife))", OracleAggregate(function: "decayed", halfLife: length))
      add(
        "decayed(buy.amount where topic != \"food\", \(halfLife))",
        OracleAggregate(
          function: "decayed", event: "buy", attribute: "amount", scale: 100,
          filter: {
            guard case .text(let word) = $0.value("topic") else { return false }
            return word != "food"
          }, halfLife: length))
    }
  }
}

/// The number that counts of an event's: a whole multiple of 1 / `scale`.
func held(_ value: TestValue?, _ scale: Double) -> Double? {
  number(value).map { ($0 * scale).rounded(.toNearestOrAwayFromZero) / scale }
}

func number(_ value: TestValue?) -> Double? {
  switch value {
  case .real(let value): value
  case .integer(let value): Double(value)
  default: nil
  }
}

@Suite struct OracleTests {
  static let catalogue = Catalogue()

  static func program(idleTTL: EventTime?) throws -> FeatureProgram {
    try FeatureProgram(declaration(catalogue.features.map { ($0.name, $0.expression) }, idleTTL: idleTTL))
  }

  /// Doubles of the row, before they are rounded to cells.
  static func doubles(_ bench: Bench) -> [Double] {
    let columns = bench.program.tables.columns
    return (0..<columns.count).map { bench.scratch.registers[Int(columns[$0])] }
  }

  @Test("every aggregate equals the naive oracle, bit for bit", arguments: 0..<24)
  func aggregates(seed: Int) throws {
    let idleTTL: EventTime? = seed % 5 == 0 ? 15 * Span.day : nil
    let bench = Bench(try Self.program(idleTTL: idleTTL))
    var history = OracleHistory(idleTTL: idleTTL)
    var log = RandomLog(UInt64(seed))
    var random = SeededGenerator(seed: UInt64(seed) &+ 1_000_000)
    for step in 0..<160 {
      let event = log.next()
      #expect(bench.feed(event) == history.take(event), "seed \(seed) step \(step): duplicate or not")
      #expect(bench.state.watermark == history.watermark)
      #expect(bench.state.events == UInt64(history.events.count))
      guard step % 16 == 7 || step == 159 else { continue }
      let now = history.watermark + (random.chance(50) ? 0 : EventTime(random.below(2000)) * Span.hour + 17)
      let row = bench.row(asOf: now)
      let found = Self.doubles(bench)
      for (index, oracle) in Self.catalogue.oracles.enumerated() {
        let wanted = history.value(oracle, now)
        guard !(wanted.isNaN && found[index].isNaN && row[index].isNaN) else { continue }
        #expect(
          wanted.bitPattern == found[index].bitPattern && Float(wanted).bitPattern == row[index].bitPattern,
          "seed \(seed) step \(step): \(Self.catalogue.features[index].expression): \(wanted), not \(found[index])"
        )
      }
    }
  }

  @Test("the profile is the update with the largest event time", arguments: 0..<30)
  func profile(seed: Int) throws {
    let bench = Bench(
      try FeatureProgram(
        declaration([("a", "profile.age"), ("p", "profile.plan"), ("o", "profile.optin")], idleTTL: nil)))
    var history = OracleHistory(idleTTL: nil)
    var log = RandomLog(UInt64(seed))
    for _ in 0..<300 {
      let event = log.next()
      #expect(bench.feed(event) == history.take(event))
      let row = bench.row()
      let plan = history.profile("plan").map { value -> Float in
        value == .text("free") ? 0 : value == .text("premium") ? 1 : 2
      }
      let wanted = [
        number(history.profile("age")).map { Float($0) }, plan,
        history.profile("optin").map { $0 == .flag(true) ? 1 : 0 },
      ]
      for (cell, value) in zip(row, wanted) {
        #expect(value == nil ? cell.isNaN : cell == value, "seed \(seed)")
      }
    }
  }

  @Test("the random logs reach what they are for")
  func coverage() throws {
    let bench = Bench(try Self.program(idleTTL: nil))
    var history = OracleHistory(idleTTL: nil)
    var late = 0
    var duplicates = 0
    for seed in 0..<8 {
      var log = RandomLog(UInt64(seed))
      history = OracleHistory(idleTTL: nil)
      for _ in 0..<160 {
        let event = log.next()
        if event.time < history.watermark { late += 1 }
        if !history.take(event) { duplicates += 1 }
      }
    }
    #expect(late > 100)
    #expect(duplicates > 40)
    #expect(bench.program.columnNames.count == Self.catalogue.oracles.count)
  }
}
