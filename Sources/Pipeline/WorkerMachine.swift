import Dataflow

/// What a worker does next: a pure machine, which the worker asks and tells what came of it.
///
/// ```
///            assigned                acquired
///   idle ──────────────▶ acquiring ───────────▶ reading
///    ▲                    ▲     │                │  │
///    │     superseded, paused,  │ given up       │  │
///    │     unreachable  └───────┼────────────────┘  │
///    └──────────────────────────┴───────────────────┘
///                         revoked, given up
/// ```
struct WorkerMachine {
  /// Where the worker stands with its partitions.
  enum Phase: Equatable {
    /// It has none, or has given up a batch of theirs: the group says what is next.
    case idle
    /// These are to be taken over before anything is read.
    case acquiring([Int32])
    /// Their positions are known, and the source gives their records.
    case reading
  }

  /// What is to be done.
  enum Action: Equatable {
    /// Look how an abandoned transaction has ended. That it cannot be seen now stops nothing: the group gives partitions to others, who
    /// wait for its end, but they wait for a poll first.
    case settle
    /// Take these partitions over; then `acquired`.
    case acquire([Int32])
    /// Poll the source; then `polled`.
    case poll
    /// Work off the records that came.
    case process
    /// Leave out what no reader can have.
    case leaveOut(LeftOut, of: Int32, why: String)
    /// Note what cannot be had for now, and look for an operator's order.
    case wait(forOffset: Int64, until: Int64?, of: Int32, why: String)
    /// Give all partitions back; `isLost`: they are somebody else's already, so that nothing is committed.
    case giveBack(isLost: Bool)
    /// The bounded source has nothing more.
    case end
  }

  private(set) var phase = Phase.idle
  /// Whether the last poll told that partitions are taken away, which a broker need not be there for.
  private(set) var wasRevoked = false
  /// Whether the turn has had no action yet.
  private var isTurnNew = true

  /// Begins a turn: it ends with a poll, or where an action fails.
  mutating func beginTurn() { isTurnNew = true }

  /// The next action of a turn. `isUnsettled`: a transaction was abandoned whose end is not known.
  mutating func next(isUnsettled: Bool) -> Action {
    defer { isTurnNew = false }
    if isUnsettled && isTurnNew { return .settle }
    if case .acquiring(let partitions) = phase { return .acquire(partitions) }
    return .poll
  }

  /// The partitions were taken over; `isGivenUp`: the group wants them back, or somebody stops us.
  mutating func acquired(isGivenUp: Bool) { phase = isGivenUp ? .idle : .reading }

  /// What a poll has brought. `hasPaused`: the log was not read for so long that what the worker knows of it may no longer be true;
  /// `owned`: the partitions that it has.
  mutating func polled(_ outcome: PollOutcome, owned: [Int32], hasPaused: Bool) -> Action? {
    wasRevoked = false
    switch outcome {
    case .assigned(let partitions):
      phase = .acquiring(partitions)
      return nil
    case .revoked(_, let isLost):
      wasRevoked = true
      phase = .idle
      return .giveBack(isLost: isLost)
    case .records where hasPaused:
      phase = .acquiring(owned)
      return nil
    case .records: return .process
    case .unreadable(let partition, let from, let until, let why):
      return .leaveOut(LeftOut(from: from, until: until, cause: .unreadable), of: partition, why: why)
    case .stuck(let partition, let from, let until, let why):
      return .wait(forOffset: from, until: until, of: partition, why: why)
    case .finished: return .end
    }
  }

  /// What the worker knows of its partitions is no longer true: they are taken over again.
  mutating func mustAcquire(_ owned: [Int32]) { phase = .acquiring(owned) }

  /// A batch, or taking over, was given up: the group wants the partitions back, or somebody stops us.
  mutating func gaveUp() { phase = .idle }
}
