public import Dataflow
import Events
public import Features

/// The neighbours of a worker, as ports.
public struct WorkerPorts {
  /// Where records come from.
  public var source: any RecordSource
  /// Makes events of records.
  public var decoder: any RecordDecoder
  /// Where states lie.
  public var store: any StateStore
  /// Makes outputs of feature rows.
  public var scorer: any RowScorer
  /// Makes decisions of outputs.
  public var decider: any Decider
  /// Where messages go; nil: nowhere.
  public var topic: (any TopicSink)?
  /// Where rows go; nil: nowhere.
  public var table: (any TableSink)?
  /// The machine's clock.
  public var clock: any Clock
  /// Whom to tell.
  public var recorder: any Recorder

  /// The ports, all given.
  public init(
    source: any RecordSource, decoder: any RecordDecoder, store: any StateStore, scorer: any RowScorer,
    decider: any Decider, topic: (any TopicSink)?, table: (any TableSink)?, clock: any Clock,
    recorder: any Recorder
  ) {
    self.source = source
    self.decoder = decoder
    self.store = store
    self.scorer = scorer
    self.decider = decider
    self.topic = topic
    self.table = table
    self.clock = clock
    self.recorder = recorder
  }
}

/// Reads records, keeps states, scores and delivers: effectively once, or exactly once.
///
/// One worker is one thread; nothing in it is shared but the stop signal. Every batch goes
/// decode → fetch → apply and read → score → sinks durable → state, position → group offset (exactly once: the offset moves in the
/// topic's transaction, before the state), and each store moves its own position with its data by compare-and-set, so that
/// a crash between any two steps repeats work but never its effect.
/// After an error that `run` throws, nothing more is written; start again and it goes on from W.
public final class Worker {
  let configuration: WorkerConfiguration
  let identity: PipelineIdentity
  let program: FeatureProgram
  let ports: WorkerPorts
  let stop: StopSignal
  let cache: StateCache
  let events: EventBatch
  let scratch: FeatureScratch
  let batch: ScoredBatch

  /// Partitions that this worker has, with their places by partition number.
  var owned: [OwnedPartition] = []
  var places: [Int32] = []
  /// What became of each record of the batch.
  var verdicts: [Verdict] = []
  var requests: [EntityRequest] = []
  var requestSlots: [Int32] = []
  var touched: [Int] = []
  /// How many of the touched partitions' records were seen to be ours still.
  var checked = 0
  /// Records of the batch that wait for the next slice.
  var rest: [RawRecord] = []
  /// Memory of a state that was fetched lately, bytes; 0: none was.
  var fetchedBytes = 0
  var writer = WireWriter()
  var write = StateWrite()
  var totals = BatchTotals()
  /// Ages of a batch's records at one moment, nanoseconds.
  var ages: [UInt64] = []
  /// Number of the batch in which a cache slot's state was changed last.
  var changedIn: [UInt64] = []
  var batchNumber: UInt64 = 0
  /// Of the batch's refused records: the entity id, as far as it could be read, and what the decoder says more.
  var refused: [(record: Int32, id: [UInt8], detail: String)] = []
  /// Slots of the cache that the next batch must read anew.
  var corruptSlots: [Int32] = []
  /// Partitions that must be taken over before anything is read.
  private var toAcquire: [Int32]?
  /// Exactly once: the topic, whose transactions move C; nil: C follows W.
  let transactions: (any TransactionalTopicSink)?
  /// Whether a transaction was seen to move the group's offsets.
  var offsetsAreKept = false
  /// Whether a transaction was given up whose end is not known.
  var mustSettle = false
  /// When the log was read last, or the partitions were taken over.
  private var readNanos: UInt64 = 0
  /// Whether the last poll told that partitions are taken away, which a broker need not be there for.
  private var wasRevoked = false
  /// When the last transaction's batch was taken.
  private var transactionNanos: UInt64 = 0
  var lastCommitNanos: UInt64 = 0
  var polledAtMicros: Int64 = 0
  /// When it was looked last whether partitions that get nothing have orders.
  var lookedNanos: UInt64 = 0

  /// A worker that has nothing yet; the group gives it partitions when it runs.
  ///
  /// `onBatch` sees every batch once it is durable.
  public init(
    identity: PipelineIdentity, program: FeatureProgram, context: ScoreContext, ports: WorkerPorts,
    cache: StateCache, configuration: WorkerConfiguration, stop: StopSignal,
    onBatch: ((ScoredBatch) -> Void)? = nil
  ) {
    precondition(configuration.rowsMax > 0 && configuration.rowsMax <= StateStoreLimits.statesMax)
    transactions = configuration.guarantee == .exactlyOnce ? ports.topic as? any TransactionalTopicSink : nil
    precondition(
      configuration.guarantee != .exactlyOnce || transactions != nil,
      "exactly once needs a transactional topic")
    self.identity = identity
    self.program = program
    self.ports = ports
    self.cache = cache
    self.configuration = configuration
    self.stop = stop
    self.onBatch = onBatch
    events = EventBatch(symbols: program.symbols)
    scratch = FeatureScratch(program)
    batch = ScoredBatch(context: context, events: events, capacityRows: configuration.rowsMax)
  }

