import Events
import TestNumbers
import Testing

@testable import Features

/// States of people whose categories have thousands of words: the worst case, `state_max`, and what is folded.
@Suite struct FoldTests {
  private static let words = (0..<400).map { "w\($0)" }

  private static func program(
    _ features: [(String, String)], stateMax: Int? = nil, words: [String] = Self.words
  ) throws(DeclarationError) -> FeatureProgram {
    var declared = declaration(features)
    declared.events[2].attributes[2].type = .category(words)
    declared.stateMax = stateMax.map { StateBound(bytes: $0, position: SourcePosition(line: 7, column: 12)) }
    return try FeatureProgram(declared)
  }

  private static func buy(_ word: Int, at time: EventTime, _ number: Int) -> TestEvent {
    TestEvent(type: "buy", id: "e\(number)", time: time, attributes: [("topic", .text("w\(word)"))])
  }

  private static let byWord = [
    ("kinds", "distinct(buy.topic, 20d)"), ("spread", "entropy(buy.topic, 20d)"),
    ("most", "mode(buy.topic, 7d)"), ("ever", "distinct(buy.topic)"),
  ]

  /// What folding is documented to do, said slowly: a dictionary, and one word after the other.
  private struct Slow {
    let foldsAt: Int
    let tilesMax: Int
    let other: Int
    let days: Int
    let isLifetime: Bool
    var counts: [[Int]: Int] = [:]
    var folds = 0

    mutating func add(_ word: Int, day: Int, lastDay: Int) {
      let tile = isLifetime ? 0 : day
      if !isLifetime {
        counts = counts.filter { $0.key[0] >= lastDay - days }
        guard day >= lastDay - days else { return }
      }
      if counts[[tile, word]] == nil && counts.count >= foldsAt {
        folds += 1
        while counts.count > max(foldsAt * 3 / 4, tilesMax) { foldRarest() }
      }
      counts[[tile, word], default: 0] += 1
    }

    private mutating func foldRarest() {
      var totals: [Int: Int] = [:]
      for (key, count) in counts where key[1] != other { totals[key[1], default: 0] += count }
      guard let rarest = totals.min(by: { ($0.value, -$0.key) < ($1.value, -$1.key) })?.key else { return }
      for (key, count) in counts where key[1] == rarest {
        counts[key] = nil
        counts[[key[0], other], default: 0] += count
      }
    }

    func kinds(since day: Int) -> Int { Set(counts.keys.filter { $0[0] >= day }.map { $0[1] }).count }
    func most(since day: Int) -> Int {
      var totals: [Int: Int] = [:]
      for (key, count) in counts where key[0] >= day { totals[key[1], default: 0] += count }
      return totals.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? 0
    }
  }

  /// Against an oracle, with states that go through their bytes at any moment and others that never do.
  @Test(arguments: [3, 17, 2_026] as [UInt64])
  func foldsAsDocumented(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let program = try Self.program(Self.byWord, stateMax: 1500)
    try #require(program.stateWorst.folding.count == 2)
    let bound = try #require(program.stateWorst.bound)
    let staying = Bench(program)
    let reloaded = Bench(program)
    var slow = program.series.map { series in
      let layout = program.tables.series[series.number]
      return Slow(
        foldsAt: layout.foldsAt, tilesMax: layout.tilesMax, other: Self.words.count,
        days: Int(layout.reach / Span.day), isLifetime: layout.hop == 0)
    }
    var day = 20_000
    var newest = 0
    for number in 0..<3_000 {
      if random.chance(2) { day += random.below(random.chance(10) ? 40 : 3) }
      let late = random.chance(5) ? random.below(25) : 0
      // Some words are frequent.
      let word = random.chance(50) ? random.below(8) : random.below(Self.words.count + 5)
      let time = EventTime(day - late) * Span.day + EventTime(random.below(86_400)) * Span.second
      let event = Self.buy(word, at: time, number)
      newest = max(newest, Int(time / Span.day))
      staying.feed(event)
      reloaded.feed(event)
      for index in slow.indices {
        slow[index].add(min(word, Self.words.count), day: day - late, lastDay: newest)
      }
      if random.chance(20) {
        #expect(reloaded.reload(), "seed \(seed), event \(number)")
        #expect(reloaded.encoded == staying.encoded, "seed \(seed), event \(number)")
      }
      #expect(staying.encoded.count <= bound, "seed \(seed), event \(number)")
      if number % 50 == 0 {
        let row = staying.row()
        let windowed = try #require(slow.first { !$0.isLifetime })
        let ever = try #require(slow.first { $0.isLifetime })
        let expected = [
          Float(windowed.kinds(since: newest - 20)), Float(windowed.most(since: newest - 7)),
          Float(ever.kinds(since: 0)),
        ]
        #expect([row[0], row[2], row[3]] == expected, "seed \(seed), event \(number)")
      }
    }
    #expect(staying.state.hasFolded)
    #expect(slow.allSatisfy { $0.folds > 2 }, "\(slow.map(\.folds))")
  }

