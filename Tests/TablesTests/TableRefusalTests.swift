import Dataflow
import Events
import Sink
import Tables
import TestNumbers
import TestThreads
import Testing

/// Rows that the database will never take: named one by one, and nothing is written; without them all the rest is.
@Suite(.onThreads) struct TableRefusalTests {
  private static func row(_ number: Int64, entity: String? = nil) -> TableInput {
    let context = TableFixture.context()
    return TableInput(
      entity: entity ?? "p\(number)", event: "e\(number)", time: 1, asOf: 1, partition: 0, offset: number,
      outputs: context.outputNames.map { _ in 0.8 }, decisions: context.decisionNames.map { _ in 1 },
      features: context.featureNames.map { _ in 1 })
  }

  private static func letter(_ number: Int64, key: String) -> TableInput {
    var letter = row(number)
    letter.reason = .undecodable
    letter.key = Array(key.utf8)
    return letter
  }

  private static let forbidden = "CHECK (entity_id NOT IN ('p3', 'p17', 'p18'))"

  /// SQLite adds no constraint to a table that is there; a trigger does the same in both ways that there are.
  private static func forbid(_ kind: TableKind, _ backend: any TableBackend, ends: Bool) throws {
    if kind != .sqlite {
      _ = try backend.query("ALTER TABLE latest_scores ADD CONSTRAINT not_these \(forbidden)")
      _ = try backend.query("ALTER TABLE dead_letters ADD CHECK (key <> '\\x626164')")
      return
    }
    let raise = "RAISE(\(ends ? "ROLLBACK" : "ABORT"), 'never')"
    _ = try backend.query(
      "CREATE TRIGGER not_these BEFORE INSERT ON latest_scores WHEN new.entity_id IN ('p3', 'p17', 'p18') "
        + "BEGIN SELECT \(raise); END")
    _ = try backend.query(
      "CREATE TRIGGER no_bad BEFORE INSERT ON dead_letters WHEN new.key = x'626164' BEGIN SELECT \(raise); END"
    )
  }

  @Test(arguments: TableKind.allCases, [false, true])
  func areNamed(_ kind: TableKind, _ ends: Bool) throws {
    let backend = try kind.backend()
    let sink = try backend.sink(TableFixture.context())
    _ = try sink.positions(topic: "events", [0])
    try Self.forbid(kind, backend, ends: ends)
    let inputs =
      (0..<40).map { Self.row($0) } + [Self.letter(40, key: "good"), Self.letter(41, key: "bad")]
    let batch = TableBatch(TableFixture.context(), inputs)
    let move = PositionMove(partition: 0, old: nil, new: 42)
    let found = #expect(throws: RefusedRows.self) { try batch.write(to: sink, [move]) }
    let refused = try #require(found)
    #expect(refused.rows.map(\.index) == [3, 17, 18] && refused.letters.map(\.index) == [1])
    #expect(!refused.rows.contains { $0.why.isEmpty || $0.why.contains("p3") })
    if kind != .sqlite { #expect(refused.rows[0].why.contains("not_these")) }
    #expect(try backend.query("SELECT count(*) FROM scores") == [["0"]])
    #expect(try sink.positions(topic: "events", [0]) == [nil])

    let rest = inputs.enumerated().filter { ![3, 17, 18, 41].contains($0.offset) }.map(\.element)
    #expect(try TableBatch(TableFixture.context(), rest).write(to: sink, [move]) == .written)
    #expect(try backend.query("SELECT count(*) FROM latest_scores") == [["37"]])
    #expect(try backend.query("SELECT count(*) FROM dead_letters") == [["1"]])
  }

  /// Two rows that a unique index of somebody's own forbids together: the later one is refused.
  @Test(arguments: TableKind.allCases)
  func amongEachOther(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let sink = try backend.sink(TableFixture.context())
    _ = try sink.positions(topic: "events", [0])
    _ = try backend.query("CREATE UNIQUE INDEX one_each ON scores (entity_id)")
    let batch = TableBatch(
      TableFixture.context(), [Self.row(0, entity: "a"), Self.row(1, entity: "b"), Self.row(2, entity: "a")])
    let found = #expect(throws: RefusedRows.self) {
      try batch.write(to: sink, [PositionMove(partition: 0, old: nil, new: 3)])
    }
    #expect(found?.rows.map(\.index) == [2])
  }

  /// A row of the record itself is no matter of its data: the positions were set back.
  @Test(arguments: TableKind.allCases)
  func aRowThatIsThereStopsEverything(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let sink = try backend.sink(TableFixture.context())
    let batch = TableBatch(TableFixture.context(), [Self.row(0), Self.row(1)])
    #expect(try batch.write(to: sink, [PositionMove(partition: 0, old: nil, new: 2)]) == .written)
    _ = try backend.query("UPDATE positions SET next_offset = 0")
    let error = try #require(
      tableError { _ = try batch.write(to: sink, [PositionMove(partition: 0, old: 0, new: 2)]) })
    #expect(error.code == .refused && error.cause.contains("position"), "\(error)")
  }

  /// The table keeps as much of a record as fits, with its size and the whole value's SHA-256.
  @Test(arguments: TableKind.allCases)
  func longLettersAreCut(_ kind: TableKind) throws {
    let backend = try kind.backend()
    var long = Self.letter(0, key: "k")
    long.value = Array(repeating: 97, count: 1_000_000)
    var short = Self.letter(1, key: "k")
    short.value = [97]
    let batch = TableBatch(TableFixture.context(), [long, short])
    let sink = try backend.sink(TableFixture.context())
    #expect(try batch.write(to: sink, [PositionMove(partition: 0, old: nil, new: 2)]) == .written)
    let length = kind == .sqlite ? "length(value)" : "octet_length(value)"
    #expect(
      try backend.query(
        "SELECT \(length), key_bytes, value_bytes, \(backend.hex("value_sha256")) FROM dead_letters ORDER BY \"offset\""
      )
        == [
          // python3 -c "import hashlib; print(hashlib.sha256(b'a' * 1000000).hexdigest())"
          ["393215", "1", "1000000", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
          ["1", "1", "1", "none"],
        ])
  }
}
