import Dataflow

/// Which seeds run under which guarantee.
public enum GuaranteeChoice: String, CaseIterable, Sendable {
  /// Only effectively once.
  case effectivelyOnce = "effectively-once"
  /// Only exactly once.
  case exactlyOnce = "exactly-once"
  /// The seed chooses, also to change it on the way.
  case any
}

/// What is run besides the seed.
public struct SimulationOptions: Equatable, Sendable {
  /// What is promised of the topic.
  public var choice = GuaranteeChoice.any
  /// The only kinds of faults that may happen, all of them in every run; empty: the seed chooses.
  public var only: Set<FaultKind> = []
  /// Whether the pipeline keeps states; else records lie beside the group's offsets.
  public var keepsState = true
  #if PLANTED_BUGS
    /// A planted bug; nil: none.
    public var bug: PlantedBug?
  #endif

  /// Lets the seed choose what is not given.
  public init(choice: GuaranteeChoice = .any, only: Set<FaultKind> = [], keepsState: Bool = true) {
    self.choice = choice
    self.only = only
    self.keepsState = keepsState
  }
}

/// Everything that a seed decides before a run begins. Times are microseconds.
struct RunPlan {
  let seed: UInt64
  let keepsState: Bool
  var guarantee: DeliveryGuarantee
  /// Kinds of faults that may happen, with the sum of weights up to each.
  private(set) var kinds: [(kind: FaultKind, upTo: Int)] = []
  /// Faults in a thousand calls.
  var faultShare: Int
  /// From this time on nothing more goes wrong.
  var quietAt: Int64
  var partitions: Int
  var processes: Int
  var startsLostStateAnew: Bool
  var sessionTimeout: Int64
  var rebalanceTimeout: Int64
  var transactionTimeout: Int64
  /// When processes get a table, and are started anew with it; 0: they have one from the start.
  let tableAt: Int64
  /// Longest a transaction's end takes to show.
  var markerDelayMs: Int
  /// Longest until a member learns of its group.
  var heartbeatMs: Int
  #if PLANTED_BUGS
    let bug: PlantedBug?
    /// The neighbours' share of the planted bug.
    var neighbourBugs: NeighbourBugs { NeighbourBugs(planted: bug?.ofNeighbours) }
  #else
    var neighbourBugs: NeighbourBugs { NeighbourBugs() }
  #endif

  init(_ seed: UInt64, _ options: SimulationOptions) {
    self.seed = seed
    keepsState = options.keepsState
    #if PLANTED_BUGS
      bug = options.bug
    #endif
    var draw = Draw(seed, .plan)
    let exactly = draw.chance(500)
    let switches = draw.chance(400)
    switch options.choice {
    case .any: guarantee = exactly ? .exactlyOnce : .effectivelyOnce
    case .effectivelyOnce: guarantee = .effectivelyOnce
    case .exactlyOnce: guarantee = .exactlyOnce
    }
    let shares = options.only.isEmpty ? [0, 15, 40, 80, 150] : [60, 120, 200, 300]
    faultShare = shares[draw.below(shares.count)]
    quietAt = draw.milliseconds(1500...5000)
    partitions = draw.int(1...3)
    processes = draw.int(1...3)
    startsLostStateAnew = draw.chance(700)
    sessionTimeout = draw.milliseconds(300...900)
    rebalanceTimeout = draw.milliseconds(500...1500)
    transactionTimeout = draw.milliseconds(400...1200)
    markerDelayMs = draw.int(0...40)
    heartbeatMs = draw.int(5...120)
    var later = Draw(seed, .plan, 1)
    tableAt = !keepsState && later.chance(250) ? Int64(later.int(1...Int(quietAt) * 2 / 3)) : 0
    var sum = 0
    for kind in FaultKind.allCases {
      // Each run leaves kinds out, so that others meet each other more often.
      let isIn = draw.chance(550)
      let mayBe = kind != .guaranteeSwitch || (switches && options.choice == .any)
      guard options.only.isEmpty ? isIn && mayBe : options.only.contains(kind) else { continue }
      guard keepsState || !kind.isOfStore else { continue }
      // While processes with both guarantees work, one that stands still may note its own beside the other's C.
      if kind == .guaranteeSwitch { startsLostStateAnew = true }
      sum += kind.weight
      kinds.append((kind, sum))
    }
  }

  /// The fault at a call; nil: none.
  func fault(at step: Int) -> (kind: FaultKind, draw: Draw)? {
    var draw = Draw(seed, .fault, step)
    guard draw.chance(faultShare), let total = kinds.last?.upTo else { return nil }
    let point = draw.below(total)
    guard let found = kinds.first(where: { point < $0.upTo }) else { return nil }
    return (found.kind, draw)
  }
}

/// How one life of a process works.
struct LifePlan: Sendable {
  /// What it promises.
  var guarantee: DeliveryGuarantee
  /// Records in a batch at most.
  var rowsMax = 8
  /// Entities in the cache at most.
  var cacheEntries = 3
  /// Memory of the cache, bytes: too little for the states of most batches, so that they are worked off in slices, or plenty.
  var cacheBytes = 1 << 20
  /// Longest wait for a record, milliseconds.
  var pollTimeoutMs = 100
  /// Least time between commits of C, milliseconds.
  var commitIntervalMs = 0
  /// Exactly once: least time between transactions, milliseconds.
  var transactionIntervalMs = 0
  /// Whether lost states are rebuilt; else that is an error.
  var startsLostStateAnew = true
  var hasTable = true
  #if PLANTED_BUGS
    let bug: PlantedBug?
  #endif
  /// By partition, what the log lacks, as an operator has accepted it.
  var acceptedGaps: [Int32: LeftOut] = [:]

  init(_ plan: RunPlan, guarantee: DeliveryGuarantee, life: Int, startsLostStateAnew: Bool) {
    var draw = Draw(plan.seed, .life, life)
    self.guarantee = guarantee
    self.startsLostStateAnew = startsLostStateAnew
    rowsMax = draw.chance(200) ? 1 : draw.int(2...30)
    cacheEntries = draw.int(1...6)
    pollTimeoutMs = draw.int(60...250)
    commitIntervalMs = [0, 20, 300][draw.below(3)]
    transactionIntervalMs = draw.chance(500) ? 0 : draw.int(1...60)
    if draw.chance(300) { cacheBytes = 1_500 }
    #if PLANTED_BUGS
      bug = plan.bug
    #endif
  }
}
