import TestPlaces
import Foundation
import TestServers
import TestNumbers

/// The servers, scorers and load of one chaos trial. The scorers reach Redis and PostgreSQL through relays.
final class ChaosStage {
  let rig: Rig
  let redis: RedisServer
  let postgres: PostgresServer?
  let disk: SmallDisk?
  let redisRelay: Relay
  let postgresRelay: Relay?
  let load: ChaosLoad
  /// Those that should be running.
  private(set) var scorers: [ChaosScorer] = []
  /// Scorers that ended without being told to, with what they said.
  private(set) var endings: [String] = []

  private let plan: ChaosPlan
  private let delivery: ChaosDelivery
  private let settings: String
  private var known = 0
  /// Longest wait for anything to happen; `until` multiplies it.
  static let waitSeconds = 30
  private static let smallDiskMegabytes = 48

  init(_ fault: ChaosFault, _ plan: ChaosPlan, _ delivery: ChaosDelivery, seed: UInt64) throws {
    self.plan = plan
    self.delivery = delivery
    let mixed = fault == .mixed ? ChaosFault.mixable(plan) : [fault]
    let isDiskSmall = mixed.contains { $0 == .fullDiskSQLite || $0 == .fullDiskPostgres }
    disk = isDiskSmall ? try SmallDisk(megabytes: Self.smallDiskMegabytes) : nil
    redis = try RedisServer(
      appendOnly: true, options: ["--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"])
    postgres = fault.table == .postgres ? try PostgresServer() : nil
    rig = try Rig(
      fault.table, redis: redis, postgres: postgres,
      folder: fault.table == .sqlite ? disk?.folder : nil)
    if postgres != nil, let disk { try rig.table.move(to: disk.folder) }
    redisRelay = try Relay(to: redis.port)
    postgresRelay = try postgres.map { try Relay(to: $0.port) }
    var dice = SeededGenerator(seed: seed)
    let batchRowsMax = [1, 8, 16, 64, 512].randomElement(using: &dice) ?? 16
    let transactionRowsMax = [16, 64, 256, 512].randomElement(using: &dice) ?? 64
    settings = try Places.write(
      """
      kafka: {session_timeout: \(plan.sessionTimeoutMs)ms}
      worker:
        batch_rows_max: \(batchRowsMax)
        transaction_rows_max: \(transactionRowsMax)
        value_size_max: 4KiB
        commit_interval: 100ms

      """, as: "tally.yaml")
    let count = plan.strikes * plan.recordsPerStrike + plan.recordsPerStrike
    load = ChaosLoad(
      ChaosLoad.messages(rig.history, count: count, seed: seed), to: rig.broker)
  }

  /// Ends everything.
  func stop() {
    for scorer in scorers { scorer.process.kill9() }
    load.stop()
    for relay in [redisRelay, postgresRelay] { relay?.stop() }
    redis.stop()
    postgres?.stop()
    disk?.remove()
  }

  /// Starts a scorer under the lowest number that is free.
  @discardableResult
  func begin() throws -> ChaosScorer {
    let number = (1...).first { number in !scorers.contains { $0.number == number } } ?? 1
    let scorer = ChaosScorer(number: number, process: try start(number))
    scorers.append(scorer)
    return scorer
  }

  /// Kills a scorer as a crash would; another takes its number.
  func replace(_ scorer: ChaosScorer) throws {
    scorer.process.kill9()
    scorer.process = try start(scorer.number)
  }

  /// Kills a scorer; none takes its place.
  func kill(_ scorer: ChaosScorer) {
    scorer.process.kill9()
    scorers.removeAll { $0 === scorer }
  }

  /// Asks a scorer to leave; it must say that it went well.
  func leave(_ scorer: ChaosScorer) throws {
    scorers.removeAll { $0 === scorer }
    scorer.process.terminate()
    let result = try scorer.process.wait(seconds: 6)
    if result.code != 0 {
      endings.append("asked to stop, ended with \(result.code): \(result.text.suffix(800))")
    }
  }

  private func start(_ number: Int) throws -> TallyProcess {
    var options = ["--config", settings, "--http", "0", "--on-lost-state", "rebuild"]
    options += ["--redis", "redis://127.0.0.1:\(redisRelay.port)/0"]
    if let postgresRelay { options += rig.table.options(through: postgresRelay) }
    if delivery == .exactlyOnce {
      options += ["--set", "delivery=exactly-once"]
      options += ["--set", "scores.transactional_id=\(rig.broker.name("chaos-\(number)"))"]
    }
    return try rig.start(options)
  }

  /// Sum of the table's positions as far as known: it cannot be asked while the table is down.
  func progress() -> Int {
    known = max(known, rig.table.progress)
    return known
  }

  /// Waits for something; scorers that end by themselves meanwhile are noted and replaced.
  func wait(for what: String, holds: () throws -> Bool) throws {
    try until(what, seconds: Self.waitSeconds, telling: { self.said }) {
      try load.check()
      for scorer in scorers {
        guard let code = scorer.process.exitCode() else { continue }
        endings.append("ended with \(code): \(scorer.process.text.suffix(800))")
        scorer.process = try start(scorer.number)
      }
      // Each look is a process or a request of its own: not too often.
      usleep(20_000)
      return try holds()
    }
  }

  /// Waits until the table has got beyond an offset sum, or has all that was released.
  func waitForProgress(beyond goal: Int) throws {
    try wait(for: "progress beyond \(goal) of \(load.released)") {
      let progress = progress()
      return progress > goal || progress >= load.released
    }
  }

  /// Whether one of the scorers says that it waits for something.
  func isAnyWaiting() -> Bool {
    scorers.contains {
      (try? $0.process.metrics().contains("tally_worker_healthy{worker=\"0\"} 0\n")) ?? false
    }
  }

  /// The partitions that a scorer reads now; none while it cannot say.
  func partitions(_ scorer: ChaosScorer) -> Set<Int> {
    guard scorer.process.exitCode() == nil else { return [] }
    return (try? scorer.process.partitions()) ?? []
  }

  /// What the scorers said last.
  private var said: String { scorers.map { $0.process.text.suffix(900) }.joined(separator: "\n--\n") }
}

/// A scorer's place: a number, and the process that has it now.
final class ChaosScorer {
  let number: Int
  var process: TallyProcess

  init(number: Int, process: TallyProcess) {
    self.number = number
    self.process = process
  }
}
