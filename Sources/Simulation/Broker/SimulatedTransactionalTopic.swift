import Dataflow

/// The topic whose messages become visible together with the group's offsets, as one life writes it.
final class SimulatedTransactionalTopic: TransactionalTopicSink {
  /// How far the transaction is.
  private enum Phase {
    case unknown
    case settled
    case open
    case complete
    case mustAbort
    case broken
  }

  private let life: Life
  private var phase = Phase.unknown
  private var epoch = 0
  private var serial = 0
  private var isSent = false

  init(_ life: Life) { self.life = life }

  private var world: World { life.world }
  private var id: Int { life.process }
  private var bugs: NeighbourBugs { world.plan.neighbourBugs }

  func settle() throws {
    if life.isDead { throw Crash() }
    if bugs.has(.neverSettles) { return adopt() }
    switch phase {
    case .settled: return
    case .complete: try end(commit: true)
    case .open, .mustAbort:
      phase = .mustAbort
      try end(commit: false)
    case .unknown, .broken: break
    }
    guard phase != .settled else { return }
    let (transactions, id) = (world.transactions, id)
    guard let given = try life.change("init transactions", of: .broker, "", { transactions.initialise(id) })
    else {
      throw PortError(.unavailable, "init transactions", cause: "the last one has not ended")
    }
    epoch = given
    serial = 0
    phase = .settled
  }

  /// The planted bug: goes on where whoever had the id before was.
  private func adopt() {
    guard phase != .settled else { return }
    let current = world.transactions.current(id)
    epoch = current.epoch
    serial = current.serial
    phase = .settled
  }

  private func end(commit: Bool) throws {
    switch try ask(
      commit ? "commit transaction" : "abort transaction", "",
      { [id, epoch, serial] in
        $0.end(commit, id: id, epoch: epoch, serial: serial)
      })
    {
    case .done: phase = .settled
    case .fenced, .stale: phase = .broken
    case .busy: throw PortError(.unavailable, "end transaction", cause: "under way")
    }
  }

  private func ask(
    _ name: String, _ detail: @autoclosure () -> String,
    _ body: @escaping (Transactions) -> Transactions.Reply
  ) throws -> Transactions.Reply {
    let transactions = world.transactions
    return try life.change(name, of: .broker, detail()) { body(transactions) }
  }

  func commit(_ batch: ScoredBatch, offsets: [OffsetMark], membership: [UInt8]) throws -> WriteOutcome {
    if life.isDead { throw Crash() }
    guard !membership.isEmpty || bugs.has(.membershipAtCommit) else { return .conflict }
    if phase == .settled {
      phase = .open
      serial += 1
      isSent = false
    }
    let (id, epoch, serial) = (id, epoch, serial)
    if phase == .open {
      if !isSent || bugs.has(.resendsInTransaction) {
        let messages = Message.of(batch, life: life.number)
        guard
          try proceed(
            ask("produce", "\(messages.count) messages") {
              $0.add(messages, id: id, epoch: epoch, serial: serial)
            })
        else { return .conflict }
        isSent = true
      }
      if !bugs.has(.offsetsOutsideTransaction) {
        guard
          try proceed(
            ask("send offsets", "\(offsets.map { "\($0.partition): C \($0.offset)" })") {
              $0.add(offsets, membership: membership, id: id, epoch: epoch, serial: serial)
            })
        else { return .conflict }
      }
      phase = .complete
    }
    guard phase == .complete else { return .conflict }
    try end(commit: true)
    guard phase == .settled else { return .conflict }
    if bugs.has(.offsetsOutsideTransaction) {
      let (group, member) = (world.group, life.member)
      _ = try life.change("commit", of: .broker) {
        group.commit(offsets, id: member.id, generation: member.generation)
      }
    }
    return .written
  }

  /// Whether the transaction goes on.
  private func proceed(_ reply: Transactions.Reply) throws -> Bool {
    switch reply {
    case .done: return true
    case .fenced: phase = .broken
    case .stale: phase = .mustAbort
    case .busy: throw PortError(.unavailable, "transaction", cause: "the last one has not ended")
    }
    return false
  }

  func send(_ batch: ScoredBatch) throws { throw PortError(.misuse, "send outside of a transaction") }
  func flush(timeoutMs: Int) throws -> Bool { true }
  func close() {}
}
