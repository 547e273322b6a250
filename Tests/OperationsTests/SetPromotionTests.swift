import Dataflow
import Events
import Foundation
import Ingest
import Registry
import TestPlaces
import Testing

@testable import Configuration
@testable import Operations

/// How a set of models is proposed, appended and noted.
@Suite struct SetPromotionTests {
  /// Processes that answer as they are told.
  private final class Votes: ModelVotes {
    var processes: [String: String?]
    private(set) var proposed: [String] = []
    private(set) var withdrawn = 0

    /// By process its answer (empty: it can); nil: none comes.
    init(_ processes: [String: String?]) { self.processes = processes }

    func propose(_ token: String, number: UInt64, set: String) { proposed.append("\(number) \(set)") }
    func withdraw() { withdrawn += 1 }
    func live() -> [String] { processes.keys.sorted() }
    func answers(to token: String) -> [String: String] { processes.compactMapValues { $0 } }
  }

  private let access: MemoryAccess
  private let log: PromotionLog
  private static let sets = ["00", "01", "02"].map { String(repeating: $0, count: 16) }

  init() throws {
    let secret = String(repeating: "a-key-of-ours-", count: 3)
    let keys = try Places.write(secret + "\n", as: "control.key")
    chmod(keys, 0o600)
    let id = try #require(ControlKey(Array(secret.utf8))).id
    let file = try Places.write(
      readText(Places.pipeline) + "\ncontrol: [{key: \(id)}]\n", as: "engagement.yaml")
    var settings = Settings()
    settings.controlKeyFile = GivenSecret(.file(keys), .builtIn).with(secret)
    access = try MemoryAccess(
      partitions: 3, pipeline: try LoadedPipeline(file: file), settings: settings)
    let registry = ModelRegistry(path: try Places.newFolder("registry"))
    log = try PromotionLog(registry, pipeline: "engagement")
    try log.whileLocked {
      try log.append(
        PromotionNote(
          number: 0, set: Self.sets[0], action: .baseline, model: nil, version: nil, reason: Self.reason,
          from: nil))
    }
    access.feed(["alice", "bob", "carol", "dave"])
    try access.score()
  }

  private static let reason = ChangeReason(who: "ann", at: "2026-01-31T12:00:00.000Z", why: "a test")

  private func promote(
    to set: Int, _ votes: Votes?, _ access: MemoryAccess? = nil
  ) throws -> PromotionNote? {
    let version = try #require(ModelVersion(hex: String(repeating: "\(set)", count: 16)))
    return try SetPromotion(
      access: access ?? self.access, log: log, votes: votes, clock: SteppingClock(), waitMs: 3_000
    ).run(
      SetPromotion.Order(
        versions: ["churn": version], set: Self.sets[set], action: .promote, model: "churn",
        reason: Self.reason))
  }

  private var ends: [Int64] { (0..<3).map { access.log.bounds($0).high } }

  private func text(of body: () throws -> Any?) throws -> String {
    do {
      _ = try body()
      return ""
    } catch { return "\(error)" }
  }

  @Test func allCanAndItLiesOnEveryPartition() throws {
    let before = ends
    let votes = Votes(["a/1": "", "b/2": ""])
    let note = try #require(try promote(to: 1, votes))
    #expect(note.number == 1 && note.offsets == before && ends == before.map { $0 + 1 })
    #expect(votes.proposed == ["1 \(Self.sets[1])"] && votes.withdrawn == 1)
    #expect(access.said.all.contains("2 processes can score with the set"))
    #expect(try log.inForce().map(\.number) == [0, 1])
    // It is in force: nothing more is to be done.
    #expect(try promote(to: 1, votes) == nil && ends == before.map { $0 + 1 })
    #expect(try promote(to: 0, nil)?.number == 2)
  }

  @Test func oneRefusalOrAMissingAnswerAndNothingIsAppended() throws {
    let before = ends
    let refused = Votes(["a/1": "", "b/2": "no such file"])
    #expect(try text { try promote(to: 1, refused) }.contains("b/2: no such file"))
    let silent = Votes(["a/1": "", "b/2": nil])
    #expect(try text { try promote(to: 1, silent) }.contains("from: b/2"))
    #expect(ends == before && refused.withdrawn == 1 && silent.withdrawn == 1)
    #expect(try log.unfinished() == nil && log.notes().count == 1)
    // Who is gone need not answer; the number was not used up.
    silent.processes["b/2"] = .some("")
    #expect(try promote(to: 1, silent)?.number == 1)
  }

  @Test(arguments: [0, 1, 2])
  func whatWasInterruptedIsCompleted(_ appended: Int) throws {
    let before = ends
    var dying = access
    dying.appendsMax = appended
    #expect(try text { try promote(to: 1, nil, dying) }.contains("the brokers are gone"))
    #expect(try log.unfinished()?.number == 1)
    access.feed(["erin", "frank", "grace"], from: SamplePipeline.nowMicros - SamplePipeline.day)
    let later = ends
    #expect(
      try text { try promote(to: 2, nil) }.contains("promotion 1 to the set \(Self.sets[1]) was interrupted"))
    let note = try #require(try promote(to: 1, nil))
    // Where it lay already it was not appended again.
    #expect(note.number == 1)
    let offsets = try #require(note.offsets)
    for partition in 0..<3 {
      #expect(offsets[partition] == (partition < appended ? before : later)[partition])
    }
    #expect(ends.reduce(0, +) == later.reduce(0, +) + Int64(3 - appended))
    #expect(try promote(to: 2, nil)?.number == 2)
  }

  @Test func aNumberIsAboveThatOfTheRecordsWhateverTheRegistryKnows() throws {
    try access.score { $0.inForce = ModelSetInForce(number: 41, hash: Self.sets[2]) }
    #expect(try promote(to: 1, nil)?.number == 42)
  }
}
