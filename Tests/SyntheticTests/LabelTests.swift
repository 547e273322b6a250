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

  /// The first event after the moment that stands for an action, told by its written type.
  @Test func nextActionIsWhatTheLogShowsFirst() {
    let words = [
      "post": "post_content", "message_sent": "send_message", "gig_application_sent": "search_gig",
      "gig_listing_opened": "search_gig", "gig_listing_closed": "search_gig", "transaction": "search_gig",
      "connection_added": "invite_friend", "referral": "invite_friend", "swipe": "browse_feed",
      "ad_clicked": "browse_feed", "group_activity": "browse_feed", "event_joined": "browse_feed",
      "premium_feature_used": "browse_feed", "session": "browse_feed",
    ]
    var seen: [String: Int] = [:]
    var wrong = 0
    for label in Self.labels where label.time + 180 * Span.day < Self.configuration.endTime {
      let first = Self.byCustomer[label.customer].first {
        $0.time >= label.time && (words[$0.typeName ?? ""] != nil || $0.typeName == nil && !$0.isSnapshot)
      }
      let inTime = first.flatMap { $0.time < label.time + 180 * Span.day ? $0 : nil }
      let expected = inTime.map { $0.typeName.flatMap { words[$0] } ?? "update_profile" }
      if label.nextAction?.rawValue != expected { wrong += 1 }
      seen[expected ?? "nothing", default: 0] += 1
    }
    #expect(wrong == 0, "\(seen)")
    #expect(seen.count >= 4, "\(seen)")
  }

  /// The vocabulary is that of the requirements, and no action is beyond all people.
  @Test func actionsAndInterestsAreSpread() {
    let configuration = SyntheticConfiguration(seed: 33, customers: 400, days: 40)
    var actions: [String: Int] = [:]
    var interests: Set<UInt8> = []
    var count = 0
    for label in SyntheticLabels(configuration) {
      if let action = label.nextAction { actions[action.rawValue, default: 0] += 1 }
      interests.insert(label.interest)
      count += 1
    }
    #expect(
      Set(actions.keys) == [
        "post_content", "browse_feed", "send_message", "search_gig", "update_profile", "invite_friend",
      ])
    #expect(actions.values.allSatisfy { $0 > count / 100 && $0 < count / 2 }, "\(actions) of \(count)")
    #expect(interests.count == SyntheticWords.categories.count)
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
      lifetimeValueUSD: 12.345, nextAction: .message, interest: 2)
    var bytes: [UInt8] = []
    label.appendCSV(to: &bytes)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == "c0000007,1767225600000000,0.2500,1,12.35,send_message,travel\n")
    #expect(SyntheticLabel.csvHeader.split(separator: ",").count == 7)
    let silent = SyntheticLabel(
      customer: 7, time: 1_767_225_600_000_000, engagementNextDay: 0, churns: true, lifetimeValueUSD: 0,
      nextAction: nil, interest: 0)
    bytes.removeAll()
    silent.appendCSV(to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "c0000007,1767225600000000,0.0000,1,0.00,,tech\n")
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
