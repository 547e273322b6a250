import TestPlaces
import Foundation
import TestServers

/// A kind of trouble that a chaos trial makes while events are scored.
enum ChaosFault: String, CaseIterable, Sendable {
  /// kill -9 of the scorer; another takes its place at once.
  case killScorer = "kill-scorer"
  /// kill -9 of redis-server (append-only file, synced each second), started again on its files.
  case killRedis = "kill-redis"
  /// The same, and its files are gone.
  case emptyRedis = "empty-redis"
  /// The same, and its files are older ones.
  case rollBackRedis = "roll-back-redis"
  /// kill -9 of PostgreSQL and all its backends, started again.
  case killPostgres = "kill-postgres"
  /// kill -9 of the broker by the caller's commands.
  case killBroker = "kill-broker"
  /// The scorer sleeps (SIGSTOP) until the group has given its partitions to another, then wakes up.
  case zombie
  /// The disk of the table is full for a while: SQLite.
  case fullDiskSQLite = "full-disk-sqlite"
  /// The disk of the table is full for a while: PostgreSQL.
  case fullDiskPostgres = "full-disk-postgres"
  /// Every connection to Redis is reset, some times in a row.
  case resetRedis = "reset-redis"
  /// Every connection to PostgreSQL is reset, some times in a row.
  case resetPostgres = "reset-postgres"
  /// Two more scorers join; later one of the three leaves and one is killed.
  case scale = "scale-1-3-1"
  /// Any of the others, as the seed says.
  case mixed

  /// Why it cannot be made here; nil: it can.
  func problem(_ plan: ChaosPlan, _ delivery: ChaosDelivery? = nil) -> String? {
    if delivery == .exactlyOnce && plan.brokers == nil {
      return "the embedded broker knows no committed view: set TALLY_BROKERS"
    }
    switch self {
    case .killBroker:
      if plan.brokers == nil { return "the embedded broker cannot be killed: set TALLY_BROKERS" }
      if plan.brokerStop == nil || plan.brokerStart == nil {
        return "set TALLY_CHAOS_BROKER_STOP and TALLY_CHAOS_BROKER_START"
      }
      return nil
    case .fullDiskSQLite, .fullDiskPostgres: return SmallDisk.problem
    default: return nil
    }
  }

  /// The database of its trials.
  var table: TestTable.Kind { self == .fullDiskSQLite ? .sqlite : .postgres }

  /// Those that a trial with everything chooses from: all of PostgreSQL's that are wanted and can be had.
  static func mixable(_ plan: ChaosPlan) -> [ChaosFault] {
    let all = plan.faults.filter { $0 != .mixed && $0.table == .postgres && $0.problem(plan) == nil }
    // Alone it is asked for everything.
    return all.isEmpty
      ? allCases.filter { $0 != .mixed && $0.table == .postgres && $0.problem(plan) == nil } : all
  }
}

/// How scores are delivered.
enum ChaosDelivery: String, CaseIterable, Sendable {
  case effectivelyOnce = "effectively-once"
  case exactlyOnce = "exactly-once"
}

/// What a chaos run does; a function of the environment.
struct ChaosPlan: Sendable {
  /// Times that all faults are gone through, each with a log and servers of its own.
  var rounds = 1
  /// Seed of the first round; the next has the next.
  var seed: UInt64 = 1
  var faults = ChaosFault.allCases
  var deliveries = ChaosDelivery.allCases
  /// Faults that strike one log.
  var strikes = 5
  /// What strikes in a mixed trial, in this order; empty: what the seed says.
  var sequence: [ChaosFault] = []
  /// New records for each strike.
  var recordsPerStrike = 500
  /// `kafka.session_timeout`, milliseconds: how soon a dead scorer's partitions go to another.
  var sessionTimeoutMs = 6_000
  /// A real broker's addresses; nil: the embedded one.
  var brokers: String?
  /// Commands that kill -9 the broker's process and that start it again.
  var brokerStop: String?
  var brokerStart: String?
  /// File for the table of findings; nil: none.
  var report: String?

  /// What `scripts/chaos.sh` asks for; nil: it does not. Throws on a word that nobody knows.
  static func asked() throws -> ChaosPlan? {
    var plan = surroundings
    guard let rounds = variable("ROUNDS") else { return nil }
    plan.rounds = try number(rounds)
    plan.seed = UInt64(try number(variable("SEED") ?? "1"))
    plan.strikes = try number(variable("STRIKES") ?? "5")
    plan.faults = try words(variable("FAULTS") ?? "all")
    let delivery = variable("DELIVERY") ?? "both"
    plan.deliveries = try delivery == "both" ? ChaosDelivery.allCases : words(delivery)
    plan.sessionTimeoutMs = try number(variable("SESSION_MS") ?? "6000")
    plan.report = variable("REPORT")
    return plan
  }

  /// The short form: one fault of every kind of server, one seed.
  static var short: ChaosPlan {
    var plan = surroundings
    plan.faults = [.mixed]
    plan.deliveries = [.effectivelyOnce]
    plan.sequence = [.resetPostgres, .killRedis, .rollBackRedis, .killScorer, .resetRedis, .killPostgres]
    plan.strikes = plan.sequence.count
    plan.recordsPerStrike = 300
    return plan
  }

  /// A real broker's addresses, by the environment.
  static var brokers: String? {
    let brokers = ProcessInfo.processInfo.environment["TALLY_BROKERS"] ?? ""
    return brokers.isEmpty ? nil : brokers
  }

  private static var surroundings: ChaosPlan {
    var plan = ChaosPlan()
    plan.brokers = brokers
    plan.brokerStop = variable("BROKER_STOP")
    plan.brokerStart = variable("BROKER_START")
    return plan
  }

  private static func variable(_ name: String) -> String? {
    let value = ProcessInfo.processInfo.environment["TALLY_CHAOS_" + name] ?? ""
    return value.isEmpty ? nil : value
  }

  private static func number(_ text: String) throws -> Int {
    guard let number = Int(text), number > 0 else { throw TestFailure("\(text) is not a number above 0") }
    return number
  }

  private static func words<Word: RawRepresentable & CaseIterable>(_ text: String) throws -> [Word]
  where Word.RawValue == String {
    guard text != "all" else { return Array(Word.allCases) }
    return try text.split(separator: ",").map { name in
      guard let word = Word(rawValue: String(name)) else {
        let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw TestFailure("there is no \(name): choose from \(known)")
      }
      return word
    }
  }
}
