import Dataflow
import Events

/// Sets of models: operators who promote them, and what processes can load.
extension World {
  /// An operator promotes a set. All live processes are asked first; one that refuses, or does not answer, and nothing is appended.
  ///
  /// A promote that is interrupted, when only some partitions have it, is repeated later with the same number. A number that was given
  /// up is not used again: another promote may have followed.
  func promote(to set: Int, tries: Int, _ draw: Draw) {
    var draw = draw
    let refusals = lives.filter { !$0.isOver && !$0.isDead }.compactMap { life -> String? in
      if life.refusesUntil > now { return "\(life.name) refuses" }
      return life.isPaused || life.isUnheardUntil > now ? "\(life.name) does not answer" : nil
    }
    guard refusals.isEmpty else {
      remark("promotion to set \(set): \(refusals.joined(separator: ", ")): nothing is appended")
      if tries < 3 { later(draw) { [self] draw in promote(to: set, tries: tries + 1, draw) } }
      return
    }
    promotions += 1
    let number = promotions
    let upTo = draw.chance(300) ? draw.int(0...plan.partitions) : plan.partitions
    append(number, set, upTo: upTo)
    if upTo < plan.partitions || draw.chance(200) {
      later(draw) { [self] _ in append(number, set, upTo: plan.partitions) }
    }
    if draw.chance(200) {
      remark("somebody forges a promotion")
      log.insert(
        key: Array(Promotion.entityID.utf8),
        value: EventReader.promotion(number: number + 5, set: (set + 1) % 4, isForged: true),
        timestampMs: 1, into: draw.below(plan.partitions))
    }
  }

  private func later(_ draw: Draw, _ body: @escaping (Draw) -> Void) {
    var draw = draw
    let delay = draw.milliseconds(5...400)
    after(delay) { [self] in
      guard now < plan.quietAt else { return }
      body(draw)
    }
  }

  private func append(_ number: Int, _ set: Int, upTo partitions: Int) {
    for partition in 0..<partitions {
      let offset = log.insert(
        key: Array(Promotion.entityID.utf8),
        value: EventReader.promotion(number: number, set: set, isForged: false), timestampMs: 1,
        into: partition)
      remark("promotion \(number) to set \(set) is \(partition)/\(offset)")
    }
    for life in lives { life.wake() }
  }

  /// What an operator's notes say of promotions below an offset: as far as the log itself can no longer say it, or is not to be read.
  func notedModels(at offset: Int64, of partition: Int32) -> ModelSetInForce? {
    let place = Int(partition)
    var found: ModelSetInForce?
    for record in log.partitions[place].prefix(log.visible[place]) where record.offset < offset {
      guard let promotion = EventReader.promotion(of: record) else { continue }
      let isGone =
        record.offset < log.low[place] || acceptedGaps[place].contains(record.offset)
        || orders[place].contains(record.offset)
      if isGone, promotion.number > found?.number ?? 0 {
        found = ModelSetInForce(number: promotion.number, hash: promotion.set.hex)
      }
    }
    return found
  }
}

/// The sets of models as one life finds them.
final class SimulatedModels: ModelSets {
  private let life: Life
  private var loaded: [String: SumScorer]

  init(_ life: Life) {
    self.life = life
    loaded = [SumScorer.hash(of: 0): SumScorer(0)]
  }

  func inForce(at offset: Int64, of partition: Int32) throws -> ModelSetInForce? {
    if life.isDead { throw Crash() }
    return life.world.notedModels(at: offset, of: partition)
  }

  func scorer(of hash: String) throws -> any RowScorer {
    if life.isDead { throw Crash() }
    if let known = loaded[hash] { return known }
    return try life.read("load", of: .models, hash) {
      guard let set = (0...4).first(where: { SumScorer.hash(of: $0) == hash }) else {
        throw PortError(.refused, "there is no set of models \(hash)")
      }
      let made = SumScorer(set)
      loaded[hash] = made
      return made
    }
  }

  func keep(_ hashes: Set<String>) { loaded = loaded.filter { hashes.contains($0.key) } }
}
