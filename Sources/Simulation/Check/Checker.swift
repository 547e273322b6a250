import Dataflow
import Events

/// Compares the end of a run with the model. All differences are listed.
struct Checker {
  private let world: World
  private let model: Model
  /// What the records in force say to be left out.
  private let leftOut: [LeftOutRanges]
  private(set) var problems: [String] = []

  init(_ world: World) {
    self.world = world
    leftOut = (0..<Int32(world.plan.partitions)).map { partition in
      world.standing(partition)?.leftOut ?? LeftOutRanges()
    }
    model = Model(world.log, leftOut, world.pipeline)
    checkTopic()
    checkTable()
    for partition in 0..<world.plan.partitions { checkPartition(partition) }
  }

  private func text(_ place: LogPlace) -> String {
    let record = world.log.partitions[Int(place.partition)].first { $0.offset == place.offset }
    return "record \(place.partition)/\(place.offset)" + (record.map { " (r\($0.number))" } ?? "")
  }

  private static func text(_ outcome: Outcome?) -> String {
    switch outcome {
    case nil: "nothing"
    case .letter(let reason): "letter \(reason.rawValue)"
    case .score(let bits): "score \(bits.map { String($0, radix: 16) }.joined(separator: " "))"
    }
  }

  private mutating func compare(_ what: String, _ place: LogPlace, _ found: Outcome?) {
    guard found != model.outcomes[place] else { return }
    // What was under way when it was left out may have come to the topic; to the table, only what the log has lost.
    guard !mayBeThere(place, inTable: what == "table") else { return }
    problems.append(
      "\(what): \(text(place)) has \(Self.text(found)), the model \(Self.text(model.outcomes[place]))")
  }

  private func mayBeThere(_ place: LogPlace, inTable: Bool) -> Bool {
    leftOut[Int(place.partition)].ranges.contains {
      $0.from <= place.offset && place.offset < $0.until
        && ($0.cause == .deleted || $0.cause == .skipped && !inTable)
    }
  }

  private mutating func checkTopic() {
    var counts: [LogPlace: Int] = [:]
    var inTransactions: [LogPlace: Int] = [:]
    for message in world.topic.committed {
      inTransactions[message.place, default: 0] += 1
      counts[message.place, default: 0] += 1
      compare("topic", message.place, message.outcome)
    }
    for message in world.topic.plain {
      counts[message.place, default: 0] += 1
      // What was under way to the topic at an order came of states that knew what is left out since.
      guard message.life >= world.livesBeforeOrder[Int(message.place.partition)] else { continue }
      compare("topic", message.place, message.outcome)
    }
    for place in model.outcomes.keys.sorted() where counts[place] == nil {
      problems.append("topic: \(text(place)) is missing")
    }
    for (place, count) in inTransactions.sorted(by: { $0.key < $1.key }) where count > 1 {
      let lives = world.topic.committed.filter { $0.place == place }.map { String($0.life) }
      problems.append(
        "topic: \(text(place)) was committed \(count) times, by lives \(lives.joined(separator: ", "))")
    }
  }

  private mutating func checkTable() {
    for (place, row) in world.table.rows.sorted(by: { $0.key < $1.key }) {
      if model.rows[place] == nil {
        guard !mayBeThere(place, inTable: true) else { continue }
        problems.append("table: \(text(place)) has a row that should not be there: \(Self.text(row.outcome))")
      } else {
        compare("table", place, row.outcome)
      }
    }
    for place in model.rows.keys.sorted()
    where world.table.rows[place] == nil && !model.perhapsErased.contains(place)
      && (world.plan.keepsState || place.offset >= world.tableBegan[place.partition] ?? 0)
    {
      problems.append("table: \(text(place)) is missing")
    }
    for place in world.table.repeated { problems.append("table: \(text(place)) came again") }
  }

  private mutating func checkPartition(_ partition: Int) {
    let place = world.placeInForce(Int32(partition))
    let slot = world.store.slot(place)
    let name = "partition \(partition)"
    guard let standing = world.standing(Int32(partition)) else {
      problems.append("\(name): there is no record")
      return
    }
    let end = world.log.end(partition)
    if standing.nextOffset != end { problems.append("\(name): W is \(standing.nextOffset), not \(end)") }
    let table = world.table.positions[Int32(partition)]
    if table ?? 0 != end { problems.append("\(name): T is \(table.map(String.init) ?? "none"), not \(end)") }
    let committed = world.group.committed[partition]?.offset ?? 0
    // Without transactions C may lag when a worker ends amid a rebalance.
    let isExact =
      !world.plan.keepsState
      || world.promises.last == .exactlyOnce && Set(world.promises).count == 1
    if isExact ? committed != end : committed > end {
      problems.append("\(name): C is \(committed), the end \(end)")
    }
    checkLeftOut(partition)
    checkCounts(partition, standing)
    for (id, state) in model.states[partition].sorted(by: { $0.key.lexicographicallyPrecedes($1.key) })
    where slot.states[id] != state {
      problems.append(
        "\(name): the state of \(String(decoding: id, as: UTF8.self)) "
          + (slot.states[id] == nil ? "is missing" : "has other bytes"))
    }
    for id in slot.states.keys where model.states[partition][id] == nil {
      problems.append("\(name): \(String(decoding: id, as: UTF8.self)) should have no state")
    }
  }

  /// Only what was ordered, was gone, or cannot be read is left out; the table says the same, and so does the group where it has
  /// caught up.
  private mutating func checkLeftOut(_ partition: Int) {
    let name = "partition \(partition)"
    let found = leftOut[partition]
    for range in found.ranges {
      let isRight = (range.from..<range.until).allSatisfy { offset in
        switch range.cause {
        case .deleted: world.acceptedGaps[partition].contains(offset)
        case .skipped: world.orders[partition].contains(offset)
        // Between the records of a batch there may be offsets without one.
        case .unreadable:
          world.log.partitions[partition].allSatisfy { $0.offset != offset || $0.unreadable != nil }
        }
      }
      if !isRight { problems.append("\(name): nobody has a reason to leave out \(range.text)") }
    }
    let table = world.table.leftOut[Int32(partition)] ?? LeftOutRanges()
    if table != found {
      problems.append("\(name): the table leaves out \(table.text), the store \(found.text)")
    }
    if let committed = world.group.committed[partition], committed.offset == world.log.end(partition),
      committed.leftOut != found.orders
    {
      problems.append(
        "\(name): the group leaves out \(committed.leftOut.text), the store \(found.orders.text)")
    }
  }

  private mutating func checkCounts(_ partition: Int, _ standing: PartitionRecord) {
    let name = "partition \(partition)"
    if standing.counts != model.counts[partition] {
      problems.append(
        "\(name): read, scored, duplicate, erased, promoted are \(standing.counts), not \(model.counts[partition])"
      )
    }
    if standing.inForce != model.inForce[partition] {
      problems.append(
        "\(name): promotion \(standing.inForce.number) is in force, not \(model.inForce[partition].number)")
    }
    if standing.counters.deadLettered != model.deadLettered[partition] {
      problems.append(
        "\(name): dead letters are \(standing.counters.deadLettered), not \(model.deadLettered[partition])")
    }
    let sum = (standing.counts[1...] + standing.counters.deadLettered).reduce(0, +)
    if standing.counts[0] != sum {
      problems.append("\(name): read \(standing.counts[0]) is not the sum \(sum)")
    }
  }
}
