import Events
import TestThreads
import Testing

@testable import Synthetic

@Suite(.onThreads) struct DistributionTests {
  private static let configuration = SyntheticConfiguration(seed: 21, customers: 500, days: 28)
  private static let people: [PersonTraits] = (0..<20_000).map {
    Person(configuration, number: $0).traits
  }
  private static let collected = Collected(configuration)

  private func share(_ isCounted: (PersonTraits) -> Bool) -> Double {
    Double(Self.people.filter(isCounted).count) / Double(Self.people.count)
  }

  @Test func threeInTenArePremium() {
    #expect(abs(share(\.startsPremium) - 0.3) < 0.01)
  }

  /// Normal around 32 with deviation 10, cut to 18–65: the cut moves the mean up by about one.
  @Test func ages() {
    let ages = Self.people.map { Double($0.age) }
    let mean = ages.reduce(0, +) / Double(ages.count)
    let deviation = (ages.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(ages.count)).squareRoot()
    #expect(ages.allSatisfy { (18...65).contains($0) })
    #expect(abs(mean - 33) < 0.5, "\(mean)")
    #expect(abs(deviation - 8.8) < 0.6, "\(deviation)")
    #expect(abs(share { $0.age < 32 } - 0.46) < 0.03)
  }

  /// A power law: ten times as many connections, a tenth of the people.
  @Test func connectionsHaveAPowerLawTail() {
    let above = [50.0, 500, 5000].map { limit in share { Double($0.connections) > limit } }
    #expect(above[0] / above[1] > 8.5 && above[0] / above[1] < 11.5, "\(above)")
    #expect(above[1] / above[2] > 6.5 && above[1] / above[2] < 15, "\(above)")
    #expect(Self.people.allSatisfy { $0.connections >= 25 && $0.connections <= 250_000 })
  }

  @Test func statesAndCategoriesAndDevices() {
    #expect(Set(Self.people.map(\.state)).count == 51)
    #expect(abs(share { $0.state == 4 } - 0.117) < 0.01, "California")
    var categories = [Int](repeating: 0, count: 12)
    var devices = [Int](repeating: 0, count: 3)
    for event in Self.collected.events {
      if event.raw.kind == .post { categories[Int(event.raw.code)] += 1 }
      if event.raw.kind == .login { devices[Int(event.raw.code)] += 1 }
    }
    let posts = Double(categories.reduce(0, +))
    #expect(categories.allSatisfy { Double($0) / posts > 0.03 && Double($0) / posts < 0.2 }, "\(categories)")
    #expect(devices[0] > devices[1] && devices[1] > devices[2] && devices[2] > 0)
  }

  @Test func sentimentIsMostlyGoodAndBounded() {
    let values = Self.collected.events.filter { $0.raw.kind == .messageSent }.map { Double($0.raw.a) / 1000 }
    #expect(values.allSatisfy { (-0.8...0.9).contains($0) })
    let mean = values.reduce(0, +) / Double(values.count)
    #expect(mean > 0.05 && mean < 0.4, "\(mean)")
    #expect(values.contains { $0 < -0.3 } && values.contains { $0 > 0.7 })
  }

  @Test func daysAndWeeksHaveTheirCycles() throws {
    var hours = [Double](repeating: 0, count: 24)
    var weekdays = [Double](repeating: 0, count: 7)
    for event in Self.collected.events where event.raw.kind == .login {
      hours[Int(event.time / Span.hour % 24)] += 1
      weekdays[Int(event.time / Span.day % 7)] += 1
    }
    #expect(try #require(hours.max()) > 3 * (try #require(hours.min())), "\(hours)")
    // Day 2 from Thursday is Saturday, day 5 Tuesday.
    #expect(weekdays[2] > 1.2 * weekdays[5], "\(weekdays)")
  }

  @Test func premiumPeopleComeMoreOften() {
    var logins = [0.0, 0.0]
    var people = [0.0, 0.0]
    for event in Self.collected.events {
      let premium = Self.people[event.customer].startsPremium ? 1 : 0
      if event.raw.kind == .login { logins[premium] += 1 }
      if event.isSnapshot { people[premium] += 1 }
    }
    #expect(logins[1] / people[1] > 1.15 * logins[0] / people[0])
  }

  @Test func listingsCloseOnlyAfterTheyOpen() {
    var open: [Int: Int] = [:]
    var opened = 0
    var negative = 0
    for event in Self.collected.events {
      if event.raw.kind == .gigListingOpened {
        open[event.customer, default: 0] += 1
        opened += 1
      }
      if event.raw.kind == .gigListingClosed { open[event.customer, default: 0] -= 1 }
      if open[event.customer, default: 0] < 0 { negative += 1 }
    }
    #expect(negative == 0)
    #expect(opened > 20)
  }
}
