import Foundation
import TestNumbers
import TestThreads
import Testing

@testable import Registry

/// Aliases and their log, against a list of moves and through crashes.
@Suite struct AliasTests {
  /// What a registry should hold: versions, and for each alias the versions that it led to.
  private struct Oracle {
    var versions: Set<String> = []
    var stacks: [ModelAlias: [String]] = [:]
    var moves = 0
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func randomChangesGiveWhatTheOracleSays(_ seed: UInt64) throws {
    var numbers = SeededGenerator(seed: seed)
    let fixture = try RegistryFixture()
    let model = fixture.model
    var oracle = Oracle()
    for step in 0..<60 {
      let alias = ModelAlias.allCases.randomElement(using: &numbers) ?? .production
      let place: Comment = "seed \(seed), step \(step)"
      if Int.random(in: 0..<3, using: &numbers) == 0 { try leaveACrash(fixture, &numbers) }
      switch Int.random(in: 0..<5, using: &numbers) {
      case 0, 1:
        oracle.versions.insert(try fixture.register("model \(Int.random(in: 0..<9, using: &numbers))").hex)
      case 2:
        guard let hex = oracle.versions.sorted().randomElement(using: &numbers) else { continue }
        let version = try #require(ModelVersion(hex: hex))
        let move = try model.promote(version, to: alias, reason: RegistryFixture.reason)
        #expect((move == nil) == (oracle.stacks[alias]?.last == hex), place)
        if move != nil {
          oracle.stacks[alias, default: []].append(hex)
          oracle.moves += 1
        }
      case 3:
        let before = oracle.stacks[alias]?.dropLast().last
        if let before, oracle.versions.contains(before) {
          #expect(try model.rollback(alias, reason: RegistryFixture.reason)?.to == before, place)
          oracle.stacks[alias]?.removeLast()
          oracle.moves += 1
        } else if oracle.versions.isEmpty == false || oracle.moves > 0 {
          #expect(throws: RegistryError.self, place) {
            try model.rollback(alias, reason: RegistryFixture.reason)
          }
        }
      default:
        guard let hex = oracle.versions.sorted().randomElement(using: &numbers) else { continue }
        let version = try #require(ModelVersion(hex: hex))
        if oracle.stacks.values.contains(where: { $0.last == hex }) {
          let error = #expect(throws: RegistryError.self, place) { try model.delete(version) }
          #expect(error?.code == .inUse, place)
        } else {
          try model.delete(version)
          oracle.versions.remove(hex)
        }
      }
      #expect(Set(try model.versions().map(\.hex)) == oracle.versions, place)
      #expect(try model.aliases().mapValues(\.hex) == oracle.stacks.compactMapValues(\.last), place)
      #expect(try model.moves().map(\.number) == (0..<oracle.moves).map { $0 + 1 }, place)
      #expect(try fixture.registry.findings().isEmpty, place)
    }
  }

  /// What a kill between two steps leaves: folders that are no versions, an alias file beside the old one, a log without its last
  /// line or with half of it.
  private func leaveACrash(_ fixture: RegistryFixture, _ numbers: inout SeededGenerator) throws {
    guard FileManager.default.fileExists(atPath: fixture.model.path) else { return }
    switch Int.random(in: 0..<4, using: &numbers) {
    case 0:
      try FileManager.default.createDirectory(
        atPath: "\(fixture.model.path)/.new-0123456789abcdef-9", withIntermediateDirectories: true)
      try fixture.write("half", to: ".new-0123456789abcdef-9/model.json")
    case 1: try fixture.write("{\"aliases\":", to: "aliases.json.9.tmp")
    default:
      let lines = fixture.text(of: "log.jsonl").split(separator: "\n").map(String.init)
      guard let last = lines.last else { return }
      let kept = lines.dropLast().map { "\($0)\n" }.joined()
      let torn = String(last.prefix(Int.random(in: 0..<last.count, using: &numbers)))
      try fixture.write("\(kept)\(torn)", to: "log.jsonl")
    }
  }

  /// The log is a history: one that was cut or lengthened by hand is refused by name.
  @Test func alteredLogsAreRefused() throws {
    let fixture = try RegistryFixture()
    for text in ["one", "two", "three"] {
      try fixture.model.promote(fixture.register(text), reason: RegistryFixture.reason)
    }
    let whole = fixture.text(of: "log.jsonl")
    let lines: [String] = whole.split(separator: "\n").map { "\($0)\n" }
    for log: String in [lines[0], lines[0] + lines[2], lines[1] + lines[2], whole + lines[2], "{}\n" + whole]
    {
      try fixture.write(log, to: "log.jsonl")
      #expect(throws: RegistryError.self) { try fixture.model.rollback(reason: RegistryFixture.reason) }
      #expect(try fixture.registry.findings().contains { $0.problem.hasPrefix("altered: ") })
    }
    try fixture.write(whole, to: "log.jsonl")
    try FileManager.default.removeItem(atPath: "\(fixture.model.path)/aliases.json")
    let error = #expect(throws: RegistryError.self) { _ = try fixture.model.aliases() }
    #expect(error?.detail.contains("aliases.json is gone") == true)
  }

