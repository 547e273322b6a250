import Foundation
import Testing

@testable import Registry

/// Sets of versions, and the lines of promotions.
@Suite struct PromotionLogTests {
  private let fixture: RegistryFixture
  private let log: PromotionLog
  private var path: String { fixture.registry.path + "/shop/promotions.jsonl" }
  private static let sets = (0..<4).map { String(repeating: "\($0)", count: 32) }

  init() throws {
    fixture = try RegistryFixture()
    log = try PromotionLog(fixture.registry, pipeline: "shop")
  }

  private func note(_ number: UInt64, _ set: Int, at offsets: [Int64]? = nil) -> PromotionNote {
    PromotionNote(
      number: number, set: Self.sets[set], action: number == 0 ? .baseline : .promote, model: "churn",
      version: nil, reason: RegistryFixture.reason, from: [0, 0], offsets: offsets)
  }

  @Test func whatWasNotedIsReadAndHalfALineIsNone() throws {
    #expect(try log.notes().isEmpty && log.unfinished() == nil)
    try fixture.register("a")
    try log.append(note(0, 0))
    try log.append(note(1, 1))
    #expect(try log.unfinished()?.number == 1 && log.inForce().map(\.number) == [0])
    try log.append(note(1, 1, at: [5, 7]))
    #expect(try log.unfinished() == nil && log.inForce().map(\.offsets) == [nil, [5, 7]])
    // A kill in the middle of a line.
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("{\"number\":2,\"se".utf8))
    try handle.close()
    #expect(try log.notes().map(\.number) == [0, 1, 1])
    try log.append(note(2, 2))
    #expect(try log.notes().map(\.number) == [0, 1, 1, 2])
    // Numbers rise, and what is appended is not appended again.
    #expect(throws: RegistryError.self) { try log.append(note(1, 1, at: [9, 9])) }
    try log.append(note(2, 2, at: [8, 9]))
    #expect(throws: RegistryError.self) { try log.append(note(2, 2, at: [9, 9])) }
    try Data("{\"number\":\"x\"}\n".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: RegistryError.self) { try log.notes() }
  }

  @Test func aSetNamesItsVersionsAndPinnedModelsAreThose() throws {
    let first = try fixture.register("a")
    let second = try fixture.register("b")
    try log.keep(["churn": first], as: Self.sets[0])
    // A set never changes.
    try log.keep(["churn": second], as: Self.sets[0])
    #expect(try log.versions(of: Self.sets[0]) == ["churn": first])
    #expect(throws: RegistryError.self) { try log.versions(of: Self.sets[1]) }
    let pinned = PinnedModels(
      fixture.registry, pipeline: "shop", versions: try log.versions(of: Self.sets[0]))
    #expect(try pinned.read("churn", file: "x").version == first)
    #expect(pinned.has("churn", file: "x") && !pinned.has("spend", file: "x"))
    #expect(throws: RegistryError.self) { try pinned.read("spend", file: "x") }
    // Neither is taken for a model, or for something foreign.
    try log.append(note(0, 0))
    #expect(try fixture.registry.models().map(\.name) == ["churn"])
    #expect(try fixture.registry.findings().isEmpty)
    #expect(throws: RegistryError.self) { try fixture.registry.model("sets", of: "shop") }
    try fixture.model.delete(first)
    #expect(try fixture.registry.findings().map(\.place) == ["shop/sets/\(Self.sets[0])"])
    #expect(throws: RegistryError.self) { try PromotionLog(fixture.registry, pipeline: "../shop") }
  }

  @Test func aVersionIsNeededAsLongAsTheLogHasItsEvents() throws {
    let versions = try (0..<3).map { try fixture.register("\($0)") }
    for (place, version) in versions.enumerated() { try log.keep(["churn": version], as: Self.sets[place]) }
    try log.append(note(0, 0))
    try log.append(note(1, 1, at: [10, 20]))
    try log.append(note(2, 2, at: [30, 40]))
    func need(_ version: Int, _ beginnings: [Int64]?) throws -> UInt64? {
      try log.need(of: versions[version], of: "churn", from: beginnings)?.number
    }
    #expect(try need(0, nil) == 0 && need(1, nil) == 1 && need(2, nil) == 2)
    // Of partition 1 an event is left that set 0 scores; then none.
    #expect(try need(0, [11, 20]) == 0 && need(0, [11, 21]) == nil)
    #expect(try need(1, [31, 40]) == 1 && need(1, [31, 41]) == nil && need(2, [99, 99]) == 2)
    #expect(try log.need(of: versions[0], of: "spend", from: nil) == nil)
    try log.append(note(3, 0))
    #expect(try need(0, [99, 99]) == 3)
  }
}
