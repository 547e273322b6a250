public import Dataflow
import Events
public import Features

/// Makes training rows of events that say themselves what is to be learnt: the row and the labels of every event that is scored, as the
/// pipeline reads them at that moment. One thread.
///
/// Where states are kept, those of all entities are in memory.
public final class EventLabelCollector {
  /// What has come so far.
  public private(set) var counts = CollectorCounts()
  /// The rows so far.
  private let set: TrainingSet
  private let keepsRows: Bool
  private let writer: RowTableWriter?
  private let program: FeatureProgram
  private var states: [Hash128: EntityState] = [:]
  /// Entities that were erased, with the number of rows at that moment: theirs before it do not count.
  private var erased: [Hash128: Int] = [:]
  private let row: UnsafeMutablePointer<Float>
  private let carried: UnsafeMutablePointer<Double>
  private var labels: [Float]
  private let weights: RowWeights
  /// For each label the class of each code; empty: it is a number.
  private let classes: [[Float]]

  /// A collector for the labels of these names, in the order of the program's, as models learn them, and for weights. `keepsRows`
  /// false: rows go to the writer only. Throws where a model cannot learn a label as it is.
  public init(
    program: FeatureProgram, labelNames: [String], learnt: LearntLabels, weights: RowWeights,
    keepsRows: Bool = true, writer: RowTableWriter? = nil
  ) throws(TrainingError) {
    precondition(labelNames.count == program.results.labels.count)
    self.program = program
    var classes: [[Float]] = []
    for (name, codes) in zip(labelNames, program.results.labelWords) {
      classes.append(try learnt.classNumbers(of: name, codes: codes))
    }
    self.classes = classes
    self.weights = weights
    self.keepsRows = keepsRows
    self.writer = writer
    set = TrainingSet(
      columnNames: program.columnNames, labelNames: labelNames + weights.names,
      featureHashes: program.featureHashes,
      columns: program.columns)
    row = .allocate(capacity: max(program.columnNames.count, 1))
    carried = .allocate(capacity: max(program.results.carriedCount, 1))
    labels = Array(repeating: .nan, count: labelNames.count)
  }

  deinit {
    row.deallocate()
    carried.deallocate()
  }

  /// Takes the log's next event, at its position among those of the pass that has decoded it.
  public func apply(_ position: Int32, of pass: EventPass) {
    counts.events += 1
    let event = pass.events.events[Int(position)]
    let entity = pass.events.withBytes(of: event.entityID) { Hash128(of: $0) }
    let state = program.keepsState ? states[entity] ?? EntityState(program) : nil
    switch state.map({ pass.apply(position, to: $0) }) ?? pass.apply(position) {
    case .applied: counts.applied += 1
    case .duplicate: return counts.duplicate += 1
    case .refused: return counts.unknown += 1
    case .erased:
      counts.erased += 1
      erased[entity] = set.rows.count
      writer?.erase(entity)
      states[entity] = nil
      return
    }
    var asOf = event.time
    if let state {
      states[entity] = state
      asOf = state.watermark
      pass.read(state, into: row, carried: carried)
    } else {
      pass.read(position, into: row, carried: carried)
    }
    for (index, place) in program.results.labels.enumerated() {
      let label = Float(carried[place])
      labels[index] = label.isFinite ? label : .nan
      guard !classes[index].isEmpty else { continue }
      // A word that the vocabulary does not hold is not known.
      let code = Int(exactly: label)
      labels[index] = code.flatMap { classes[index].indices.contains($0) ? classes[index][$0] : nil } ?? .nan
    }
    guard labels.contains(where: { !$0.isNaN }) else { return counts.labelsWithoutEvents += 1 }
    counts.labels += 1
    let values = labels + weights.values(carried)
    // Ids tell events apart in an order that the log's partitions do not change.
    let place = TrainingRow(
      entity: entity, asOf: asOf, labelTime: asOf, order: Int(truncatingIfNeeded: event.idHash.low >> 1))
    if let writer {
      let id = pass.events.withBytes(of: event.entityID) { String(decoding: $0, as: UTF8.self) }
      writer.append(place, entity: id, features: row, labels: values, named: set.labelNames)
    }
    guard keepsRows else { return }
    set.append(place, labels: values) { cells in
      cells.update(from: row, count: program.columnNames.count)
    }
  }

  /// All rows but those of entities that were erased later.
  public func finish() -> TrainingSet { erased.isEmpty ? set : set.without(erased) }
}
