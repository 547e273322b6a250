/// What can go wrong at a call of a port.
public enum FaultKind: String, CaseIterable, Sendable {
  /// The process dies before the call has an effect.
  case crashBefore = "crash-before"
  /// The process dies after the call took effect.
  case crashAfter = "crash-after"
  /// The process dies; what it asked for takes effect later.
  case crashLate = "crash-late"
  /// The call fails without an effect.
  case fails
  /// The call takes effect, its answer is lost.
  case answerLost = "answer-lost"
  /// The call seems to fail, and takes effect later.
  case late
  /// The call takes long; the process serves its group meanwhile.
  case slow
  /// The process stands still (SIGSTOP), perhaps for longer than its session lasts.
  case pause
  /// As `pause`, and another process of the same name is started meanwhile.
  case twin
  /// Another process dies.
  case killOther = "kill-other"
  /// A process is asked to stop.
  case leave
  /// The group is asked to share its partitions out again.
  case rebalance
  /// All brokers are away for a while.
  case brokerOutage = "broker-outage"
  /// The store is away for a while.
  case storeOutage = "store-outage"
  /// The table is away for a while.
  case tableOutage = "table-outage"
  /// The store loses its last writes.
  case storeRollback = "store-rollback"
  /// The store loses a partition's last writes.
  case shardRollback = "shard-rollback"
  /// The store loses everything.
  case storeLoss = "store-loss"
  /// The store loses partition records, but no states.
  case recordLoss = "record-loss"
  /// From now on processes start with the other guarantee.
  case guaranteeSwitch = "guarantee-switch"
  /// A partition gets another generation of states.
  case generationSwitch = "generation-switch"
  /// The log loses its oldest records.
  case logTruncation = "log-truncation"
  /// An operator orders to leave out records that lie ahead.
  case skipOrder = "skip-order"
  /// An operator promotes a set of models: perhaps in two tries, perhaps one that was promoted before; or somebody forges it.
  case promotion
  /// The models' files are away for a while: no set can be loaded that is not loaded.
  case modelsOutage = "models-outage"
  /// For a while a process refuses every set of models that is proposed.
  case refusal
  /// For a while a process's acknowledgements of proposed sets are lost.
  case acknowledgementLoss = "acknowledgement-loss"

  /// Whether it is injected into the call itself, or something else happens at that moment.
  var isOfCall: Bool {
    switch self {
    case .crashBefore, .crashAfter, .crashLate, .fails, .answerLost, .late, .slow, .pause, .twin: true
    default: false
    }
  }

  /// Whether it is of states, and where they lie.
  var isOfStore: Bool {
    switch self {
    case .storeOutage, .storeRollback, .shardRollback, .storeLoss, .recordLoss, .generationSwitch: true
    default: false
    }
  }

  /// How often it is drawn, beside the others.
  var weight: Int {
    switch self {
    case .crashBefore, .crashAfter: 8
    case .crashLate: 6
    case .fails, .answerLost, .late: 10
    case .slow: 6
    case .pause: 10
    case .twin: 4
    case .killOther, .leave: 4
    case .rebalance: 8
    case .brokerOutage, .storeOutage, .tableOutage: 3
    case .storeRollback, .shardRollback: 5
    case .storeLoss, .recordLoss: 2
    case .guaranteeSwitch: 10
    case .generationSwitch: 2
    case .logTruncation: 2
    case .skipOrder: 6
    case .promotion: 12
    case .modelsOutage, .refusal, .acknowledgementLoss: 4
    }
  }
}

/// A fault of a run: at which call, counted from the run's start over all workers.
public struct Fault: Hashable, Sendable {
  /// Number of the call.
  public var step: Int
  /// What went wrong.
  public var kind: FaultKind
}

/// What is left of a run when it is made smaller.
public struct Reduction: Equatable, Sendable {
  /// Faults that stay, by the call that they are injected into: the call whose draw they are, which is another one where they were moved;
  /// nil: all.
  public var faults: [Int: Int]?
  /// Planned records that stay; nil: all.
  public var records: Set<Int>?

  /// Nothing left out.
  public init(faults: [Int: Int]? = nil, records: Set<Int>? = nil) {
    self.faults = faults
    self.records = records
  }
}
