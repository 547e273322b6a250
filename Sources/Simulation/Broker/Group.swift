import Dataflow

/// The group's coordinator: members, generations, eager range assignment, committed offsets.
final class Group {
  struct Seat {
    let id: Int
    let member: GroupMember
    var hasJoined: Bool
    var assignment: [Int32] = []
  }

  unowned let world: World
  private(set) var seats: [Seat] = []
  private(set) var generation = 0
  private(set) var isRebalancing = false
  private var round = 0
  private var lastID = 0
  /// C by partition.
  var committed: [CommittedOffset?]

  init(_ world: World) {
    self.world = world
    committed = Array(repeating: nil, count: world.plan.partitions)
  }

  func seat(_ id: Int) -> Seat? { seats.first { $0.id == id } }

  /// Whether offsets of this member and generation are taken.
  func isCurrent(_ id: Int, _ generation: Int) -> Bool { generation == self.generation && seat(id) != nil }

  /// A member asks to be in the next generation. Returns its id, a new one unless it has one that is known.
  func join(_ member: GroupMember, id: Int) -> Int {
    var id = id
    if let place = seats.firstIndex(where: { $0.id == id }) {
      seats[place].hasJoined = true
    } else {
      lastID += 1
      id = lastID
      seats.append(Seat(id: id, member: member, hasJoined: true))
    }
    if isRebalancing { completeIfAllJoined() } else { rebalance(but: id) }
    return id
  }

  /// A member is gone: it said so, or sent no heartbeat for too long.
  func remove(_ id: Int, why: String) {
    guard let place = seats.firstIndex(where: { $0.id == id }) else { return }
    world.remark("group: member \(id) (\(seats[place].member.life.name)) is out: \(why)")
    tell(seats[place].member)
    seats.remove(at: place)
    guard !seats.isEmpty else {
      isRebalancing = false
      generation += 1
      return
    }
    if isRebalancing { completeIfAllJoined() } else { rebalance(but: 0) }
  }

  /// Shares the partitions out again; `joined`: the member that has asked for it.
  func rebalance(but joined: Int) {
    guard !isRebalancing, !seats.isEmpty else { return }
    isRebalancing = true
    round += 1
    for place in seats.indices {
      seats[place].hasJoined = seats[place].id == joined
      if !seats[place].hasJoined { tell(seats[place].member) }
    }
    let current = round
    world.after(world.plan.rebalanceTimeout) { [self] in
      guard isRebalancing, round == current else { return }
      for seat in seats where !seat.hasJoined {
        world.remark("group: member \(seat.id) (\(seat.member.life.name)) is out: it did not join in time")
        tell(seat.member)
      }
      seats.removeAll { !$0.hasJoined }
      if seats.isEmpty { isRebalancing = false } else { completeIfAllJoined() }
    }
    completeIfAllJoined()
  }

  private func completeIfAllJoined() {
    guard isRebalancing, seats.allSatisfy(\.hasJoined) else { return }
    isRebalancing = false
    generation += 1
    seats.sort { $0.id < $1.id }
    let partitions = world.plan.partitions
    var next = 0
    for place in seats.indices {
      let count = partitions / seats.count + (place < partitions % seats.count ? 1 : 0)
      seats[place].assignment = (next..<next + count).map { Int32($0) }
      next += count
      tell(seats[place].member)
    }
    world.remark(
      "group: generation \(generation): "
        + seats.map { "\($0.member.life.name) \($0.assignment)" }.joined(separator: ", "))
  }

  private func tell(_ member: GroupMember) { world.after(world.heartbeatDelay()) { member.heartbeat() } }

  /// Commits offsets of a member. Returns false when the group has gone on without it.
  func commit(_ marks: [OffsetMark], id: Int, generation: Int) -> Bool {
    guard isCurrent(id, generation) || world.plan.neighbourBugs.has(.commitsUnchecked) else { return false }
    apply(marks)
    return true
  }

  func apply(_ marks: [OffsetMark]) {
    for mark in marks {
      if let before = committed[Int(mark.partition)]?.offset, before > mark.offset,
        world.isExactlyOnce(mark.partition)
      {
        world.violate("partition \(mark.partition): C moved back from \(before) to \(mark.offset)")
      }
      committed[Int(mark.partition)] = CommittedOffset(
        mark.offset, firstOffset: mark.firstOffset, leftOut: mark.leftOut,
        record: mark.record.isEmpty ? nil : mark.record)
    }
  }
}
