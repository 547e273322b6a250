import Events
import TestNumbers

/// Random logs of one entity: late, out-of-order and duplicate events, silences, bursts, missing attributes.
struct RandomLog {
  private var random: SeededGenerator
  private var now: EventTime = 1_760_000_000_000_000
  private var ids: [String] = []
  /// Largest silence between events, days.
  private let silenceMax: Int

  init(_ seed: UInt64) {
    random = SeededGenerator(seed: seed)
    silenceMax = [1, 3, 20, 120][Int(seed % 4)]
    now += EventTime(random.below(1_000_000_000)) * 1000
  }

  mutating func next() -> TestEvent {
    var event = TestEvent(time: 0)
    step()
    event.time = lateness()
    if random.chance(8), !ids.isEmpty {
      // Among the last 32: a duplicate; further back: new.
      event.id = ids[max(0, ids.count - 1 - random.below(45))]
    } else {
      event.id = "id-\(random.next())"
    }
    ids.append(event.id)
    switch random.below(10) {
    case 0: profile(&event)
    case 1: event.type = random.pick(["like", "login", "share"])
    case 2, 3, 4: login(&event)
    case 5, 6: session(&event)
    default: buy(&event)
    }
    return event
  }

  private mutating func step() {
    switch random.below(10) {
    case 0, 1, 2: now += EventTime(random.below(600)) * Span.second
    case 3, 4, 5: now += EventTime(random.below(12 * 60)) * Span.minute
    case 6, 7: now += EventTime(random.below(60)) * Span.hour
    case 8: now += EventTime(random.below(silenceMax * 24)) * Span.hour
    default: break
    }
    now += EventTime(random.below(1000))
  }

  private mutating func lateness() -> EventTime {
    switch random.below(20) {
    case 0, 1: return now - EventTime(random.below(3600)) * Span.second
    case 2: return now - EventTime(random.below(72)) * Span.hour
    case 3: return now - EventTime(random.below(100)) * Span.day - EventTime(random.below(24)) * Span.hour
    case 4: return now - EventTime(random.below(500)) * Span.day
    case 5: return now / Span.day * Span.day
    default: return now
    }
  }

  private mutating func profile(_ event: inout TestEvent) {
    event.kind = random.chance(40) ? .profileSnapshot : .profileChange
    if random.chance(60) { event.attributes.append(("age", .integer(Int64(18 + random.below(60))))) }
    if random.chance(60) {
      event.attributes.append(("plan", .text(random.pick(["free", "premium", "trial"]))))
    }
    if random.chance(40) { event.attributes.append(("optin", .flag(random.chance(50)))) }
    if random.chance(20) { event.attributes.append(("age", .null)) }
    if random.chance(20) { event.attributes.append(("email", .text("x@example.test"))) }
  }

  private mutating func login(_ event: inout TestEvent) {
    event.type = "login"
    if random.chance(85) {
      event.attributes.append(("device", .text(random.pick(["mobile", "desktop", "tablet", "watch"]))))
    }
  }

  private mutating func session(_ event: inout TestEvent) {
    event.type = "session"
    if random.chance(85) {
      let minutes = random.chance(30) ? TestValue.integer(Int64(random.below(90))) : .real(real(90))
      event.attributes.append(("minutes", random.chance(5) ? .null : minutes))
    }
    if random.chance(80) { event.attributes.append(("device", .text(random.pick(["mobile", "desktop"])))) }
    if random.chance(70) { event.attributes.append(("premium", .flag(random.chance(50)))) }
  }

  private mutating func buy(_ event: inout TestEvent) {
    event.type = "buy"
    if random.chance(90) { event.attributes.append(("amount", .real(real(200) - 50))) }
    if random.chance(90) {
      let shelf = random.chance(70) ? 20 : 3000
      event.attributes.append(("sku", .text("sku-\(random.below(shelf))")))
    }
    if random.chance(90) {
      event.attributes.append(
        ("topic", .text(random.pick(["tech", "tech", "food", "travel", "fitness", "art"]))))
    }
  }

  private mutating func real(_ end: Double) -> Double { Double(random.next() >> 11) * 0x1p-53 * end }
}
