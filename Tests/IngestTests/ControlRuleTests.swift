import Events
import Testing

@testable import Ingest

/// Signatures of ticks and erasures.
@Suite struct ControlRuleTests {
  private static let time: EventTime = 1_767_225_600_000_000
  private static let bytes = Array("0123456789abcdef0123456789abcdef".utf8)
  private static let other = Array("another key of more than 32 bytes, all told".utf8)

  private func key(_ bytes: [UInt8] = bytes) throws -> ControlKey { try #require(ControlKey(bytes)) }

  /// What a rule says of an event that was ingested at its own time, or a while later.
  private func problem(
    _ rule: ControlRule, _ order: ControlOrder = .erasure, entity: String = "aliceü",
    event: String = "erase-1",
    signature: String?, laterMs: Int64 = 0, hasTimestamp: Bool = true
  ) -> String? {
    func view<R>(_ text: String, _ body: (UnsafeRawBufferPointer) -> R) -> R {
      Array(text.utf8).withUnsafeBytes { body($0) }
    }
    return view(entity) { entity in
      view(event) { event in
        view(signature ?? "") { header in
          rule.problem(
            order, entityID: entity, eventID: event, time: Self.time,
            ingestTimeMs: hasTimestamp ? Self.time / 1000 + laterMs : -1,
            signature: signature == nil ? nil : header)
        }
      }
    }
  }

  private func sign(_ key: ControlKey, _ order: ControlOrder = .erasure, event: String = "erase-1") -> String
  {
    key.signature(of: order, entityID: Array("aliceü".utf8), eventID: Array(event.utf8), time: Self.time)
  }

  /// By Python's hmac and hashlib.
  @Test func theBytesAreTheDocumentedOnes() throws {
    #expect(ControlKey(Array(Self.bytes.dropLast())) == nil)
    let key = try key()
    #expect(key.id == "3eb1bd439947eb76")
    #expect(
      sign(key) == "3eb1bd439947eb76:4c95df693e9abf512115784e1b44b47931d9ebc6de43c19da980d771eec81062")
    #expect(
      sign(key, .tick) == "3eb1bd439947eb76:b8936175811d06a64a28822625accea0007eac0031ba862d9c275f5b2ad62974")
    #expect("\(key)" == "*** (3eb1bd439947eb76)" && String(reflecting: key) == "*** (3eb1bd439947eb76)")
  }

  /// By Python's hmac and hashlib.
  @Test func aPromotionIsSignedForItsPipeline() throws {
    let key = try key()
    let promotion = Promotion(
      number: 7, set: Hash128(low: 0x0123_4567_89ab_cdef, high: 0xfedc_ba98_7654_3210))
    let order = ControlOrder.promotion(promotion, pipeline: "age")
    #expect(
      sign(key, order) == "3eb1bd439947eb76:0264b1ef0aa8cd5689d6fc2464a567a8bb8496b8460183d8659b114d96e18db5")
    let rule = ControlRule([(since: 0, key: key)])
    let good = sign(key, order)
    #expect(problem(rule, order, signature: good) == nil)
    // Unlike an erasure it may be as old as it likes: a repeated number changes nothing.
    #expect(problem(rule, order, signature: good, laterMs: 86_400_000) == nil)
    for other in [
      ControlOrder.promotion(promotion, pipeline: "ag"), .tick,
      .promotion(Promotion(number: 8, set: promotion.set), pipeline: "age"),
      .promotion(Promotion(number: 7, set: Hash128(low: 1, high: 2)), pipeline: "age"),
    ] {
      #expect(try #require(problem(rule, other, signature: good)).contains("not that of this event"))
    }
    let late = ControlRule([(since: Self.time + 1_000_000, key: key)])
    #expect(problem(late, .tick, signature: nil) == nil)
    #expect(try #require(problem(late, order, signature: good)).contains("declares no key"))
  }

  @Test func whatIsNotTheKeysIsRefused() throws {
    let (own, foreign) = (try key(), try key(Self.other))
    let rule = ControlRule([(since: 0, key: own)])
    let good = sign(own)
    #expect(problem(rule, signature: good) == nil)
    #expect(problem(rule, .tick, signature: sign(own, .tick)) == nil)
    #expect(try #require(problem(rule, signature: nil)).contains("no header tally-signature"))
    #expect(try #require(problem(rule, signature: "")).contains("no header tally-signature"))
    #expect(try #require(problem(rule, signature: sign(foreign))).contains("another key than \(own.id)"))
    #expect(try #require(problem(rule, .tick, signature: good)).contains("not that of this event"))
    #expect(try #require(problem(rule, entity: "bob", signature: good)).contains("not that of this event"))
    #expect(try #require(problem(rule, event: "erase-2", signature: good)).contains("not that of this event"))
    for wrong in [String(good.dropLast()), good + "0", good.uppercased(), String(good.dropFirst(17))] {
      #expect(problem(rule, signature: wrong) != nil, "\(wrong)")
    }
    // What separates is no part of an id: no two events have the same bytes.
    #expect(
      problem(rule, entity: "aliceü\nerase-1", event: "x", signature: sign(own, event: "erase-1\nx")) == nil,
      "ids with line breaks are refused before")
  }

  @Test func keysCountFromTheirMomentOn() throws {
    let (first, second) = (try key(), try key(Self.other))
    let rule = ControlRule([
      (since: Self.time, key: first), (since: Self.time + 10_000_000, key: second),
    ])
    let before = ControlRule([(since: Self.time + 1000, key: first)])
    #expect(problem(before, signature: nil) == nil, "before the first key nothing need be signed")
    #expect(problem(rule, signature: sign(first)) == nil)
    #expect(problem(rule, signature: sign(second)) != nil)
    #expect(problem(rule, signature: sign(first), laterMs: 10_000) != nil)
    #expect(problem(rule, signature: sign(second), laterMs: 10_000) == nil)
    #expect(problem(rule, .tick, signature: sign(second, .tick), hasTimestamp: false) == nil)
    #expect(problem(rule, .tick, signature: nil, hasTimestamp: false) != nil)
    #expect(rule.key(at: Self.time - 1)?.id == nil && rule.key(at: .max)?.id == second.id)
  }

  /// Somebody who reads the log cannot erase a person who has come back.
  @Test func aCopyOfAnErasureIsTooOld() throws {
    let key = try key()
    let rule = ControlRule([(since: 0, key: key)])
    #expect(problem(rule, signature: sign(key), laterMs: 3_600_000) == nil)
    #expect(
      try #require(problem(rule, signature: sign(key), laterMs: 3_600_001)).contains("more than an hour"))
    #expect(problem(rule, .tick, signature: sign(key, .tick), laterMs: 86_400_000) == nil)
  }
}
