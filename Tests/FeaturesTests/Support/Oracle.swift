import Events

@testable import Features
import Testing

/// What an aggregate means, written down from the language's definition alone: it keeps all events of the entity
/// and recomputes from scratch. Knows nothing of tiles, series or states.
struct OracleAggregate: Sendable {
  var function: String
  /// nil: any.
  var event: String?
  var attribute: String?
  /// Vocabulary of the attribute when it is a category.
  var words: [String] = []
  /// 10^decimals of the attribute.
  var scale = 1.0
  var filter: @Sendable (TestEvent) -> Bool = { _ in true }
  /// Microseconds; nil: lifetime.
  var window: EventTime?
  var halfLife: EventTime = 0
}

/// The events of one entity, in log order.
struct OracleHistory {
  private(set) var events: [TestEvent] = []
  private(set) var watermark: EventTime = 0
  private var ids: [String] = []
  let idleTTL: EventTime?

  init(idleTTL: EventTime?) { self.idleTTL = idleTTL }

  /// Takes an event; false: a duplicate.
  mutating func take(_ event: TestEvent) -> Bool {
    if let idleTTL, watermark > 0, event.time - watermark > idleTTL { self = OracleHistory(idleTTL: idleTTL) }
    if ids.suffix(32).contains(event.id) { return false }
    ids.append(event.id)
    events.append(event)
    watermark = max(watermark, event.time)
    return true
  }

  // MARK: Profile

  func profile(_ name: String) -> TestValue? {
    var best: EventTime = -1
    var value: TestValue?
    for event in events where event.kind != .engagement && event.time >= best {
      let given = event.value(name)
      if event.kind == .profileChange && given == nil { continue }
      best = event.time
      value = given == .null ? nil : given
    }
    return value
  }

  // MARK: Aggregates

  private func floorDiv(_ a: EventTime, _ b: EventTime) -> EventTime { a >= 0 ? a / b : -((-a + b - 1) / b) }

  /// Events that the aggregate sees, in log order, with the hop of its window.
  private func selected(_ aggregate: OracleAggregate, _ now: EventTime) -> [TestEvent] {
    events.filter { event in
      guard event.kind == .engagement, aggregate.event == nil || event.type == aggregate.event else {
        return false
      }
      guard aggregate.filter(event) else { return false }
      if let attribute = aggregate.attribute {
        guard let value = event.value(attribute), value != .null else { return false }
      }
      return isInside(event, aggregate, now)
    }
  }

  private func isInside(_ event: TestEvent, _ aggregate: OracleAggregate, _ now: EventTime) -> Bool {
    guard let window = aggregate.window else { return true }
    if aggregate.function == "slope" || aggregate.function == "active_days" {
      return floorDiv(now, Span.day) - floorDiv(event.time, Span.day) < window / Span.day
    }
    let hop = hop(window)
    return floorDiv(event.time, hop) >= floorDiv(now - window, hop)
  }

  private func hop(_ window: EventTime) -> EventTime {
    window <= 48 * Span.hour ? Span.hour : window <= 60 * Span.day ? Span.day : 7 * Span.day
  }

  private func quantised(_ event: TestEvent, _ aggregate: OracleAggregate) -> Int64 {
    guard let attribute = aggregate.attribute else { return 1 }
    switch event.value(attribute) {
    case .integer(let value):
      return Int64((Double(value) * aggregate.scale).rounded(.toNearestOrAwayFromZero))
    case .real(let value): return Int64((value * aggregate.scale).rounded(.toNearestOrAwayFromZero))
    case .flag(let value): return value ? 1 : 0
    case .text(let word): return Int64(aggregate.words.firstIndex(of: word) ?? aggregate.words.count)
    case .null, nil: return 0
    }
  }