  /// Whatever bytes stand in them, the registry's own files are read as they were written or refused, and nothing is changed by that.
  @Test(arguments: [11, 12, 13, 14] as [UInt64])
  func damagedFilesAreReadOrRefused(_ seed: UInt64) throws {
    var numbers = SeededGenerator(seed: seed)
    let fixture = try RegistryFixture()
    for text in ["one", "two"] {
      try fixture.model.promote(fixture.register(text), reason: RegistryFixture.reason)
    }
    let version = try fixture.register("one")
    for step in 0..<60 {
      let name = try #require(
        ["aliases.json", "log.jsonl", "\(version.hex)/metadata.json"].randomElement(using: &numbers))
      let path = "\(fixture.model.path)/\(name)"
      let whole = try #require(FileManager.default.contents(atPath: path))
      var bytes = Array(whole)
      switch Int.random(in: 0..<3, using: &numbers) {
      case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &numbers))
      case 1:
        bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
      default:
        bytes.insert(
          UInt8.random(in: 0...255, using: &numbers), at: Int.random(in: 0..<bytes.count, using: &numbers))
      }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let found = try fixture.model.findings()
      if let content = try? fixture.model.read(version) { #expect(content.model.bytes == Array("one".utf8)) }
      let aliases = try? fixture.model.aliases()
      // What is read of aliases leads to a version that is there, or verify says so.
      if let target = aliases?[.production], try !fixture.model.versions().contains(target) {
        #expect(!found.isEmpty, "seed \(seed), step \(step), \(name)")
      }
      #expect(FileManager.default.contents(atPath: path).map { Array($0) } == bytes)
      try whole.write(to: URL(fileURLWithPath: path))
    }
    #expect(try fixture.registry.findings().isEmpty)
  }

  /// Writers that work at the same moment lose none of each other's moves.
  @Test(.onThreads) func writersAtOnce() async throws {
    let fixture = try RegistryFixture()
    let model = fixture.model
    let versions = try ["one", "two"].map { try fixture.register($0) }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for alias in ModelAlias.allCases {
        group.addTask {
          try (0..<20).count {
            try model.promote(versions[$0 % 2], to: alias, reason: RegistryFixture.reason) != nil
          }
        }
      }
      var moved = 0
      for try await count in group { moved += count }
      #expect(moved == 60)
    }
    #expect(try model.moves().map(\.number) == Array(1...60))
    #expect(try model.aliases().values.allSatisfy { $0 == versions[1] })
    withExtendedLifetime(fixture) {}
  }

  @Test func comparesOnTheSameRowsOnly() {
    func metadata(_ version: String, _ held: String?, _ metrics: [String: Double]) -> VersionMetadata {
      var metadata = RegistryFixture.metadata()
      metadata.version = version
      metadata.metrics = metrics
      metadata.data = held.map {
        VersionMetadata.DataSet(digest: version, heldBackDigest: $0, rows: 8, heldBackRows: 2)
      }
      return metadata
    }
    func verdict(_ new: VersionMetadata, _ old: VersionMetadata) -> String {
      switch MetricComparison(new, beside: old, margin: 0.01) {
      case .notWorse: "not worse"
      case .worse: "worse"
      case .unknown(let why): why
      }
    }
    let old = metadata("b", "rows", ["auc": 0.8, "rmse": 2])
    #expect(verdict(metadata("a", "rows", ["auc": 0.795, "rmse": 9]), old) == "not worse")
    #expect(verdict(metadata("a", "rows", ["auc": 0.785, "rmse": 1]), old) == "worse")
    #expect(verdict(metadata("a", "rows", ["rmse": 2.01]), old) == "not worse")
    #expect(verdict(metadata("a", "rows", ["rmse": 2.03]), old) == "worse")
    // Quantiles and classes.
    let quantiles = metadata("c", "rows", ["pinball": 4, "rmse": 9])
    #expect(verdict(metadata("a", "rows", ["pinball": 4.03, "rmse": 1]), quantiles) == "not worse")
    #expect(verdict(metadata("a", "rows", ["pinball": 4.05, "rmse": 1]), quantiles) == "worse")
    let classes = metadata("c", "rows", ["log_loss": 1, "accuracy": 0.5])
    #expect(verdict(metadata("a", "rows", ["log_loss": 1.02, "accuracy": 0.9]), classes) == "worse")
    #expect(verdict(metadata("a", "rows", ["mae": 1]), old) == "versions a and b have no figure in common")
    #expect(
      verdict(metadata("a", "others", ["auc": 0.9]), old)
        == "versions a and b were measured on different rows")
    #expect(verdict(metadata("a", nil, [:]), old) == "version a has no figures of its own")
    #expect(verdict(old, metadata("a", "rows", [:])) == "version a has no figures of its own")
  }
}
