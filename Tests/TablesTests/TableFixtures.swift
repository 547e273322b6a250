import Dataflow
import Events
import TestNumbers

extension SeededGenerator {
  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

/// The pipeline of the tests: the columns of the views, and some names that need quotes.
enum TableFixture {
  static let labels = [
    "age": [], "location": ["north", "south"], "account_type": ["free", "premium"],
    "social_influence_score": [],
    "transaction_revenue_month": [], "days_since_last_login": [], "churn_risk_score": [],
    "notification_click_rate": [], "say \"hi\", it's; me": [], "not in the table": [],
  ]
  static let features = labels.keys.sorted()

  static func context(
    pipeline: String = "engagement", outputs: [String] = ["engagement", "churn"],
    decisions: [(String, [String])] = [("level", ["high", "medium", "low"]), ("intervene", [])],
    features: [String] = features, tableFeatures: [String]? = nil, version: String = "v1",
    views: [TableView] = []
  ) -> ScoreContext {
    let inTable = tableFeatures ?? features.filter { $0 != "not in the table" }
    return ScoreContext(
      pipeline: pipeline, topic: "events", definition: String(repeating: "d", count: 32),
      featureNames: features,
      featureLabels: features.map { labels[$0] ?? [] }, outputNames: outputs, modelNames: outputs,
      modelVersions: outputs.map { _ in version }, decisionNames: decisions.map(\.0),
      decisionLabels: decisions.map(\.1), tableFeatures: inTable.compactMap { features.firstIndex(of: $0) },
      views: views)
  }
}

/// One row for a table, or one dead letter.
struct TableInput: Equatable {
  var entity: String
  var event: String
  var time: Int64
  var asOf: Int64
  var partition: Int32
  var offset: Int64
  var outputs: [Float]
  var decisions: [Int32]
  var features: [Float]
  var toTable = true
  /// Not nil: a dead letter.
  var reason: DeadLetterReason?
  var key: [UInt8]?
  var value: [UInt8]?
  var ingestTimeMs: Int64 = -1
  /// An erasure of `entity`: no row.
  var isErasure = false
  /// A dead letter's entity id.
  var letterEntity = ""
}

/// A batch that owns the bytes that its records point to.
final class TableBatch {
  private let batch: ScoredBatch
  private var owned: [UnsafeMutableRawBufferPointer] = []

  init(_ context: ScoreContext, _ inputs: [TableInput], scoredAt: Int64 = 1_767_225_600_000_001) {
    batch = ScoredBatch(context: context, events: EventBatch(symbols: SymbolTable()), capacityRows: 16)
    batch.scoredAtMicros = scoredAt
    for input in inputs { add(input) }
  }

  deinit { for bytes in owned { bytes.deallocate() } }

  /// Writes the batch; its bytes live until that is done.
  func write(to sink: any TableSink, _ moves: [PositionMove]) throws -> WriteOutcome {
    try withExtendedLifetime(self) { try sink.write(batch, moves: moves) }
  }

  private func add(_ input: TableInput) {
    let record = Int32(batch.records.records.count)
    batch.records.records.append(
      RawRecord(
        partition: input.partition, offset: input.offset, ingestTimeMs: input.ingestTimeMs,
        key: own(input.key),
        value: own(input.value), contentType: .unspecified))
    if let reason = input.reason {
      batch.deadLetters.append(
        DeadLetter(
          record: record, reason: reason, detail: "it's bad", entityID: Array(input.letterEntity.utf8),
          toTopic: true, toTable: input.toTable))
      return
    }
    batch.events.begin()
    let event = Array(input.event.utf8).withUnsafeBytes { batch.events.append($0) }
    let entity = Array(input.entity.utf8).withUnsafeBytes { batch.events.append($0) }
    let number = batch.events.commit(
      kind: input.isErasure ? .erasure : .engagement, type: 0, eventID: event, entityID: entity,
      source: .empty, time: input.time)
    if input.isErasure {
      batch.erasures.append(Erasure(event: Int32(number), toTable: input.toTable))
      return
    }
    batch.rows.append(
      ScoredRow(event: Int32(number), record: record, asOf: input.asOf, toTopic: true, toTable: input.toTable)
    )
    fill(batch.features.appendRow(), input.features)
    fill(batch.outputs.appendRow(), input.outputs)
    batch.decisions += input.decisions
  }

  private func fill(_ cells: UnsafeMutablePointer<Float>, _ values: [Float]) {
    for (index, value) in values.enumerated() { cells[index] = value }
  }

  private func own(_ bytes: [UInt8]?) -> UnsafeRawBufferPointer {
    guard let bytes else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
    copy.copyBytes(from: bytes)
    owned.append(copy)
    return UnsafeRawBufferPointer(start: copy.baseAddress, count: bytes.count)
  }
}

/// The port error that `body` throws; nil: none, or another error.
func tableError(_ body: () throws -> Void) -> PortError? {
  do {
    try body()
    return nil
  } catch {
    return error as? PortError
  }
}