  func value(_ aggregate: OracleAggregate, _ now: EventTime) -> Double {
    let seen = selected(aggregate, now)
    let values = seen.map { quantised($0, aggregate) }
    let scale = aggregate.scale
    let isCategory = !aggregate.words.isEmpty
    switch aggregate.function {
    case "count": return Double(seen.count)
    case "sum": return Double(values.reduce(0, +)) / scale
    case "mean": return seen.isEmpty ? .nan : Double(values.reduce(0, +)) / scale / Double(seen.count)
    case "min": return values.min().map { Double($0) / scale } ?? .nan
    case "max": return values.max().map { Double($0) / scale } ?? .nan
    case "first": return chosen(seen, aggregate) { $0 < $1 }
    case "last": return chosen(seen, aggregate) { $0 >= $1 }
    case "distinct" where isCategory: return Double(Set(values).count)
    case "distinct": return distinctTexts(seen, aggregate)
    case "entropy": return entropy(values, codes: aggregate.words.count + 1)
    case "mode": return mode(values)
    case "peak_hour": return mode(seen.map { floorDiv($0.time, Span.hour) % 24 })
    case "slope": return slope(seen, values, aggregate, now)
    case "active_days":
      return Double(Set(seen.map { $0.time / Span.day }).count) / Double((aggregate.window ?? 0) / Span.day)
    case "days_since": return (seen.map(\.time).max()).map { Double(now - $0) / Double(Span.day) } ?? .nan
    case "hours_since": return (seen.map(\.time).max()).map { Double(now - $0) / Double(Span.hour) } ?? .nan
    case "days_since_first":
      return (seen.map(\.time).min()).map { Double(now - $0) / Double(Span.day) } ?? .nan
    case "hours_since_first":
      return (seen.map(\.time).min()).map { Double(now - $0) / Double(Span.hour) } ?? .nan
    case "decayed": return decayed(seen, values, aggregate, now)
    default:
      Issue.record("the oracle knows no such function")
      return .nan
    }
  }

  private func chosen(
    _ seen: [TestEvent], _ aggregate: OracleAggregate, _ wins: (EventTime, EventTime) -> Bool
  ) -> Double {
    guard var best = seen.first else { return .nan }
    for event in seen.dropFirst() where wins(event.time, best.time) { best = event }
    return Double(quantised(best, aggregate)) / aggregate.scale
  }

  private func mode(_ codes: [Int64]) -> Double {
    var counts: [Int64: Int] = [:]
    for code in codes { counts[code, default: 0] += 1 }
    let best = counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }
    return best.map { Double($0.key) } ?? .nan
  }

  private func entropy(_ codes: [Int64], codes number: Int) -> Double {
    if codes.isEmpty { return .nan }
    var bits = 0.0
    for code in 0..<number {
      let count = codes.filter { $0 == code }.count
      if count > 0 {
        let share = Double(count) / Double(codes.count)
        bits -= share * ExactMath.log2(share)
      }
    }
    return bits
  }

  /// Σ (x − x̄)(y − ȳ) / Σ (x − x̄)² over the days 0 … n − 1, kept in whole numbers as far as possible.
  private func slope(
    _ seen: [TestEvent], _ values: [Int64], _ aggregate: OracleAggregate, _ now: EventTime
  ) -> Double {
    let days = Int((aggregate.window ?? 0) / Span.day)
    let firstDay = now / Span.day - EventTime(days - 1)
    var daily = Array(repeating: Int64(0), count: days)
    for (event, value) in zip(seen, values) { daily[Int(event.time / Span.day - firstDay)] += value }
    var numerator = 0.0
    var denominator = 0.0
    for (day, value) in daily.enumerated() {
      let weight = Double(2 * day - (days - 1))
      numerator += weight * (Double(value) / aggregate.scale)
      denominator += weight * weight
    }
    return 2 * numerator / denominator
  }

  private func decayed(
    _ seen: [TestEvent], _ values: [Int64], _ aggregate: OracleAggregate, _ now: EventTime
  ) -> Double {
    var sum = 0.0
    var last: EventTime?
    func factor(_ age: EventTime) -> Double { ExactMath.exp2(-(Double(age) / Double(aggregate.halfLife))) }
    for (event, value) in zip(seen, values) {
      guard let before = last else {
        sum = Double(value)
        last = event.time
        continue
      }
      if event.time >= before {
        sum = sum * factor(event.time - before) + Double(value)
        last = event.time
      } else {
        sum += Double(value) * factor(before - event.time)
      }
    }
    return last.map { sum * factor(now - $0) / aggregate.scale } ?? 0
  }
}
