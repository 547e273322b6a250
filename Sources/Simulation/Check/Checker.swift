import Dataflow
import Events

/// Compares the end of a run with the model. All differences are listed.
struct Checker {
  private let world: World
  private let model: Model
  private(set) var problems: [String] = []

  init(_ world: World) {
    self.world = world
    model = Model(world.log, world.pipeline)
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
    problems.append(
      "\(what): \(text(place)) has \(Self.text(found)), the model \(Self.text(model.outcomes[place]))")
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
        problems.append("table: \(text(place)) has a row that should not be there: \(Self.text(row.outcome))")
      } else {
        compare("table", place, row.outcome)
      }
    }
    for place in model.rows.keys.sorted() where world.table.rows[place] == nil {
      problems.append("table: \(text(place)) is missing")
    }
    for place in world.table.repeated { problems.append("table: \(text(place)) came again") }
  }

  private mutating func checkPartition(_ partition: Int) {
    let place = world.placeInForce(Int32(partition))
    let slot = world.store.slot(place)
    let name = "partition \(partition)"
    guard let record = slot.record, let standing = world.wiring.standing(record) else {
      problems.append("\(name): the store has no record")
      return
    }
    let end = world.log.end(partition)
    if standing.nextOffset != end { problems.append("\(name): W is \(standing.nextOffset), not \(end)") }
    let table = world.table.positions[Int32(partition)]
    if table ?? 0 != end { problems.append("\(name): T is \(table.map(String.init) ?? "none"), not \(end)") }
    let committed = world.group.committed[partition]?.offset ?? 0
    // Without transactions C may lag when a worker ends amid a rebalance.
    if world.promises.last == .exactlyOnce && Set(world.promises).count == 1
      ? committed != end : committed > end
    {
      problems.append("\(name): C is \(committed), the end \(end)")
    }
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

  private mutating func checkCounts(_ partition: Int, _ standing: SimulatedStanding) {
    let name = "partition \(partition)"
    if standing.counts != model.counts[partition] {
      problems.append(
        "\(name): read, scored, duplicate, erased are \(standing.counts), not \(model.counts[partition])")
    }
    if standing.deadLettered != model.deadLettered[partition] {
      problems.append(
        "\(name): dead letters are \(standing.deadLettered), not \(model.deadLettered[partition])")
    }
    let sum = standing.counts[1...].reduce(0, +) + standing.deadLettered.reduce(0, +)
    if standing.counts[0] != sum {
      problems.append("\(name): read \(standing.counts[0]) is not the sum \(sum)")
    }
  }
}
