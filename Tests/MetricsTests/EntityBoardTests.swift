import Dataflow
import Events
import Monitor
import Testing

@Suite struct EntityBoardTests {
  private let context = ScoreContext(
    pipeline: "p", topic: "t", definition: "", featureNames: ["f"], featureLabels: [[]],
    outputNames: ["engagement", "churn"], modelNames: ["m", "m"], modelVersions: ["", ""],
    decisionNames: ["intervene", "level"], decisionLabels: [[], ["high", "low"]], tableFeatures: [])

  private func batch(_ scores: [(id: String, churn: Float)]) -> ScoredBatch {
    let events = EventBatch(symbols: SymbolTable())
    let batch = ScoredBatch(context: context, events: events, capacityRows: 4)
    for (index, score) in scores.enumerated() {
      events.begin()
      var id = score.id
      let slice = id.withUTF8 { events.append(UnsafeRawBufferPointer($0)) }
      events.commit(kind: .engagement, type: 0, eventID: slice, entityID: slice, source: .empty, time: 1)
      batch.rows.append(ScoredRow(event: Int32(index), record: 0, asOf: 1, toTopic: true, toTable: true))
      let outputs = batch.outputs.appendRow()
      outputs[0] = 1 - score.churn
      outputs[1] = score.churn
      batch.decisions += [0, score.churn > 0.5 ? 1 : 0]
    }
    return batch
  }

  private func board() throws -> EntityBoard {
    try #require(
      EntityBoard(
        BoardDeclaration(title: "", orderBy: "churn", show: ["engagement", "level", "intervene"]),
        context: context))
  }

  @Test func theLatestScoreCounts() throws {
    let board = try board()
    board.update(batch([("a", 0.9), ("b", 0.5), ("c", 0.75), ("b", 0.8)]))
    board.update(batch([("a", 0.25)]))
    #expect(
      board.top(3) == [
        BoardEntry(entityID: "b", value: 0.8, cells: [.number(1 - 0.8), .word("low"), .word("no")]),
        BoardEntry(entityID: "c", value: 0.75, cells: [.number(0.25), .word("low"), .word("no")]),
        BoardEntry(entityID: "a", value: 0.25, cells: [.number(0.75), .word("high"), .word("no")]),
      ])
    board.update(batch([("b", .nan)]))
    #expect(board.top(1).map(\.entityID) == ["c"] && board.top(9).count == 2)
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func theHighestAreThoseOfAll(seed: UInt64) throws {
    let board = try board()
    var latest: [String: Float] = [:]
    var state = seed
    for _ in 0..<12 {
      let scores = (0..<700).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (id: "e\(state >> 33 % 9_000)", churn: Float(state >> 40 % 100_000) / 100_000)
      }
      for score in scores { latest[score.id] = score.churn }
      board.update(batch(scores))
      let expected = latest.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }.prefix(10)
      #expect(board.top(10).map(\.entityID) == expected.map(\.key), "seed \(seed)")
    }
    #expect(latest.count > 4 * EntityBoard.candidatesMax)
  }

  @Test func comesBackAfterEverybodyHasFallen() throws {
    let board = try board()
    board.update(batch((0..<3_000).map { ("e\($0)", 0.5 + Float($0) / 10_000) }))
    board.update(batch((0..<3_000).map { ("e\($0)", 0.125 + Float($0) / 10_000) }))
    board.update(batch([("late", 0.25)]))
    #expect(board.top(2_000).contains { $0.entityID == "late" })
    #expect(board.top(1).first?.entityID == "e2999")
  }

  @Test(arguments: [("nothing", []), ("churn", ["no"]), ("intervene", [])] as [(String, [String])])
  func needsItsColumns(orderBy: String, show: [String]) {
    #expect(EntityBoard(BoardDeclaration(title: "", orderBy: orderBy, show: show), context: context) == nil)
  }
}
