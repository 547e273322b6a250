import Dataflow
import Events
import Features
import Tables
import Verification

private let somewhere = SourcePosition(line: 1, column: 1)

/// A pipeline of one event type whose score is the number of logins, and records whose values are `KIND ID DAY`.
final class Fixture {
  static let day: EventTime = 86_400_000_000
  static let idleDays: Int64 = 20
  let program: FeatureProgram
  let context: ScoreContext
  private var blocks: [UnsafeMutableRawPointer] = []

  init() throws {
    program = try FeatureProgram(
      FeatureSetDeclaration(
        profile: [], events: [EventTypeDeclaration(name: "login", attributes: [], position: somewhere)],
        features: [
          FeatureDeclaration(
            name: "logins", expression: "count(login)", isColumn: true, labels: [], position: somewhere),
          FeatureDeclaration(
            name: "days_since", expression: "days_since(login)", isColumn: true, labels: [],
            position: somewhere),
        ], idleTTL: Self.idleDays * Self.day))
    context = ScoreContext(
      pipeline: "p", topic: "t", definition: "d", featureNames: program.columnNames,
      featureLabels: program.columnLabels, outputNames: ["score", "twice"], modelNames: ["m", "m"],
      modelVersions: ["1", "1"], decisionNames: ["level", "many"], decisionLabels: [["high", "low"], []],
      tableFeatures: [0])
  }

  deinit { for block in blocks { block.deallocate() } }

  func recomputation(
    _ sample: EntitySample = EntitySample(share: 1), from: [Int32: Int64] = [:],
    rules: StateRules = StateRules()
  ) -> Recomputation {
    Recomputation(
      program: program, context: context, sample: sample, decoder: PlainDecoder(program), scorer: Counting(),
      decider: Counting(), scoresFrom: from, rules: rules)
  }

  /// `login a 3` of `person`: an event with the id "a" of the third day.
  func record(_ person: String, _ value: String, _ offset: Int64, partition: Int32 = 0) -> RawRecord {
    RawRecord(
      partition: partition, offset: offset, ingestTimeMs: 1_000 + offset, key: bytes(person),
      value: bytes(value), contentType: .unspecified)
  }

  func batch(_ records: [RawRecord]) -> RecordBatch {
    let batch = RecordBatch()
    batch.records = records
    return batch
  }

  /// The row of a person's `count`-th login, by hand.
  func row(_ person: String, _ event: String, day: Int64, offset: Int64, count: Double, asOf: Int64? = nil)
    -> StoredScore
  {
    StoredScore(
      entityID: person, eventID: event, eventTime: day * Self.day, asOf: (asOf ?? day) * Self.day,
      partition: 0, offset: offset, modelVersions: "m=1", definition: "d",
      cells: [
        .number(count), .number(2 * count), .text(count >= 2 ? "high" : "low"), .number(count > 2 ? 1 : 0),
        .number(count),
      ])
  }

  func comparison(
    _ table: ScoreTable.Name, _ recomputed: Recomputation, logFrom: [Int32: Int64] = [:]
  ) -> ScoreComparison {
    ScoreComparison(table, recomputed, definition: "d", logFrom: logFrom)
  }

  /// Compares rows of `scores`, or of `latest_scores`, and settles.
  func compare(
    _ rows: [StoredScore], with recomputed: Recomputation, _ table: ScoreTable.Name = .scores,
    strangers: [String] = []
  ) -> Comparison {
    var comparison = comparison(table, recomputed)
    comparison.add(rows, of: recomputed.ids.map(\.id) + strangers.map { Array($0.utf8) })
    comparison.settle(firstOffsets: [:], refused: [:])
    return comparison.result
  }

  private func bytes(_ text: String) -> UnsafeRawBufferPointer {
    let bytes = Array(text.utf8)
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
    block.copyMemory(from: bytes, byteCount: bytes.count)
    blocks.append(block)
    return UnsafeRawBufferPointer(start: block, count: bytes.count)
  }
}

/// The first feature, and twice that; high from two on, many from three on.
private final class Counting: RowScorer, Decider {
  let outputNames = ["score", "twice"]
  let modelVersions = ["1", "1"]
  let decisionNames = ["level", "many"]
  let decisionLabels = [["high", "low"], []]

  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws {
    outputs.resize(rows: rows.rows)
    for row in 0..<rows.rows {
      outputs.row(row)[0] = rows.row(row)[0]
      outputs.row(row)[1] = 2 * rows.row(row)[0]
    }
  }

  func decide(
    _ outputs: FloatMatrix, carried: RowMatrix<Double>, thresholds: [Float], into decisions: inout [Int32]
  ) {
    for row in 0..<outputs.rows {
      decisions += [outputs.row(row)[0] >= 2 ? 0 : 1, outputs.row(row)[0] > 2 ? 1 : 0]
    }
  }
}

/// Reads `KIND ID DAY`; everything else is undecodable.
private final class PlainDecoder: RecordDecoder {
  let homes = KeyHomes.onePartition
  private let program: FeatureProgram

  init(_ program: FeatureProgram) { self.program = program }

  func decode(_ record: RawRecord, into events: EventBatch) -> DeadLetterReason? {
    guard homes.home(of: record.key) == record.partition else { return .wrongPartition }
    events.begin()
    let words = String(decoding: record.value, as: UTF8.self).split(separator: " ")
    let kinds: [Substring: EventKind] = ["login": .engagement, "tick": .tick, "erasure": .erasure]
    guard words.count == 3, let kind = kinds[words[0]], let day = Int64(words[2]) else { return .undecodable }
    let type = Array("login".utf8).withUnsafeBytes { events.symbols.lookup($0) }
    let id = Array(words[1].utf8).withUnsafeBytes { events.append($0) }
    events.commit(
      kind: kind, type: kind == .engagement ? type : SymbolTable.unknown, eventID: id,
      entityID: events.append(record.key), source: .empty, time: day * Fixture.day)
    return nil
  }
}
