import Events
import Foundation
import TestNumbers
import Testing

@testable import Report

/// Figures as scikit-learn, scipy and statsmodels have them: `Golden/make.py`.
@Suite struct FigureTests {
  struct Golden: Decodable {
    struct Rates: Decodable {
      let hits: Int
      let count: Int
      let other: Int
      let of: Int
      let wilson: [Double]
      let newcombe: [Double]
      let katz: [Double]?
    }
    let numbers: [String: Value]
    let probabilities: [String: Value]
    let classes: [String: Value]
    let quantiles: [String: Value]
    let rates: [Rates]
    let associations: [String: Value]
  }

  enum Value: Decodable {
    case one(Double)
    case many([Double])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      self =
        try (try? container.decode(Double.self)).map { .one($0) } ?? .many(container.decode([Double].self))
    }

    var number: Double { if case .one(let value) = self { value } else { .nan } }
    var list: [Double] { if case .many(let values) = self { values } else { [] } }
  }

  static let golden: Golden? = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
      path: "Golden/figures.json")
    return (try? Data(contentsOf: path)).flatMap { try? JSONDecoder().decode(Golden.self, from: $0) }
  }()

  /// Each row is an entity of its own.
  private func resampling(_ count: Int) -> Resampling {
    Resampling((0..<count).map { Hash128(of: "e\($0)") }, seed: 1)
  }

  private func compare(_ family: some FigureFamily, _ resampling: Resampling, _ golden: [String: Value]) {
    var compared = 0
    for figure in resampling.figures(family) {
      guard let expected = golden[figure.name]?.number else { continue }
      compared += 1
      #expect((figure.value - expected).magnitude < 1e-9 * max(1, expected.magnitude), "\(figure.name)")
      if let interval = figure.interval {
        #expect(interval.low <= figure.value && figure.value <= interval.high, "\(figure.name)")
      }
    }
    #expect(compared >= 3)
  }

  @Test func numbers() throws {
    let golden = try #require(Self.golden?.numbers)
    let labels = try #require(golden["labels"]?.list)
    let all = resampling(labels.count)
    let family = NumberFigures(labels: labels, outputs: golden["outputs"]?.list ?? [], all)
    #expect(family.zeroLabels >= 7)
    compare(family, all, golden)
  }

  @Test func probabilities() throws {
    let golden = try #require(Self.golden?.probabilities)
    let labels = try #require(golden["labels"]?.list)
    let all = resampling(labels.count)
    compare(
      ProbabilityFigures(
        isOne: labels.map { $0 == 1 }, outputs: golden["outputs"]?.list ?? [],
        threshold: golden["threshold"]?.number ?? 0, all), all, golden)
  }

  @Test func classes() throws {
    let golden = try #require(Self.golden?.classes)
    let labels = try #require(golden["labels"]?.list)
    let all = resampling(labels.count)
    let family = ClassFigures(
      labels: labels.map { Int($0) }, outputs: golden["outputs"]?.list ?? [], names: ["a", "b", "c", "d"], all
    )
    compare(family, all, golden)
    for (one, (precision, recall)) in zip(
      family.classes, zip(golden["precision"]?.list ?? [], golden["recall"]?.list ?? []))
    {
      #expect((one.precision - precision).magnitude < 1e-12 && (one.recall - recall).magnitude < 1e-12)
    }
  }

  @Test func quantiles() throws {
    let golden = try #require(Self.golden?.quantiles)
    let labels = try #require(golden["labels"]?.list)
    let all = resampling(labels.count)
    let family = QuantileFigures(
      labels: labels, outputs: golden["outputs"]?.list ?? [], levels: golden["levels"]?.list ?? [], all)
    #expect(family.crossings == 1 && family.pairs == [QuantileFigures.Pair(low: 0, high: 2, nominal: 0.8)])
    compare(family, all, golden)
  }

  @Test func rates() throws {
    for row in try #require(Self.golden?.rates) {
      let own = Rate(hits: row.hits, count: row.count)
      let other = Rate(hits: row.other, count: row.of)
      func isSame(_ interval: Interval?, _ bounds: [Double]) -> Bool {
        guard let interval else { return false }
        return (interval.low - bounds[0]).magnitude < 1e-9 && (interval.high - bounds[1]).magnitude < 1e-9
      }
      #expect(isSame(own.interval, row.wilson))
      #expect(isSame(own.difference(from: other)?.interval, row.newcombe))
      if let katz = row.katz { #expect(isSame(own.ratio(to: other)?.interval, katz)) }
    }
  }

  @Test func associations() throws {
    let golden = try #require(Self.golden?.associations)
    func list(_ name: String) -> [Double] { golden[name]?.list ?? [] }
    func isSame(_ value: Double?, _ name: String) -> Bool {
      ((value ?? .nan) - (golden[name]?.number ?? .infinity)).magnitude < 1e-6
    }
    #expect(isSame(Association.correlation(Array(zip(list("numbers"), list("mixed")))), "pearson"))
    #expect(
      isSame(Association.ratio(zip(list("codes"), list("mixed")).map { (code: $0, number: $1) }), "ratio"))
    #expect(isSame(Association.cramer(Array(zip(list("codes"), list("other")))), "cramer"))
  }

  /// Of one entity with a hundred equal rows one says no more than the entity.
  @Test func rowsOfOneEntityAreOneWitness() {
    let isHit = (0..<1_000).map { $0 / 100 % 2 == 0 }
    let rate = Rate(isHit, entities: (0..<1_000).map { Int32($0 / 100) })
    #expect(rate.share == 0.5 && (8.0...11).contains(rate.effective))
    let alone = Rate(isHit, entities: (0..<1_000).map { Int32($0) })
    #expect(alone.effective > 990)
    #expect(Rate([true, true, true, true], entities: [0, 0, 1, 1]).effective == 2)
  }

  /// 200 samples of a normal mean: its 95 % intervals hold the true one in 180 to 199 of them.
  @Test func intervalsHoldTheTruth() {
    var generator = SeededGenerator(seed: 11)
    var hits = 0
    for sample in 0..<200 {
      // Each entity has three rows with the same error.
      let errors = (0..<60).map { _ in
        (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0...1, using: &generator) }
      }
      let entities = (0..<180).map { Hash128(of: "e\($0 / 3)") }
      let resampling = Resampling(entities, seed: UInt64(sample))
      let labels = (0..<180).map { Double($0) }
      let outputs = labels.indices.map { labels[$0] + errors[$0 / 3] }
      let sums = NumberFigures(labels: labels, outputs: outputs, resampling)
      let bias = resampling.figures(sums).first { $0.name == "bias" }?.interval
      hits += bias.map { $0.low <= 0 && 0 <= $0.high } ?? false ? 1 : 0
    }
    #expect((180...199).contains(hits), "\(hits) of 200")
  }

  @Test func manyEntitiesAreDrawnInGroups() {
    let entities = (0..<10_000).map { Hash128(of: "e\($0)") }
    let resampling = Resampling(entities, seed: 3)
    #expect(resampling.groupCount == Resampling.groupsMax && resampling.groups.count == 10_000)
    #expect(resampling.entityCount > Resampling.groupsMax)
    let few = Resampling(Array(entities.prefix(9)), seed: 3)
    #expect(few.intervals(visits: 1) { _ in [1] }.allSatisfy { $0.interval == nil })
  }

  @Test func textsOfNumbers() {
    #expect(NumberText.short(0.81324) == "0.8132" && NumberText.short(12.3456) == "12.35")
    #expect(NumberText.short(1_234_567.8) == "1,234,568" && NumberText.short(1234) == "1234")
    #expect(NumberText.short(0) == "0" && NumberText.short(-0.5) == "-0.5" && NumberText.short(.nan) == "–")
    #expect(NumberText.short(1.23456e-7) == "1.235e-07" && NumberText.short(100) == "100")
    #expect(NumberText.percent(0.1234) == "12.3 %" && NumberText.percent(0.00042) == "0.04 %")
    #expect(Card.day(0) == "1970-01-01" && Card.day(-1) == "1969-12-31")
    #expect(Card.day(1_709_164_800_000_000) == "2024-02-29")
  }
}