  let onBatch: ((ScoredBatch) -> Void)?

  /// Works until the source is finished or someone stops it. Throws `PortError` on what trying again cannot mend.
  public func run() throws {
    defer { close() }
    ports.recorder.state("running", healthy: true)
    var backoffMs = configuration.retryBackoffMinMs
    var isWaiting = false
    while !stop.isStopped {
      ports.recorder.beat()
      do {
        guard try step() else { return }
        guard !isWaiting || !wasRevoked else { continue }
        backoffMs = configuration.retryBackoffMinMs
        if isWaiting { tellRunning() }
        isWaiting = false
      } catch let error as PortError where error.code == .unavailable {
        isWaiting = true
        ports.recorder.state("waiting for \(error)", healthy: false)
        try pause(milliseconds: backoffMs)
        backoffMs = min(backoffMs * 2, configuration.retryBackoffMaxMs)
      }
    }
    showReached()
  }

  /// Waits before the next try; while partitions are to be taken over, the group may want them back, which no poll would tell.
  private func pause(milliseconds: Int) throws {
    guard toAcquire != nil, !configuration.has(.deafWhileAcquiring) else {
      return ports.clock.sleep(milliseconds: milliseconds)
    }
    if try serveGroup(forMs: milliseconds) { toAcquire = nil }
  }

  /// One poll and what follows from it. Returns false at the end of a bounded source.
  private func step() throws -> Bool {
    // The group gives partitions to others, who wait for a transaction's end; but they wait for a poll first.
    if mustSettle {
      do { try settle() } catch let error as PortError where error.code == .unavailable {}
    }
    if let partitions = toAcquire {
      try acquire(partitions)
      toAcquire = nil
      readNanos = ports.clock.monotonicNanos()
    }
    let begun = ports.clock.monotonicNanos()
    let outcome = try poll(fillMs: fillMs())
    let hasPaused = hasPaused(before: begun)
    wasRevoked = false
    switch outcome {
    case .assigned(let partitions):
      toAcquire = partitions
    case .revoked(_, let lost):
      if !lost { commitOffsets() }
      wasRevoked = true
      toAcquire = nil
      ports.recorder.released(owned.map(\.partition))
      forgetAll()
      try ports.source.unassign()
    case .records where hasPaused:
      toAcquire = owned.map(\.partition)
    case .records:
      try processOrGiveUp()
      reportPositions()
      try commitOffsetsIfDue()
      if try isOrderedOn() { toAcquire = owned.map(\.partition) }
    case .unreadable(let partition, let from, let until, let why):
      try orGiveUp { try leaveOut(LeftOut(from: from, until: until, cause: .unreadable), of: partition, why) }
      reportPositions()
    case .stuck(let partition, let from, let until, let why):
      if try noteStuck(partition, from: from, until: until, why) { toAcquire = owned.map(\.partition) }
    case .finished:
      commitOffsets()
      return false
    }
    return true
  }

  /// Whether the log was not read for so long that it could have been made anew and filled beyond W: then partitions are taken over
  /// again, which compares the record before W with its fingerprint. A log that is read all the time shows such a change
  /// itself, by an offset that it does not have. Only time outside of `poll` counts, or a poll of that length by itself: a frozen
  /// process. However slow a link is, what has come over it is not thrown away.
  private func hasPaused(before begun: UInt64) -> Bool {
    let now = ports.clock.monotonicNanos()
    let outsideMs = Int(clamping: (begun &- readNanos) / 1_000_000)
    let insideMs = Int(clamping: (now &- begun) / 1_000_000)
    readNanos = now
    let frozenMs =
      configuration.verifyAfterMs + configuration.pollTimeoutMs + configuration.transactionIntervalMs
    return !owned.isEmpty && (outsideMs > configuration.verifyAfterMs || insideMs > frozenMs)
  }

  /// How long a batch is filled: until the next transaction may begin.
  private func fillMs() -> Int {
    guard transactions != nil else { return 0 }
    let now = ports.clock.monotonicNanos()
    let passedMs = Int(clamping: (now &- transactionNanos) / 1_000_000)
    return max(0, configuration.transactionIntervalMs - passedMs)
  }

  /// Ends what a transaction that was given up has left open.
  func settle() throws {
    if configuration.has(.abandonedTransactionKept) && transactionNanos > 0 { return mustSettle = false }
    mustSettle = true
    try transactions?.settle()
    mustSettle = false
  }

