public import Dataflow
import Events
public import Features

/// Draws rows of all that are scored, for models that learn no label from a log without any: each event's row is as likely as another's, and
/// which ones they are follows from the events' ids and a seed alone. One thread.
///
/// Where states are kept, those of all entities are in memory, and so are twice as many rows as are drawn.
public final class EventSampleCollector {
  /// Most rows that are drawn: a forest takes 25,600.
  public static let rowsMax = 1 << 16

  private let program: FeatureProgram
  private let weights: RowWeights
  private let seed: UInt64
  private let rowsMax: Int
  private var states: [Hash128: EntityState] = [:]
  private var drawn: [DrawnRow] = []
  /// Rows above it are not drawn.
  private var highest = UInt64.max
  private let row: UnsafeMutablePointer<Float>
  private let carried: UnsafeMutablePointer<Double>

  private struct DrawnRow {
    var priority: UInt64
    var place: TrainingRow
    var id: String
    var cells: [Float]
    var weights: [Float]
  }

  /// A collector; fewer rows than `rowsMax` for tests.
  public init(
    program: FeatureProgram, weights: RowWeights, seed: UInt64, rowsMax: Int = EventSampleCollector.rowsMax
  ) {
    self.program = program
    self.weights = weights
    self.seed = seed
    self.rowsMax = rowsMax
    row = .allocate(capacity: max(program.columnNames.count, 1))
    carried = .allocate(capacity: max(program.results.carriedCount, 1))
  }

  deinit {
    row.deallocate()
    carried.deallocate()
  }

  /// Takes the log's next event, at its position among those of the pass that has decoded it.
  public func apply(_ position: Int32, of pass: EventPass) {
    let event = pass.events.events[Int(position)]
    let entity = pass.events.withBytes(of: event.entityID) { Hash128(of: $0) }
    let state = program.keepsState ? states[entity] ?? EntityState(program) : nil
    switch state.map({ pass.apply(position, to: $0) }) ?? pass.apply(position) {
    case .applied: break
    case .duplicate, .refused: return
    case .erased:
      states[entity] = nil
      drawn.removeAll { $0.place.entity == entity }
      return
    }
    if let state { states[entity] = state }
    let priority = SplitMix64.mix(event.idHash.low ^ SplitMix64.mix(seed))
    guard priority <= highest else { return }
    if let state {
      pass.read(state, into: row, carried: carried)
    } else {
      pass.read(position, into: row, carried: carried)
    }
    let asOf = state?.watermark ?? event.time
    drawn.append(
      DrawnRow(
        priority: priority,
        place: TrainingRow(
          entity: entity, asOf: asOf, labelTime: asOf, order: Int(truncatingIfNeeded: event.idHash.low >> 1)),
        id: pass.events.withBytes(of: event.entityID) { String(decoding: $0, as: UTF8.self) },
        cells: Array(UnsafeBufferPointer(start: row, count: program.columnNames.count)),
        weights: weights.values(carried)))
    if drawn.count >= 2 * rowsMax { leaveLowest() }
  }

  private func leaveLowest() {
    drawn.sort { ($0.priority, $0.place.order) < ($1.priority, $1.place.order) }
    guard drawn.count > rowsMax else { return }
    drawn.removeLast(drawn.count - rowsMax)
    highest = drawn[rowsMax - 1].priority
  }

  /// The rows that were drawn; they go to the writer, too.
  public func finish(writer: RowTableWriter? = nil) -> TrainingSet {
    leaveLowest()
    let set = TrainingSet(
      columnNames: program.columnNames, labelNames: weights.names, featureHashes: program.featureHashes,
      columns: program.columns)
    for row in drawn {
      set.append(row.place, labels: row.weights) { cells in
        for (column, cell) in row.cells.enumerated() { cells[column] = cell }
      }
      row.cells.withUnsafeBufferPointer { cells in
        guard let writer, let base = cells.baseAddress else { return }
        writer.append(row.place, entity: row.id, features: base, labels: row.weights, named: weights.names)
      }
    }
    return set
  }
}
