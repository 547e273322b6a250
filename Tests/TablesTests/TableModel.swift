import Dataflow
import Events
import TestNumbers

/// What the tables must hold, naively: every written batch applied row by row to dictionaries.
struct TableModel {
  struct RowKey: Hashable {
    var partition: Int32
    var offset: Int64
  }

  let context: ScoreContext
  private(set) var scores: [RowKey: TableInput] = [:]
  private(set) var latest: [String: TableInput] = [:]
  private(set) var letters: [RowKey: TableInput] = [:]
  private(set) var positions: [Int32: Int64] = [:]

  init(_ context: ScoreContext) { self.context = context }

  mutating func apply(_ inputs: [TableInput], _ moves: [PositionMove]) {
    for move in moves { positions[move.partition] = move.new }
    for input in inputs where input.toTable {
      let place = RowKey(partition: input.partition, offset: input.offset)
      if input.reason != nil {
        letters[place] = input
        continue
      }
      scores[place] = input
      if Self.replaces(input, latest[input.entity]) { latest[input.entity] = input }
    }
  }

  private static func replaces(_ new: TableInput, _ old: TableInput?) -> Bool {
    guard let old else { return true }
    return new.offset >= old.offset || new.partition != old.partition
  }

  /// Rows as `TableBackend` shows them.
  var scoreRows: Set<[String]> { Set(scores.values.map { cells($0) }) }
  /// Rows as `TableBackend` shows them.
  var latestRows: Set<[String]> { Set(latest.values.map { cells($0) + featureCells($0) }) }
  /// Rows as `TableBackend` shows them.
  var letterRows: Set<[String]> {
    Set(
      letters.values.map {
        [
          "\($0.partition)", "\($0.offset)", $0.reason?.rawValue ?? "", "it's bad", Self.hex($0.key),
          Self.hex($0.reason?.keepsValue == true ? $0.value : nil),
          $0.ingestTimeMs < 0 ? "" : "\($0.ingestTimeMs * 1_000)",
        ]
      })
  }

  private func cells(_ input: TableInput) -> [String] {
    let decisions = input.decisions.enumerated().map { column, code in
      let labels = context.decisionLabels[column]
      return labels.isEmpty ? (code == 0 ? "0" : "1") : labels[Int(code)]
    }
    return [
      input.entity, input.event, "\(input.time)", "\(input.asOf)", "\(input.partition)", "\(input.offset)",
    ] + input.outputs.map(Self.text) + decisions
  }

  private func featureCells(_ input: TableInput) -> [String] {
    context.tableFeatures.map { column in
      let value = input.features[column]
      let labels = context.featureLabels[column]
      if labels.isEmpty || value.isNaN { return Self.text(value) }
      return (labels + ["other"])[Int(value)]
    }
  }

  static func text(_ value: Float) -> String { value.isNaN ? "" : "\(value)" }

  private static func hex(_ bytes: [UInt8]?) -> String {
    guard let bytes else { return "none" }
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// Random batches of a log with three partitions, where ids repeat.
struct TableLog {
  let context: ScoreContext
  private(set) var ends: [Int32: Int64] = [:]

  init(_ context: ScoreContext) { self.context = context }

  /// The next batch of some partitions, and its moves.
  mutating func batch(_ random: inout SeededGenerator) -> (inputs: [TableInput], moves: [PositionMove]) {
    let partitions = [[0], [1], [2], [0, 1], [2, 0], [1, 2, 0]][random.below(6)] as [Int32]
    var inputs: [TableInput] = []
    let starts = ends
    for _ in 0..<random.below(30) {
      let partition = partitions[random.below(partitions.count)]
      inputs.append(input(partition, ends[partition] ?? 5, &random))
      ends[partition] = (ends[partition] ?? 5) + 1 + Int64(random.below(3))
    }
    let moves = partitions.map { partition in
      let end = ends[partition] ?? 5
      ends[partition] = end
      return PositionMove(partition: partition, old: starts[partition], new: end)
    }
    return (inputs, moves)
  }

  private func input(_ partition: Int32, _ offset: Int64, _ random: inout SeededGenerator) -> TableInput {
    let time = Int64(random.below(1 << 40)) * 1_000 + 1
    var input = TableInput(
      entity: "person \(partition)-\(random.below(8)) ‘ü’", event: "e'\(random.below(60))", time: time,
      asOf: time + Int64(random.below(1_000)), partition: partition, offset: offset, outputs: [],
      decisions: [],
      features: [], toTable: random.below(10) > 0)
    input.outputs = context.outputNames.map { _ in
      random.below(20) == 0 ? .nan : Float(random.below(1_000)) / 999
    }
    input.decisions = context.decisionLabels.map { Int32(random.below(max($0.count, 2))) }
    input.features = context.featureLabels.map { labels in
      if random.below(6) == 0 { return .nan }
      return labels.isEmpty ? Float(random.below(100_000)) / 7 : Float(random.below(labels.count + 1))
    }
    if random.below(6) == 0 {
      input.reason = DeadLetterReason.allCases[random.below(DeadLetterReason.count)]
      input.key = random.below(3) == 0 ? nil : (0..<random.below(20)).map { _ in UInt8(random.below(256)) }
      input.value = random.below(3) == 0 ? nil : (0..<random.below(200)).map { _ in UInt8(random.below(256)) }
      input.ingestTimeMs = random.below(3) == 0 ? -1 : Int64(random.below(1 << 40))
    }
    return input
  }
}
