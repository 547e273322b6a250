import Dataflow
import Events
import Sink
import Tables
import TestServers
import TestThreads
import Testing
import TestNumbers

/// Rows as `tally verify` reads them.
@Suite(.onThreads) struct ScoreTableTests {
  private func open(_ backend: any TableBackend, _ context: ScoreContext) throws -> ScoreTable {
    if let backend = backend as? SQLiteBackend {
      return try #require(try ScoreTable(sqlite: backend.folder + "/tally.db", context: context))
    }
    let backend = try #require(backend as? PostgresBackend)
    return try ScoreTable(
      postgres: PostgresConfiguration(connection: backend.server.connection(backend.database)),
      context: context)
  }

  private func input(_ person: String, _ offset: Int64, partition: Int32 = 0) -> TableInput {
    TableInput(
      entity: person, event: "e\(offset)", time: 1_767_225_600_000_001, asOf: 1_767_225_600_000_003,
      partition: partition, offset: offset, outputs: [0.1, Float.pi], decisions: [0, 1],
      features: TableFixture.features.map { _ in 1 })
  }

  private func write(_ inputs: [TableInput], _ backend: any TableBackend, _ context: ScoreContext) throws {
    let sink = try backend.sink(context)
    defer { sink.close() }
    for (partition, some) in Dictionary(grouping: inputs, by: \.partition) {
      let old = try sink.positions(topic: context.topic, [partition])[0]
      let end = (some.map(\.offset).max() ?? 0) + 1
      let move = PositionMove(partition: partition, old: old?.next, new: end)
      #expect(try TableBatch(context, some).write(to: sink, [move]) == .written)
    }
  }

  /// Every float, bit for bit, and every kind of cell.
  @Test(arguments: TableKind.allCases) func cellsComeBackAsTheyWere(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    var random = SeededGenerator(seed: 5)
    let special: [Float] = [
      .nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .ulpOfOne, 0.1,
      16_777_216,
    ]
    let floats =
      special
      + (0..<500).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
      .filter(\.isFinite)
    let inputs = floats.enumerated().map { offset, value in
      var one = input("o'brien \u{600}'", Int64(offset))
      one.outputs[1] = value
      one.decisions = [Int32(offset % 3), Int32(offset % 2)]
      return one
    }
    try write(inputs, backend, context)
    let table = try open(backend, context)
    try table.snapshot { snapshot in
      let rows = try snapshot.rows(.scores, of: ["o'brien \u{600}'"]).sorted { $0.offset < $1.offset }
      #expect(rows.count == floats.count)
      for (row, value) in zip(rows, floats) {
        #expect(row.cells[1] == (value.isNaN ? .null : .number(Double(value))), "\(value)")
        #expect(row.cells[0] == .number(Double(0.1 as Float)))
        #expect(row.cells[2] == .text(["high", "medium", "low"][Int(row.offset % 3)]))
        #expect(row.cells[3] == .number(Double(row.offset % 2)))
        #expect(row.eventTime == 1_767_225_600_000_001 && row.asOf == 1_767_225_600_000_003)
        #expect(row.eventID == "e\(row.offset)" && row.modelVersions == "engagement=v1,churn=v1")
        #expect(row.definition == context.definition && row.cells.count == 4)
      }
      let latest = try snapshot.rows(.latest, of: ["o'brien \u{600}'"])
      #expect(latest.count == 1 && latest[0].offset == Int64(floats.count - 1))
      let words = zip(context.tableFeatures, latest[0].cells[4...]).map { number, cell in
        cell == (context.featureLabels[number].isEmpty ? .number(1) : .text(context.featureLabels[number][1]))
      }
      #expect(words.count == context.tableFeatures.count && words.allSatisfy { $0 })
    }
  }

  /// More people than a page has; bounds by partition; whose ids Swift takes for equal.
  @Test(arguments: TableKind.allCases) func pagesBoundsAndPositions(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let count = 2 * ScoreSnapshot.idsMax + 3
    var inputs = (0..<count).map { input("p\($0)", Int64($0), partition: Int32($0 % 3)) }
    inputs.append(input("e\u{301}", Int64(count), partition: 0))
    inputs.append(input("\u{E9}", Int64(count + 1), partition: 0))
    var letter = input("x", Int64(count + 2))
    letter.reason = .corruptState
    letter.key = [1]
    inputs.append(letter)
    try write(inputs, backend, context)
    try open(backend, context).snapshot { snapshot in
      for table in ScoreTable.Name.allCases {
        var ids: [[UInt8]] = []
        try snapshot.forEachEntity(table) { page in
          #expect(page.count <= ScoreSnapshot.idsMax)
          ids += page.map { Array($0.utf8) }
        }
        #expect(ids.count == count + 2 && Set(ids).count == count + 2)
        #expect(ids == ids.sorted { $0.lexicographicallyPrecedes($1) })
      }
      let ends = (1...2).map { partition in Int64((0..<count).last { $0 % 3 == partition } ?? -1) + 1 }
      #expect(try snapshot.positions([0, 1, 2, 3]) == [Int64(count + 3), ends[0], ends[1], nil])
      #expect(try snapshot.firstOffsets() == [0: 0, 1: 1, 2: 2])
      let bounded = try snapshot.rows(
        .scores, of: ["p0", "p1", "p2", "p3", "p4", "p5"], from: [0: 1, 1: 0, 2: 5])
      #expect(Set(bounded.map(\.entityID)) == ["p1", "p3", "p4", "p5"])
      #expect(try snapshot.rows(.scores, of: ["\u{E9}"]).map { Array($0.entityID.utf8) } == [[0xC3, 0xA9]])
      let places = (0..<700).map { LetterAddress(partition: 0, offset: Int64(count + 2 - $0)) }
      #expect(try snapshot.letters(at: places) == [places[0]: "corrupt-state"])
    }
  }

  @Test(arguments: TableKind.allCases) func whatIsNotThere(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    try open(backend, context).snapshot { snapshot in
      #expect(try snapshot.positions([0]) == [nil] && snapshot.firstOffsets().isEmpty)
      #expect(try snapshot.rows(.latest, of: ["a"]).isEmpty)
      try snapshot.forEachEntity(.scores) { _ in Issue.record("nobody is there") }
    }
    // Columns that came with a later version of the pipeline are empty.
    try write([input("a", 0)], backend, context)
    let wider = TableFixture.context(outputs: ["engagement", "churn", "third"])
    try open(backend, wider).snapshot { snapshot in
      let rows = try snapshot.rows(.scores, of: ["a"])
      #expect(rows.count == 1 && rows[0].cells[2] == .null)
    }
    let nowhere = try ScoreTable(sqlite: "/nonexistent/tally.db", context: context)
    #expect(nowhere == nil)
  }
}
