import Dataflow

/// The coordinator of transactions: epochs, fencing, open transactions and the time their ends take.
final class Transactions {
  enum Reply {
    case done
    /// The producer is not the latest of its id, or its transaction was ended by the coordinator.
    case fenced
    /// The group has gone on without the member.
    case stale
    /// The last transaction's end is under way.
    case busy
  }

  private enum Phase: Equatable {
    case none
    case open
    case ending(commit: Bool)
  }

  private struct Entry {
    var epoch = 0
    var phase = Phase.none
    /// Number of the transaction within its epoch, as the producer counts.
    var serial = 0
    var hasMessages = false
    var messages: [Message] = []
    var offsets: [OffsetMark] = []
    var lastCommitted = false
    /// Counts transactions over all epochs, for timeouts.
    var count = 0
  }

  unowned let world: World
  private var entries: [Entry]

  init(_ world: World) {
    self.world = world
    entries = Array(repeating: Entry(), count: world.plan.processes)
  }

  /// Whether a transaction that moves C of the partition has not ended yet.
  func hasPendingOffset(_ partition: Int32) -> Bool {
    entries.contains { entry in
      entry.phase != .none && entry.offsets.contains { $0.partition == partition }
    }
  }

  var isCalm: Bool { entries.allSatisfy { $0.phase == .none } }

  /// A producer begins: ends what is open and fences earlier ones. Returns its epoch; nil: ask again.
  func initialise(_ id: Int) -> Int? {
    switch entries[id].phase {
    case .open:
      entries[id].epoch += 1
      end(id, commit: false, why: "a new producer begins")
      return nil
    case .ending: return nil
    case .none:
      entries[id].epoch += 1
      entries[id].serial = 0
      return entries[id].epoch
    }
  }

  /// The epoch and serial as they are, for a producer that does not begin as it should.
  func current(_ id: Int) -> (epoch: Int, serial: Int) { (entries[id].epoch, entries[id].serial) }

  private func begin(_ id: Int, epoch: Int, serial: Int) -> Reply {
    guard epoch == entries[id].epoch, serial >= entries[id].serial else { return .fenced }
    if serial == entries[id].serial { return entries[id].phase == .open ? .done : .fenced }
    guard entries[id].phase == .none else { return .busy }
    entries[id].phase = .open
    entries[id].serial = serial
    entries[id].hasMessages = false
    entries[id].messages = []
    entries[id].offsets = []
    entries[id].count += 1
    let count = entries[id].count
    world.after(world.plan.transactionTimeout) { [self] in
      guard entries[id].phase == .open, entries[id].count == count else { return }
      entries[id].epoch += 1
      end(id, commit: false, why: "it takes too long")
    }
    return .done
  }

  /// Messages of a transaction; the same ones again are dropped.
  func add(_ messages: [Message], id: Int, epoch: Int, serial: Int) -> Reply {
    let reply = begin(id, epoch: epoch, serial: serial)
    guard reply == .done, !entries[id].hasMessages || world.plan.neighbourBugs.has(.resendsInTransaction)
    else {
      return reply
    }
    entries[id].hasMessages = true
    entries[id].messages += messages
    return .done
  }

  /// Offsets of a transaction. A member without a name is taken for somebody who is in no group.
  func add(_ marks: [OffsetMark], membership: [UInt8], id: Int, epoch: Int, serial: Int) -> Reply {
    let reply = begin(id, epoch: epoch, serial: serial)
    guard reply == .done else { return reply }
    if membership.count == 2, !world.plan.neighbourBugs.has(.membershipUnchecked) {
      let (member, generation) = (Int(membership[0]), Int(membership[1]))
      guard world.group.seat(member) != nil, generation == world.group.generation & 0xff else {
        return .stale
      }
    }
    entries[id].offsets = marks
    return .done
  }

  func end(_ commit: Bool, id: Int, epoch: Int, serial: Int) -> Reply {
    guard epoch == entries[id].epoch, serial >= entries[id].serial else { return .fenced }
    // Nothing of it ever came here.
    guard serial == entries[id].serial else { return commit ? .fenced : .done }
    switch entries[id].phase {
    case .open:
      end(id, commit: commit, why: "its producer says so")
      return .done
    case .ending(let direction): return direction == commit ? .busy : .fenced
    case .none: return entries[id].lastCommitted == commit ? .done : .fenced
    }
  }

  /// It is decided; messages and offsets show it a little later, each in its time.
  private func end(_ id: Int, commit: Bool, why: String) {
    entries[id].phase = .ending(commit: commit)
    entries[id].lastCommitted = commit
    world.remark(
      "transaction of \(id): \(commit ? "committed" : "aborted"), \(entries[id].messages.count) messages, offsets "
        + "\(entries[id].offsets.map { "\($0.partition): \($0.offset)" }): \(why)")
    world.after(world.markerDelay()) { [self] in
      if commit { world.topic.commit(entries[id].messages) }
      world.after(world.markerDelay()) { [self] in
        if commit { world.group.apply(entries[id].offsets) }
        entries[id].phase = .none
        entries[id].offsets = []
      }
    }
  }
}
