import Dataflow
import Dispatch
import Sink
import Tables
import TestServers
import TestThreads
import Testing
import TestNumbers

/// What holds for both databases.
@Suite(.onThreads) struct TableSinkTests {
  /// Random batches by two workers, repeated and conflicting ones among them, leave what the naive model has.
  @Test(arguments: TableKind.allCases, [1, 2, 3, 4] as [UInt64])
  func agreesWithTheModel(_ kind: TableKind, _ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let backend = try kind.backend()
    let context = TableFixture.context()
    let sinks = [try backend.sink(context), try backend.sink(context)]
    var (log, model) = (TableLog(context), TableModel(context))
    for step in 0..<60 {
      let note: Comment = "\(kind) seed \(seed), step \(step)"
      let (inputs, moves) = log.batch(&random)
      let sink = sinks[random.below(2)]
      let batch = TableBatch(context, inputs)
      if random.below(4) == 0 {
        let stale = moves.map {
          PositionMove(partition: $0.partition, old: ($0.old ?? 0) + 1, new: $0.new + 7)
        }
        #expect(try batch.write(to: sink, stale) == .conflict, note)
      }
      if random.below(8) == 0 { sink.close() }
      #expect(try batch.write(to: sink, moves) == .written, note)
      model.apply(inputs, moves)
      if random.below(3) == 0, moves.contains(where: { $0.old != $0.new }) {
        let other = sinks[random.below(2)]
        #expect(try batch.write(to: other, moves) == .alreadyWritten, note)
      }
      if step % 20 == 19 { #expect(try backend.difference(from: model) == nil, note) }
    }
    let asked = [2, 0, 9, 1] as [Int32]
    #expect(
      try sinks[0].positions(topic: "events", asked)
        == asked.map { model.positions[$0].map { TablePosition($0) } })
    #expect(try sinks[0].positions(topic: "other", [0]) == [nil])
    #expect(model.letters.count > 10 && model.scores.count > model.latest.count)
  }

  @Test(arguments: TableKind.allCases)
  func aPartialConflictWritesNothing(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let sink = try backend.sink(context)
    var random = SeededGenerator(seed: 1)
    var (log, model) = (TableLog(context), TableModel(context))
    var (inputs, moves) = log.batch(&random)
    while moves.count < 3 || !inputs.contains(where: { $0.toTable }) { (inputs, moves) = log.batch(&random) }
    moves = moves.map { PositionMove(partition: $0.partition, old: nil, new: $0.new) }
    let first = TableBatch(context, [])
    #expect(try first.write(to: sink, [PositionMove(partition: 1, old: nil, new: 77)]) == .written)
    model.apply([], [PositionMove(partition: 1, old: nil, new: 77)])
    #expect(try TableBatch(context, inputs).write(to: sink, moves) == .conflict)
    #expect(try backend.difference(from: model) == nil)
  }

  @Test(arguments: TableKind.allCases)
  func theLaterRowOfAnEntityStays(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context(outputs: ["engagement"], decisions: [], features: ["age"])
    let sink = try backend.sink(context)
    func row(_ event: String, _ partition: Int32, _ offset: Int64, _ output: Float) -> TableInput {
      TableInput(
        entity: "p", event: event, time: 1, asOf: 1, partition: partition, offset: offset, outputs: [output],
        decisions: [], features: [output])
    }
    func write(_ inputs: [TableInput], _ partition: Int32, _ old: Int64?, _ new: Int64) throws {
      let move = PositionMove(partition: partition, old: old, new: new)
      #expect(try TableBatch(context, inputs).write(to: sink, [move]) == .written)
    }
    try write([row("a", 0, 10, 1), row("b", 0, 11, 2), row("a", 0, 12, 3)], 0, nil, 13)
    let latest = {
      try backend.query(
        "SELECT event_id, CAST(engagement AS integer), CAST(age AS integer) FROM latest_scores")
    }
    let scores = {
      try backend.query(
        "SELECT event_id, CAST(engagement AS integer) FROM scores ORDER BY \"partition\", \"offset\"")
    }
    #expect(try latest() == [["a", "3", "3"]])
    #expect(try scores() == [["a", "1"], ["b", "2"], ["a", "3"]])
    // A position that was set back by hand: the rows behind it are named, none is written over.
    let move = PositionMove(partition: 0, old: 13, new: 12)
    let refused = tableError { _ = try TableBatch(context, [row("a", 0, 10, 1)]).write(to: sink, [move]) }
    #expect(refused?.code == .refused && refused?.cause.contains("positions set back") == true)
    #expect(try sink.positions(topic: "events", [0]) == [13])
    // Offsets of another partition say nothing of which is later.
    try write([row("a", 1, 2, 5)], 1, nil, 3)
    #expect(try latest() == [["a", "5", "5"]])
    #expect(try scores() == [["a", "1"], ["b", "2"], ["a", "3"], ["a", "5"]])
  }

