import Dataflow
import Sink
import Tables
import TestServers
import Testing

/// What is left out stands beside T.
@Suite("What a table knows to be left out") struct TableLeftOutTests {
  private let ranges = LeftOutRanges([
    LeftOut(from: 5, until: 10, cause: .deleted), LeftOut(from: 12, until: 13, cause: .unreadable),
  ])

  @Test("it moves with T, and only with T", arguments: TableKind.allCases)
  func movesWithPosition(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let sink = try backend.sink(context)
    defer { sink.close() }
    let batch = TableBatch(context, [])
    func stored() throws -> [[String]] {
      try backend.query("SELECT next_offset, left_out FROM positions ORDER BY \"partition\"")
    }
    #expect(try batch.write(to: sink, [PositionMove(partition: 0, old: nil, new: 5)]) == .written)
    #expect(try stored() == [["5", ""]])
    let move = PositionMove(partition: 0, old: 5, new: 10, leftOut: ranges)
    #expect(try batch.write(to: sink, [move]) == .written)
    #expect(try batch.write(to: sink, [move]) == .alreadyWritten)
    #expect(try sink.positions(topic: "events", [0, 1]) == [TablePosition(10, leftOut: ranges), nil])
    #expect(try stored() == [["10", "5-9:deleted,12-12:unreadable"]])
    // Somebody who is too late.
    #expect(try batch.write(to: sink, [PositionMove(partition: 0, old: 5, new: 7)]) == .conflict)
    #expect(try sink.positions(topic: "events", [0]) == [TablePosition(10, leftOut: ranges)])
    // A partition that begins with something left out.
    let begins = PositionMove(partition: 1, old: nil, new: 13, leftOut: ranges)
    #expect(try batch.write(to: sink, [begins]) == .written)
    #expect(try sink.positions(topic: "events", [1]) == [TablePosition(13, leftOut: ranges)])
  }

  @Test("a text that Tally has not written is refused by name", arguments: TableKind.allCases)
  func unreadableText(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let sink = try backend.sink(context)
    defer { sink.close() }
    let batch = TableBatch(context, [])
    #expect(try batch.write(to: sink, [PositionMove(partition: 3, old: nil, new: 5)]) == .written)
    _ = try backend.query("UPDATE positions SET left_out = '5 to 9'")
    let error = try #require(tableError { _ = try sink.positions(topic: "events", [3]) })
    #expect(error.code == .refused && error.detail.contains("partition 3: left_out"))
  }

  @Test(
    "a table of an earlier version gets the column, and is read without it", arguments: TableKind.allCases)
  func migrates(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let first = try backend.sink(context)
    #expect(
      try TableBatch(context, []).write(to: first, [PositionMove(partition: 0, old: nil, new: 5)]) == .written
    )
    first.close()
    _ = try backend.query("ALTER TABLE positions DROP COLUMN left_out")
    #expect(try read(backend) == [5])
    let sink = try backend.sink(context)
    defer { sink.close() }
    #expect(try sink.positions(topic: "events", [0]) == [5])
    let move = PositionMove(partition: 0, old: 5, new: 13, leftOut: ranges)
    #expect(try TableBatch(context, []).write(to: sink, [move]) == .written)
    #expect(try read(backend) == [TablePosition(13, leftOut: ranges)])
  }

  /// As `tally status` reads it.
  private func read(_ backend: any TableBackend) throws -> [TablePosition?] {
    if let sqlite = backend as? SQLiteBackend {
      return try TablePositions.read(
        sqlite: sqlite.folder + "/tally.db", pipeline: "engagement", topic: "events", [0])
    }
    let postgres = try #require(backend as? PostgresBackend)
    return try TablePositions.read(
      postgres: PostgresConfiguration(connection: postgres.server.connection(postgres.database)),
      pipeline: "engagement", topic: "events", [0])
  }
}
