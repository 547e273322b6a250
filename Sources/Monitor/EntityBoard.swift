public import Dataflow
internal import Events
internal import Synchronization

/// An entity of the board with its latest score.
public struct BoardEntry: Equatable, Sendable {
  /// What stands in a column beside the one that orders the board.
  public enum Cell: Equatable, Sendable {
    /// An output, after clamping.
    case number(Float)
    /// A decision's label; a trigger's is `yes` or `no`.
    case word(String)
  }

  /// Entity id.
  public var entityID: String
  /// The output that orders the board.
  public var value: Float
  /// The shown columns, in order.
  public var cells: [Cell]

  package init(entityID: String, value: Float, cells: [Cell]) {
    self.entityID = entityID
    self.value = value
    self.cells = cells
  }
}

/// The entities with the highest latest output: bounded, safe from several threads, updated once per batch.
///
/// Keeps the `candidatesMax` highest of those seen. One that was outside, and comes to be among the highest
/// only because others fall, appears with its next score.
public final class EntityBoard: Sendable {
  /// Entities that are kept between updates.
  public static let candidatesMax = 1_024

  private enum Column {
    case output(Int)
    case decision(Int, labels: [String])
  }

  /// What the board shows.
  public let declaration: BoardDeclaration
  private let ordering: Int
  private let columns: [Column]
  private let candidates = Mutex(Candidates())

  /// A board over a pipeline's outputs and decisions; nil: it has not all of those that are declared.
  public init?(_ declaration: BoardDeclaration, context: ScoreContext) {
    guard let ordering = context.outputNames.firstIndex(of: declaration.orderBy) else { return nil }
    self.declaration = declaration
    self.ordering = ordering
    columns = declaration.show.compactMap { name in
      if let output = context.outputNames.firstIndex(of: name) { return .output(output) }
      return context.decisionNames.firstIndex(of: name).map {
        .decision($0, labels: context.decisionLabels[$0])
      }
    }
    guard columns.count == declaration.show.count else { return nil }
  }

  /// Takes a batch's scores in; a later row of an entity counts. The same batch again changes nothing.
  public func update(_ batch: ScoredBatch) {
    let decisions = batch.context.decisionNames.count
    candidates.withLock { candidates in
      for (index, row) in batch.rows.enumerated() {
        let outputs = batch.outputs.row(index)
        let slice = batch.events.events[Int(row.event)].entityID
        let key = batch.events.withBytes(of: slice) { Hash128(of: $0) }
        candidates.put(key, outputs[ordering], id: { batch.events.string(slice) }) { values in
          values.removeAll(keepingCapacity: true)
          for column in columns {
            switch column {
            case .output(let output): values.append(outputs[output])
            case .decision(let number, _): values.append(Float(batch.decisions[index * decisions + number]))
            }
          }
        }
      }
    }
  }

  /// The `count` highest entities, highest first; ties by id.
  public func top(_ count: Int) -> [BoardEntry] {
    let sorted = candidates.withLock { $0.highest(count) }
    return sorted.map { candidate in
      BoardEntry(
        entityID: candidate.id, value: candidate.value,
        cells: zip(columns, candidate.shown).map { Self.cell($0, $1) })
    }
  }

  private static func cell(_ column: Column, _ value: Float) -> BoardEntry.Cell {
    guard case .decision(_, let labels) = column else { return .number(value) }
    let code = Int(value)
    return .word(
      labels.isEmpty ? (code == 0 ? "no" : "yes") : labels.indices.contains(code) ? labels[code] : "-")
  }
}

/// What the lock guards.
private struct Candidates {
  struct Candidate {
    var id: String
    var value: Float
    /// The shown columns: outputs, and decisions' codes.
    var shown: [Float] = []

    static func isBefore(_ first: Candidate, _ second: Candidate) -> Bool {
      first.value == second.value
        ? first.id.utf8.lexicographicallyPrecedes(second.id.utf8) : first.value > second.value
    }
  }

  private var all: [Hash128: Candidate] = [:]
  /// Below this, an entity is not among the highest.
  private var threshold = -Float.infinity

  /// Sets an entity's latest score; `id` is called for an entity that comes in, `show` for one that is kept.
  mutating func put(_ key: Hash128, _ value: Float, id: () -> String, show: (inout [Float]) -> Void) {
    guard value >= threshold else {
      // NaN too: no score to order by.
      if all.removeValue(forKey: key) != nil, all.count < EntityBoard.candidatesMax { threshold = -.infinity }
      return
    }
    if let index = all.index(forKey: key) {
      all.values[index].value = value
      show(&all.values[index].shown)
      return
    }
    var candidate = Candidate(id: id(), value: value)
    show(&candidate.shown)
    all[key] = candidate
    if all.count >= 2 * EntityBoard.candidatesMax { prune() }
  }

  /// The first `count`.
  func highest(_ count: Int) -> [Candidate] { Array(all.values.sorted(by: Candidate.isBefore).prefix(count)) }

  private mutating func prune() {
    let sorted = all.sorted { Candidate.isBefore($0.value, $1.value) }.prefix(EntityBoard.candidatesMax)
    threshold = sorted.last?.value.value ?? -.infinity
    all = Dictionary(uniqueKeysWithValues: sorted.map { ($0.key, $0.value) })
  }
}