  /// Processes the batch. When it fails on the way, its partitions are taken over again: the source has gone on and cached states
  /// may hold part of it.
  private func processOrGiveUp() throws {
    guard !batch.records.records.isEmpty else { return noteReached() }
    if transactions != nil { transactionNanos = ports.clock.monotonicNanos() }
    try orGiveUp {
      try process()
      try passLeftOut()
      noteReached()
    }
  }

  /// What fails on the way makes the partitions be taken over again.
  private func orGiveUp(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch is Abandoned {
      mustSettle = transactions != nil
      forgetAll()
    } catch is Superseded {
      ports.recorder.state("taking partitions over again", healthy: false)
      toAcquire = owned.map(\.partition)
    } catch let error as PortError where error.code == .unavailable {
      toAcquire = owned.map(\.partition)
      throw error
    }
  }

  /// Forgets partitions and states; nothing is written.
  func forgetAll() {
    corruptSlots.removeAll(keepingCapacity: true)
    owned.removeAll()
    places.removeAll()
    if !configuration.has(.cacheKept) { cache.removeAll() }
  }

  /// Commits what is left to commit and closes all neighbours; `run` does it at its end. For a worker that never ran.
  public func close() {
    commitOffsets()
    ports.topic?.close()
    ports.table?.close()
    ports.source.close()
    ports.store.close()
    ports.recorder.state("stopped", healthy: true)
  }

  private func commitOffsetsIfDue() throws {
    let now = ports.clock.monotonicNanos()
    guard now &- lastCommitNanos >= UInt64(configuration.commitIntervalMs) * 1_000_000 else { return }
    lastCommitNanos = now
    commitOffsets()
    // Fetching goes on meanwhile: over a slow link the answer may take longer than a pause may.
    readNanos &+= ports.clock.monotonicNanos() &- now
    if batch.records.records.isEmpty { try orGiveUp { try commitReached() } }
  }
}

/// The batch under way is given up because its partitions are no longer ours, or someone stops us.
struct Abandoned: Error {}

/// A store's position is not what this worker last wrote: take the partitions over anew.
struct Superseded: Error {}

/// A partition that this worker has.
struct OwnedPartition {
  let partition: Int32
  /// Record as last read or written, and its bytes.
  var record: PartitionRecord
  var recordBytes: [UInt8]
  /// T; nil: no row yet or no table.
  var tablePosition: Int64?
  /// C as last read or committed.
  var committed: Int64?
  /// The same as the group shows it: with the marks of transactions behind it.
  var shown: Int64
  /// The end up to which everything was given, and is done; 0: not known.
  var reached: Int64 = 0
  var topicFrom: Int64
  var tableFrom: Int64
  /// The next record must be W − 1 with the record's fingerprint.
  var mustVerify: Bool
  /// The log's end, as far as known, and the next offset, as last reported.
  var end: Int64 = -1
  var reportedNext: Int64 = -1
  /// The log's end when the partition was taken over.
  var askedEnd: Int64
  /// What is left out is passed over up to here at most.
  let passUntilMax: Int64
  /// What keeps the partition waiting, and the offset that cannot be had; nil: nothing.
  var stuck: (from: Int64, text: String)?
  /// W when it was looked for orders last.
  var nextAtLook: Int64 = -1
  /// Below it all was delivered already: states are made again, and nothing counts as scored.
  var againUntil: Int64
  /// This batch: the record to write, the slots of changed states, the last raw record.
  var next: PartitionRecord
  var dirty: [ChangedState] = []
  var lastRecord: Int32 = -1

  /// The offset as it is committed.
  func mark(_ offset: Int64) -> OffsetMark {
    OffsetMark(
      partition: partition, offset: offset, firstOffset: record.firstOffset, homes: record.homes,
      shown: offset == record.nextOffset ? reached : nil, leftOut: record.leftOut)
  }
}

/// A state to be written: its slot, and a record of the batch whose key is its entity id.
struct ChangedState {
  let slot: Int32
  let record: Int32
}

/// What became of a record.
struct Verdict {
  /// Position in the batch's events; -1: a dead letter or passed over.
  var event: Int32
  /// The entity's slot in the cache; -1: none.
  var slot: Int32
  /// Why it is a dead letter.
  var reason: DeadLetterReason?
  /// Read before: not ours to count.
  var isPassedOver: Bool
}

/// Counts of one batch.
struct BatchTotals {
  var read = 0
  /// Those of them of which all was delivered before: they count nowhere else.
  var rebuilt = 0
  var scored = 0
  var duplicate = 0
  var erased = 0
  /// Events at which rare words of a state were folded into `other`.
  var folded = 0
  var deadLettered = [Int](repeating: 0, count: DeadLetterReason.count)

  mutating func removeAll() {
    read = 0
    rebuilt = 0
    scored = 0
    duplicate = 0
    erased = 0
    folded = 0
    for index in deadLettered.indices { deadLettered[index] = 0 }
  }
}
