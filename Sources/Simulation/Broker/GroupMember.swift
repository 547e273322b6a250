import Dataflow

/// A member's side of the group, as librdkafka keeps it beside the worker's thread.
final class GroupMember {
  private enum Phase {
    case out
    /// Waits for an assignment.
    case joining
    /// Has one, whether it knows or not.
    case assigned
    /// Waits for the worker to give its partitions up.
    case revoking
  }

  unowned let life: Life
  /// 0: none.
  private(set) var id = 0
  private(set) var generation = 0
  private(set) var changes: [PollOutcome] = []
  private var phase = Phase.out
  private var assignment: [Int32] = []
  private var polledAt: Int64 = 0
  private var pauses = 0
  private var isJoinUnderWay = false

  init(_ life: Life) { self.life = life }

  private var world: World { life.world }
  private var isAlive: Bool { !life.isDead && !life.isPaused && phase != .out }

  /// The membership as brokers know it.
  var membership: [UInt8] { id == 0 ? [] : [UInt8(id), UInt8(truncatingIfNeeded: generation)] }

  /// Joins, if it has not yet.
  func subscribe() {
    polledAt = world.now
    guard phase == .out else { return }
    phase = .joining
    rejoin()
    watch()
  }

  private func rejoin() {
    guard !isJoinUnderWay else { return }
    isJoinUnderWay = true
    world.after(world.heartbeatDelay()) { [self] in
      isJoinUnderWay = false
      if isAlive, phase == .joining { id = world.group.join(self, id: id) }
    }
  }

  /// The worker polls: it is alive.
  func polled() { polledAt = world.now }

  /// Leaves the group when the worker has not polled for too long.
  private func watch() {
    let limit = world.plan.rebalanceTimeout
    world.after(max(1, polledAt + limit - world.now)) { [self] in
      guard !life.isDead, phase != .out else { return }
      if life.isPaused {
        polledAt = world.now
      } else if world.now - polledAt >= limit {
        polledAt = world.now
        world.group.remove(id, why: "it did not poll")
        lose()
      }
      watch()
    }
  }

  /// Learns what the coordinator thinks.
  func heartbeat() {
    guard isAlive, id != 0 else { return }
    guard let seat = world.group.seat(id) else { return lose() }
    if world.group.isRebalancing {
      guard !seat.hasJoined else { return }
      if phase == .joining { _ = world.group.join(self, id: id) }
      if phase == .assigned { revoke(lost: false) }
    } else if phase == .joining, world.group.generation != generation {
      generation = world.group.generation
      assignment = seat.assignment
      phase = .assigned
      changes.append(.assigned(assignment))
      life.wake()
    } else if phase == .assigned, world.group.generation != generation {
      revoke(lost: true)
    }
  }

  private func lose() {
    id = 0
    if phase == .assigned { revoke(lost: true) }
    if phase == .joining { rejoin() }
  }

  private func revoke(lost: Bool) {
    phase = .revoking
    // An assignment that nobody knows of need not be told any more.
    changes = [.revoked(assignment, lost: lost)]
    life.wake()
  }

  /// The change that waits longest.
  func takeChange() -> PollOutcome? { changes.isEmpty ? nil : changes.removeFirst() }

  var isRevoked: Bool {
    if case .revoked = changes.first { return true }
    return false
  }

  /// The worker has given its partitions up.
  func unassigned() {
    guard phase == .revoking else { return }
    phase = .joining
    assignment = []
    rejoin()
  }

  /// Leaves the group.
  func close() {
    guard phase != .out else { return }
    phase = .out
    world.group.remove(id, why: "it left")
  }

  func paused() {
    pauses += 1
    let current = pauses
    let id = id
    world.after(world.plan.sessionTimeout) { [self] in
      if life.isPaused, pauses == current { world.group.remove(id, why: "its session timed out") }
    }
  }

  func resumed() {
    polledAt = world.now
    world.after(world.heartbeatDelay()) { [self] in
      heartbeat()
      if isAlive, phase == .joining, id == 0 { rejoin() }
    }
  }

  func died() {
    let id = id
    world.after(world.plan.sessionTimeout) { [self] in
      world.group.remove(id, why: "its session timed out")
    }
  }
}
