import Dataflow
import Events
import Sink
import Tables
import TestServers
import TestThreads
import Testing

/// Letters as operators read and mark them.
@Suite(.onThreads) struct DeadLetterTableTests {
  private func letters(_ backend: any TableBackend) throws -> DeadLetterTable {
    if let backend = backend as? SQLiteBackend {
      return try DeadLetterTable(
        sqlite: backend.folder + "/tally.db", pipeline: "engagement", topic: "events")
    }
    let backend = try #require(backend as? PostgresBackend)
    return try DeadLetterTable(
      postgres: PostgresConfiguration(connection: backend.server.connection(backend.database)),
      pipeline: "engagement", topic: "events")
  }

  /// Three partitions of two pages and more each.
  @Test(arguments: TableKind.allCases) func readsAllPagesInOrder(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let sink = try backend.sink(context)
    defer { sink.close() }
    let count: Int64 = 450
    for partition in 0..<3 as Range<Int32> {
      let inputs = (0..<count).map { offset in
        TableInput(
          entity: "", event: "", time: 0, asOf: 0, partition: partition, offset: offset, outputs: [],
          decisions: [], features: [], reason: offset % 2 == 0 ? .tooLarge : .wrongType, key: [1],
          value: [])
      }
      #expect(
        try TableBatch(context, inputs).write(
          to: sink, [PositionMove(partition: partition, old: nil, new: count)]) == .written)
    }
    let table = try letters(backend)
    var found: [LetterAddress] = []
    try table.forEach(LetterFilter(), contents: false) { letter in
      found.append(letter.address)
      return true
    }
    let all = (0..<3 as Range<Int32>).flatMap { partition in
      (0..<count).map { LetterAddress(partition: partition, offset: $0) }
    }
    #expect(found == all)

    for address in all where address.offset < 10 {
      try table.markReplayed(address, at: 1_767_225_600_000_000)
    }
    var filter = LetterFilter()
    filter.reason = "too-large"
    filter.isReplayed = false
    filter.partition = 1
    found = []
    try table.forEach(filter, contents: true) { letter in
      #expect(letter.key == [1] && letter.value == [] && letter.replayedAt == nil)
      found.append(letter.address)
      return true
    }
    #expect(found == all.filter { $0.partition == 1 && $0.offset >= 10 && $0.offset % 2 == 0 })
    let counts = try table.counts(LetterFilter())
    #expect(counts.map(\.count) == [675, 675] && counts.map(\.replayed) == [15, 15])
  }
}
