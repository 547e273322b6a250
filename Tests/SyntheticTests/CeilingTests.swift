import Events
import TestThreads
import Testing

@testable import Synthetic

/// What might have been is drawn as what was, so that the ceiling is one.
@Suite(.onThreads) struct CeilingTests {
  private static let configuration = SyntheticConfiguration(seed: 51, customers: 250, days: 40)
  private static let futures = 4

  /// What became of a person is one more draw: over many moments labels and futures agree.
  @Test func futuresAreLikeWhatBecame() {
    var all = Sums()
    for customer in 0..<Self.configuration.customers {
      var forks = Forks(Self.configuration, customer: customer, futures: Self.futures)
      while let fork = forks.next() {
        all.add(fork)
        #expect(fork.futures.count == Self.futures && fork.futures.allSatisfy { $0.time == fork.label.time })
      }
    }
    #expect(all.count > 500, "\(all)")
    // Three standard errors, moments of a person taken as one.
    #expect(abs(all.engagement) / all.count < 0.03, "\(all)")
    #expect(abs(all.churn) / all.count < 0.03, "\(all)")
    #expect(abs(all.messages) / all.count < 0.06, "\(all)")
  }

  @Test func itIsTheSameForTheSameSeedAndLeavesSomethingToChance() {
    let configuration = SyntheticConfiguration(seed: 52, customers: 120, days: 40)
    let ceiling = SyntheticCeiling(configuration, futures: 4)
    #expect(ceiling == SyntheticCeiling(configuration, futures: 4))
    #expect(ceiling.moments == Array(SyntheticLabels(configuration)).count)
    #expect((0.75..<0.97).contains(ceiling.engagementRSquared), "\(ceiling)")
    #expect((0.6..<0.99).contains(ceiling.lifetimeValueRSquared), "\(ceiling)")
    #expect((0.9..<1).contains(ceiling.churnAUC), "\(ceiling)")
    #expect(ceiling.nextActionAccuracy > ceiling.nextActionCommonest && ceiling.nextActionAccuracy < 0.8)
    #expect((0.5..<0.95).contains(ceiling.contentInterestAccuracy), "\(ceiling)")
  }

  /// The category that a person has posted most is the likeliest interest, as often as the ceiling says.
  @Test func interestShowsInPosts() {
    var right = 0.0
    var moments = 0.0
    for customer in 0..<Self.configuration.customers {
      var forks = Forks(Self.configuration, customer: customer, futures: 0)
      while let fork = forks.next() {
        let most = fork.posts.max() ?? 0
        let ties = fork.posts.filter { $0 == most }.count
        if fork.posts[Int(fork.label.interest)] == most { right += 1 / Double(ties) }
        moments += 1
      }
    }
    let ceiling = SyntheticCeiling(Self.configuration, futures: 2).contentInterestAccuracy
    #expect(abs(right / moments - ceiling) < 0.06, "\(right / moments) \(ceiling)")
  }

  @Test func nobodyHasNoCeiling() {
    let ceiling = SyntheticCeiling(SyntheticConfiguration(customers: 1, days: 1), futures: 2)
    #expect(ceiling.moments == 0 && ceiling.engagementRSquared == 0 && ceiling.churnAUC == 0)
  }

  /// Labels less the mean of their futures, summed.
  private struct Sums {
    var count = 0.0
    var engagement = 0.0
    var churn = 0.0
    var messages = 0.0

    mutating func add(_ fork: Forks.Fork) {
      func gap(_ value: (SyntheticLabel) -> Double) -> Double {
        value(fork.label) - fork.futures.reduce(0) { $0 + value($1) } / Double(fork.futures.count)
      }
      count += 1
      engagement += gap(\.engagementNextDay)
      churn += gap { $0.churns ? 1 : 0 }
      messages += gap { $0.nextAction == .message ? 1 : 0 }
    }
  }
}