  /// A bound that is never reached changes nothing: neither what states mean, nor what models were trained with.
  @Test func boundThatIsNeverReached() throws {
    let free = try Self.program(Self.byWord)
    let wide = try Self.program(Self.byWord, stateMax: 10 << 20)
    #expect(wide.stateWorst.folding == [])
    #expect(wide.stateWorst.bytes == free.stateWorst.bytes)
    #expect(wide.stateHash == free.stateHash && wide.featureHashes == free.featureHashes)
    #expect(wide.definitionHash != free.definitionHash)
    let narrow = try Self.program(Self.byWord, stateMax: 4 << 10)
    #expect(narrow.stateHash != free.stateHash)
    #expect(narrow.featureHashes.differences(from: free.featureHashes) == ["(state_max)"])
    #expect(free.featureHashes.differences(from: narrow.featureHashes) == ["(state_max)"])
    #expect(FeatureHashes(narrow.featureHashes.text) == narrow.featureHashes)
    #expect(try Self.program(Self.byWord, stateMax: 5 << 10).stateHash != narrow.stateHash)
  }

  /// The error names what would do, and that does.
  @Test func tooSmallIsRefused() throws {
    let found = #expect(throws: DeclarationError.self) { try Self.program(Self.byWord, stateMax: 700) }
    let error = try #require(found)
    #expect(error.position == SourcePosition(line: 7, column: 12))
    #expect(error.found == "state_max: 700B")
    let digits = error.allowed.drop { !$0.isNumber }.prefix { $0.isNumber }
    let least = try #require(Int(digits))
    let program = try Self.program(Self.byWord, stateMax: least)
    #expect(program.stateWorst.bytes <= least)
    #expect(throws: DeclarationError.self) { try Self.program(Self.byWord, stateMax: least - 1) }
    // Nothing to fold: only the features can be changed.
    #expect(throws: DeclarationError.self) {
      try Self.program([("a", "peak_hour(any, 60d)")], stateMax: 1 << 10)
    }
  }

  /// Every series as full as it can be stays within the worst case, and is not far from it.
  @Test func worstCaseHolds() throws {
    let program = try Self.program(
      Self.byWord + [
        ("m", "mean(buy.amount, 30d) + max(buy.amount, 2d)"), ("skus", "distinct(buy.sku, 3d)"),
        ("peak", "peak_hour(any, 10d)"), ("d", "decayed(buy.amount, 7d)"), ("p", "profile.age"),
      ], words: (0..<60).map { "w\($0)" })
    let bench = Bench(program)
    bench.feed(
      TestEvent(
        kind: .profileChange, id: "p", time: 20_000 * Span.day, attributes: [("age", .real(0.1234567))]))
    var number = 0
    for day in 20_000..<20_032 {
      for hour in 0..<24 {
        for event in 0..<8 {
          number += 1
          bench.feed(
            TestEvent(
              type: "buy", id: "e\(number)", time: EventTime(day * 24 + hour) * Span.hour + Span.second,
              attributes: [
                ("topic", .text("w\((hour * 8 + event) % 61)")),
                ("amount", .real(event % 2 == 0 ? 1e6 : -1e6)),
                ("sku", .text("s\(number)")),
              ]))
        }
      }
    }
    let actual = bench.encoded.count
    #expect(actual <= program.stateWorst.bytes)
    #expect(actual * 4 > program.stateWorst.bytes, "\(actual) of \(program.stateWorst.bytes)")
  }

  /// Stored entries beyond the bound are not ours.
  @Test func decodingRefusesMore() throws {
    let free = Bench(try Self.program([("kinds", "distinct(buy.topic, 20d)")]))
    for number in 0..<400 { free.feed(Self.buy(number, at: 20_000 * Span.day, number)) }
    let bytes = free.encoded
    let bounded = EntityState(try Self.program([("kinds", "distinct(buy.topic, 20d)")], stateMax: 1200))
    #expect(!bytes.withUnsafeBytes { bounded.decode($0) })
    #expect(bounded.events == 0)
  }
}
