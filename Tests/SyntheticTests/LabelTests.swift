import Events
import Testing

@testable import Synthetic

@Suite struct LabelTests {
  /// Long enough that most moments' futures lie in the log itself.
  private static let configuration = SyntheticConfiguration(seed: 31, customers: 20, days: 420)
  private static let collected = Collected(configuration)
  private static let labels = Array(SyntheticLabels(configuration))

  private static let byCustomer: [[SyntheticEvent]] = {
    var all = [[SyntheticEvent]](repeating: [], count: configuration.customers)
    for event in collected.events { all[event.customer].append(event) }
    return all
  }()

  /// Engagement and churn, counted again in the log that everybody sees.
  @Test func labelsAreWhatTheLogShowsAfterTheMoment() {
    var checked = 0
    var churned = 0
    for label in Self.labels where label.time + 31 * Span.day < Self.configuration.endTime {
      let events = Self.byCustomer[label.customer]
      let nextDay = events.filter {
        $0.time >= label.time && $0.time < label.time + Span.day && $0.raw.kind.isDeed
      }
      let minutes = nextDay.filter { $0.raw.kind == .session }.reduce(0) { $0 + Double($1.raw.a) / 100 }
      let expected =
        (1 - FixedMath.exp(-minutes / 30) + 1 - FixedMath.exp(-Double(nextDay.count) / 15)) / 2
      #expect(abs(label.engagementNextDay - expected) < 1e-9)
      let returns = events.contains {
        $0.raw.kind == .login && $0.time >= label.time && $0.time < label.time + 30 * Span.day
      }
      #expect(label.churns == !returns)
      #expect(
        events.contains {
          $0.raw.kind == .login && $0.time < label.time && $0.time >= label.time - 30 * Span.day
        })
      churned += label.churns ? 1 : 0
      checked += 1
    }
    #expect(checked > 200 && churned > 5, "\(checked) \(churned)")
  }

  @Test func lifetimeValueIsWhatTheLogBrings() {
    var checked = 0
    for label in Self.labels where label.time + 180 * Span.day < Self.configuration.endTime {
      var value = 0.0
      var isPremium = false
      var paidDays: Set<EventTime> = []
      for event in Self.byCustomer[label.customer] where event.time < label.time + 180 * Span.day {
        if event.typeName == nil { isPremium = event.raw.code == 1 }
        switch event.raw.kind {
        case .login where paidDays.insert(event.time / Span.day).inserted: value += isPremium ? 0.5 : 0
        case .transaction: value += Double(event.raw.a) / 100 * (event.raw.code == 0 ? 0.1 : 0.05)
        case .adClicked: value += 0.2
        default: break
        }
      }
      #expect(abs(label.lifetimeValueUSD - min(value, 10_000)) < 1e-6)
      checked += 1
    }
    #expect(checked > 20, "\(checked)")
  }

  @Test func momentsAreWeeklyInTheSecondHalf() {
    let half = Self.configuration.startTime + 210 * Span.day
    var last: [Int: EventTime] = [:]
    var hours: Set<EventTime> = []
    for label in Self.labels {
      #expect(label.time >= half && label.time <= Self.configuration.endTime)
      if let before = last[label.customer] {
        #expect(label.time > before && (label.time - before) % (7 * Span.day) == 0)
      }
      last[label.customer] = label.time
      hours.insert(label.time / Span.hour % 24)
      #expect((0...1).contains(label.engagementNextDay) && (0...10_000).contains(label.lifetimeValueUSD))
    }
    #expect(hours.count > 12)
    #expect(Self.labels.count > 10 * last.count)
  }

  /// The hidden cause shows: who leaves has come less lately, who comes tomorrow came yesterday.
  @Test func behaviourTellsOfTheLabels() {
    let configuration = SyntheticConfiguration(seed: 32, customers: 250, days: 50)
    var logins = [[EventTime]](repeating: [], count: configuration.customers)
    for event in SyntheticLog(configuration) where event.raw.kind == .login {
      logins[event.customer].append(event.time)
    }
    var churners: [Double] = []
    var stayers: [Double] = []
    var pairs: [(x: Double, y: Double)] = []
    for label in SyntheticLabels(configuration) {
      let before = logins[label.customer].filter { $0 < label.time }
      let week = Double(before.filter { $0 >= label.time - 7 * Span.day }.count)
      let month = Double(before.filter { $0 >= label.time - 28 * Span.day }.count)
      let ratio = week / max(month / 4, 0.25)
      if label.churns { churners.append(ratio) } else { stayers.append(ratio) }
      pairs.append(((week + 1).squareRoot(), label.engagementNextDay))
    }
    let churned = churners.reduce(0, +) / Double(churners.count)
    let stayed = stayers.reduce(0, +) / Double(stayers.count)
    #expect(churned < 0.7 * stayed, "\(churned) \(stayed)")
    let churnShare = Double(churners.count) / Double(churners.count + stayers.count)
    #expect(churnShare > 0.05 && churnShare < 0.25, "\(churnShare)")
    let link = correlation(pairs)
    #expect(link > 0.6 && link < 0.95, "\(link)")
  }

  @Test func rowsAreCSV() throws {
    let label = SyntheticLabel(
      customer: 7, time: 1_767_225_600_000_000, engagementNextDay: 0.25, churns: true,
      lifetimeValueUSD: 12.345)
    var bytes: [UInt8] = []
    label.appendCSV(to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "c0000007,1767225600000000,0.2500,1,12.35\n")
    #expect(SyntheticLabel.csvHeader.split(separator: ",").count == 5)
  }

  private func correlation(_ pairs: [(x: Double, y: Double)]) -> Double {
    let count = Double(pairs.count)
    let meanX = pairs.reduce(0) { $0 + $1.x } / count
    let meanY = pairs.reduce(0) { $0 + $1.y } / count
    let cross = pairs.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
    let squareX = pairs.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
    let squareY = pairs.reduce(0) { $0 + ($1.y - meanY) * ($1.y - meanY) }
    return cross / (squareX * squareY).squareRoot()
  }
}
