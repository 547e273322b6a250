/// Somebody who takes part.
struct Contestant {
  let name: String
  /// Goes over all messages once. Returns their bytes, or another sum that needs the work to be done.
  let pass: () -> Int
}

/// Contestants take turns, so that what disturbs the machine disturbs all.
enum Rounds {
  /// Messages of a round.
  private static let messagesARound = 200_000

  /// Nanoseconds a message: the median of the rounds, for each contestant. One round warms up.
  static func medians(of contestants: [Contestant], messages: Int, rounds: Int) -> [Double] {
    let passes = max(1, messagesARound / messages)
    var times = contestants.map { _ in [Double]() }
    let sums = contestants.map { $0.pass() }
    for round in 0...rounds {
      for turn in contestants.indices {
        // In the other order every second time.
        let index = round % 2 == 0 ? turn : contestants.count - 1 - turn
        let start = ContinuousClock.now
        var sum = 0
        for _ in 0..<passes { sum += contestants[index].pass() }
        let time = ContinuousClock.now - start
        precondition(sum == sums[index] * passes, "every pass does the same")
        guard round > 0 else { continue }
        let (seconds, attoseconds) = time.components
        times[index].append((Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(passes * messages))
      }
    }
    return times.map { $0.sorted()[$0.count / 2] }
  }
}
