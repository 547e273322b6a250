import TestPlaces
import Foundation
import TestServers
import TestNumbers

/// One log and one kind of fault that strikes again and again while it is scored; then the comparison with an undisturbed
/// run.
struct ChaosTrial {
  let fault: ChaosFault
  let plan: ChaosPlan
  let delivery: ChaosDelivery
  let seed: UInt64

  /// Strikes, waits until everything is scored, compares. Throws when something could not be waited for.
  func run() throws -> ChaosFinding {
    let chaos = try ChaosStage(fault, plan, delivery, seed: seed)
    defer { chaos.stop() }
    var finding = ChaosFinding()
    var dice = SeededGenerator(seed: seed ^ 0x5eed)
    try chaos.begin()
    for strike in 0..<plan.strikes {
      let kind = self.kind(of: strike, &dice)
      if kind == .rollBackRedis { try chaos.redis.saveFiles() }
      let half = plan.recordsPerStrike / 2
      chaos.load.release(half)
      let goal = chaos.progress() + Int.random(in: 0..<half / 2, using: &dice)
      try chaos.waitForProgress(beyond: goal)
      // However many a batch takes at once: more are on their way when the fault strikes.
      chaos.load.release(plan.recordsPerStrike - half)
      usleep(UInt32.random(in: 0..<100_000, using: &dice))
      let before = chaos.progress()
      // Of the records that are being appended at this moment, some are not scored.
      let isScoring = chaos.load.released > before
      ChaosReport.tell(
        "\(delivery.rawValue) \(fault.rawValue) seed \(seed): strike \(strike + 1) of \(plan.strikes), "
          + "\(kind.rawValue) at \(before)")
      let isFelt = try self.strike(kind, chaos, &dice)
      finding.note(kind, whileScoring: isScoring && isFelt)
      try chaos.waitForProgress(beyond: before)
    }
    chaos.load.release(chaos.load.count)
    try waitUntilScored(chaos)
    for scorer in chaos.scorers { try chaos.leave(scorer) }
    finding.endings = chaos.endings
    let undisturbed = try Rig(beside: chaos.rig, "undisturbed")
    let settings = try Places.write("worker: {value_size_max: 4KiB}\n", as: "tally.yaml")
    try undisturbed.run(["--config", settings], seconds: 120)
    try ChaosComparison(chaos.rig, undisturbed, delivery).compare(into: &finding)
    return finding
  }

  private func kind(of strike: Int, _ dice: inout SeededGenerator) -> ChaosFault {
    guard fault == .mixed else { return fault }
    if !plan.sequence.isEmpty { return plan.sequence[strike % plan.sequence.count] }
    return ChaosFault.mixable(plan).randomElement(using: &dice) ?? .killScorer
  }

  /// Waits until W and T are at the log's end in every partition.
  private func waitUntilScored(_ chaos: ChaosStage) throws {
    try chaos.wait(for: "everything to be appended") { chaos.load.appended == chaos.load.count }
    try chaos.waitForProgress(beyond: chaos.load.count - 1)
    try chaos.wait(for: "every state to be written") {
      let status = try chaos.rig.ask(["status", "--json"])
      guard status.code == 0 else { return false }
      return try Standing.all(status.output).allSatisfy { $0.w == $0.end && $0.t == $0.end }
    }
  }

  /// Makes the fault and ends it. Returns whether anybody can have felt it.
  private func strike(_ kind: ChaosFault, _ chaos: ChaosStage, _ dice: inout SeededGenerator) throws -> Bool {
    let outageMicros = UInt32.random(in: 0..<300_000, using: &dice)
    switch kind {
    case .killScorer: try chaos.scorers.randomElement(using: &dice).map(chaos.replace)
    case .killRedis:
      chaos.redis.kill9()
      usleep(outageMicros)
      try chaos.redis.restart(on: .kept)
    case .emptyRedis: try chaos.redis.restart(on: .none)
    case .rollBackRedis: try chaos.redis.restart(on: .saved)
    case .killPostgres:
      chaos.postgres?.kill9()
      usleep(outageMicros)
      try chaos.postgres?.restart()
    case .killBroker: try killBroker(chaos, outageMicros)
    case .zombie: try sleepAndWake(chaos, &dice)
    case .fullDiskSQLite, .fullDiskPostgres: return try fillDisk(chaos)
    case .resetRedis: return reset(chaos.redisRelay, &dice)
    case .resetPostgres: return reset(chaos.postgresRelay, &dice)
    case .scale: try joinAndLeave(chaos, &dice)
    case .mixed: throw TestFailure("mixed is no fault of its own")
    }
    return true
  }

  private func killBroker(_ chaos: ChaosStage, _ outageMicros: UInt32) throws {
    for command in [plan.brokerStop, plan.brokerStart] {
      let status = try runInShell(command ?? "false")
      guard status == 0 else { throw TestFailure("\(command ?? "") ended with \(status)") }
      usleep(outageMicros)
    }
    try chaos.wait(for: "the broker to answer") { (try? chaos.rig.count("events")) != nil }
  }

  /// A scorer that holds partitions sleeps until another has them all, then wakes up and believes that they are its own.
  private func sleepAndWake(_ chaos: ChaosStage, _ dice: inout SeededGenerator) throws {
    let heir = try chaos.begin()
    try chaos.wait(for: "the heir to join") { !chaos.partitions(heir).isEmpty }
    guard let sleeper = chaos.scorers.filter({ $0 !== heir }).randomElement(using: &dice) else { return }
    sleeper.process.freeze()
    defer { sleeper.process.thaw() }
    let others = chaos.scorers.filter { $0 !== sleeper }
    try chaos.wait(for: "the others to inherit") {
      others.reduce(into: Set()) { $0.formUnion(chaos.partitions($1)) }.count == Rig.partitions
    }
    chaos.load.release(plan.recordsPerStrike / 4)
    try chaos.waitForProgress(beyond: chaos.progress())
    sleeper.process.thaw()
    try chaos.waitForProgress(beyond: chaos.progress())
    try chaos.leave(Bool.random(using: &dice) ? heir : sleeper)
  }

  private func joinAndLeave(_ chaos: ChaosStage, _ dice: inout SeededGenerator) throws {
    let joined = [try chaos.begin(), try chaos.begin()]
    try chaos.wait(for: "three to share") {
      chaos.scorers.allSatisfy { !chaos.partitions($0).isEmpty }
    }
    chaos.load.release(plan.recordsPerStrike / 4)
    try chaos.waitForProgress(beyond: chaos.progress())
    var leaving = chaos.scorers.shuffled(using: &dice)
    try chaos.leave(leaving.removeFirst())
    for scorer in leaving.prefix(joined.count - 1) { chaos.kill(scorer) }
  }

  private func fillDisk(_ chaos: ChaosStage) throws -> Bool {
    guard let disk = chaos.disk else { throw TestFailure("no small disk") }
    try disk.fill()
    defer { disk.clear() }
    var isFelt = false
    try chaos.wait(for: "a scorer to feel it") {
      if !isFelt && chaos.progress() >= chaos.load.released { chaos.load.release(plan.recordsPerStrike / 4) }
      isFelt = chaos.isAnyWaiting()
      return isFelt || chaos.load.released == chaos.load.count
    }
    return isFelt
  }

  private func reset(_ relay: Relay?, _ dice: inout SeededGenerator) -> Bool {
    var count = 0
    for _ in 0..<Int.random(in: 1...4, using: &dice) {
      count += relay?.reset() ?? 0
      usleep(UInt32.random(in: 0..<60_000, using: &dice))
    }
    return count > 0
  }
}