  /// Of a pipeline without state: in whatever order workers come to the partitions, and whatever stands in one batch.
  @Test(arguments: TableKind.allCases)
  func theLatestRowStaysWhereNothingIsKept(_ kind: TableKind) throws {
    var context = TableFixture.context(outputs: ["engagement"], decisions: [], features: ["age"])
    context.keepsState = false
    func row(_ event: String, _ partition: Int32, _ offset: Int64, asOf: Int64) -> TableInput {
      TableInput(
        entity: "p", event: event, time: asOf, asOf: asOf, partition: partition, offset: offset, outputs: [1],
        decisions: [], features: [1])
    }
    let rows = [
      row("old", 0, 10, asOf: 5), row("latest", 0, 11, asOf: 9), row("late", 0, 12, asOf: 8),
      row("other", 1, 3, asOf: 7), row("as late", 1, 4, asOf: 9), row("low", 2, 900, asOf: 6),
    ]
    let partitions = Dictionary(grouping: rows, by: \.partition)
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] as [[Int32]] {
      for together in [false, true] {
        let backend = try kind.backend()
        let sink = try backend.sink(context)
        for group in together ? [order] : order.map({ [$0] }) {
          let moves = group.map { PositionMove(partition: $0, old: nil, new: 1_000) }
          let inputs = group.flatMap { partitions[$0] ?? [] }
          #expect(try TableBatch(context, inputs).write(to: sink, moves) == .written)
        }
        #expect(try backend.query("SELECT event_id FROM latest_scores") == [["as late"]])
        #expect(try backend.query("SELECT count(*) FROM scores") == [["6"]])
      }
    }
  }

  @Test(arguments: TableKind.allCases)
  func saysWhichModelsAndWhen(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context(version: "abc")
    let sink = try backend.sink(context)
    let features = [Float](repeating: 0, count: TableFixture.features.count)
    let input = TableInput(
      entity: "p", event: "e", time: 1, asOf: 1, partition: 0, offset: 0, outputs: [0.5, 0.5],
      decisions: [0, 0],
      features: features)
    let swapped = TableFixture.context(version: "it's new")
    #expect(
      try TableBatch(context, [input], scoredAt: 123_456_789).write(
        to: sink, [.init(partition: 0, old: nil, new: 1)])
        == .written)
    for table in ["scores", "latest_scores"] {
      let sql = "SELECT model_versions, definition, \(backend.micros("scored_at")) FROM \(table)"
      let definition = String(repeating: "d", count: 32)
      #expect(try backend.query(sql) == [["engagement=abc,churn=abc", definition, "123456789"]])
    }
    var next = input
    next.offset = 1
    #expect(
      try TableBatch(swapped, [next]).write(to: sink, [.init(partition: 0, old: 1, new: 2)]) == .written)
    #expect(
      try backend.query("SELECT model_versions FROM scores ORDER BY \"offset\"")
        == [["engagement=abc,churn=abc"], ["engagement=it's new,churn=it's new"]])
  }

  @Test(arguments: TableKind.allCases)
  func misuseIsToldApart(_ kind: TableKind) throws {
    let sink = try kind.backend().sink(TableFixture.context())
    let other = TableBatch(TableFixture.context(outputs: ["engagement"]), [])
    let move = PositionMove(partition: 0, old: nil, new: 1)
    #expect(tableError { _ = try other.write(to: sink, [move]) }?.code == .misuse)
    let empty = TableBatch(TableFixture.context(), [])
    #expect(tableError { _ = try empty.write(to: sink, [move, move]) }?.code == .misuse)
    var random = SeededGenerator(seed: 3)
    var log = TableLog(TableFixture.context())
    var inputs: [TableInput] = []
    while !inputs.contains(where: { $0.toTable }) { inputs = log.batch(&random).inputs }
    let rows = TableBatch(TableFixture.context(), inputs)
    #expect(tableError { _ = try rows.write(to: sink, []) }?.code == .misuse)
    #expect(try empty.write(to: sink, []) == .written)
    #expect(try sink.positions(topic: "events", [0]) == [nil])
  }

  /// Workers of one process write their own partitions at the same time, having migrated at the same time.
  @Test(arguments: TableKind.allCases)
  func severalWorkersShareTheTables(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let workers = 6
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      let failure = tableError {
        let sink = try backend.sink(context)
        for step in 0..<20 {
          let inputs = (0..<5).map { number in
            TableInput(
              entity: "p\(worker)-\(number)", event: "e\(step)", time: 1, asOf: 1, partition: Int32(worker),
              offset: Int64(step * 5 + number), outputs: [0.5, 0.5], decisions: [0, 1],
              features: TableFixture.features.map { _ in 0 })
          }
          let move = PositionMove(
            partition: Int32(worker), old: step == 0 ? nil : Int64(step * 5), new: Int64(step * 5 + 5))
          #expect(try TableBatch(context, inputs).write(to: sink, [move]) == .written)
        }
        sink.close()
      }
      #expect(failure == nil)
    }
    #expect(try backend.query("SELECT count(*), count(DISTINCT entity_id) FROM scores") == [["600", "30"]])
    #expect(try backend.query("SELECT count(*), min(\"offset\") FROM latest_scores") == [["30", "95"]])
    #expect(try backend.query("SELECT count(*), min(next_offset) FROM positions") == [["6", "100"]])
  }
}
