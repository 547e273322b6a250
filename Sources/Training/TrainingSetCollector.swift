public import Dataflow
import Events
public import Features

/// Makes point-in-time training rows by replaying a log through the features that score.
///
/// The row of a label is the one that Tally scored at the entity's last event before the label's time.
/// Precisely, in the order of the log: events are applied one after the other; when the first one with an
/// event time at or after the label's time comes, the row is read from the state before it, as of its
/// watermark. So no row knows anything from its label's time on. An event that is late, with an older event
/// time but behind that first one in the log, was not known at that moment and is not in the row. What is
/// still open at the end of the log is read then. A label without any event before it makes no row and is
/// counted.
///
/// Only entities with labels are kept in memory, each until its last label is done. One thread.
public final class TrainingSetCollector {
  /// What has come so far.
  public private(set) var counts = CollectorCounts()
  /// The rows so far.
  public let set: TrainingSet
  private let keepsRows: Bool
  private let writer: RowTableWriter?
  /// A row for the writer, where none is kept.
  private let cells: UnsafeMutablePointer<Float>
  private let carried: UnsafeMutablePointer<Double>
  private let weights: RowWeights
  private let program: FeatureProgram
  private let labels: LabelTable
  private let scratch: FeatureScratch
  /// Positions in the label table, by entity, then by time.
  private let schedule: [Int]
  private var entities: [EntityProgress]
  /// Whether the log has ended: who has no state now has had no event.
  private var isAtEnd = false
  /// Entities that were erased, with the number of rows at that moment: theirs before it do not count.
  private var erased: [Hash128: Int] = [:]

  /// A collector for all labels of a table, and for weights. `keepsRows` false: rows go to the writer only.
  public init(
    program: FeatureProgram, labels: LabelTable, weights: RowWeights, keepsRows: Bool = true,
    writer: RowTableWriter? = nil
  ) {
    self.keepsRows = keepsRows
    self.writer = writer
    cells = .allocate(capacity: max(program.columnNames.count, 1))
    carried = .allocate(capacity: max(program.results.carriedCount, 1))
    self.weights = weights
    self.program = program
    self.labels = labels
    scratch = FeatureScratch(program)
    set = TrainingSet(
      columnNames: program.columnNames, labelNames: labels.names + weights.names,
      featureHashes: program.featureHashes,
      columns: program.columns)
    let all = labels.labels
    schedule = all.indices.sorted { first, second in
      (all[first].entity, all[first].time, first) < (all[second].entity, all[second].time, second)
    }
    entities = labels.entities.names.map { EntityProgress(hash: Hash128(of: $0)) }
    for position in schedule { entities[Int(all[position].entity)].end += 1 }
    var start = 0
    for entity in entities.indices {
      let count = entities[entity].end
      entities[entity].next = start
      start += count
      entities[entity].end = start
    }
    counts.labels = all.count
  }

  deinit {
    cells.deallocate()
    carried.deallocate()
  }

  /// Takes the log's next event, at its position among those of the pass that has decoded it. What the pipeline does not score, such as
  /// duplicates, is left out.
  public func apply(_ position: Int32, of pass: EventPass) {
    counts.events += 1
    let event = pass.events.events[Int(position)]
    let number = Int(pass.events.withBytes(of: event.entityID) { labels.entities.lookup($0) })
    guard number >= 0 else { return }
    guard entities[number].next < entities[number].end else {
      // An erasure counts after the last label, too: the rows made so far go.
      if event.kind == .erasure { erase(number, at: event.time) }
      return
    }
    guard program.keepsState else { return applyAlone(position, of: pass, number) }
    let state = entities[number].state ?? EntityState(program)
    switch pass.effect(of: position, on: state) {
    case .erased: return erase(number, at: event.time)
    case .duplicate:
      counts.duplicate += 1
      return
    case .unknownEntity:
      counts.unknown += 1
      return
    case .applied: break
    }
    emit(number, until: event.time)
    guard entities[number].next < entities[number].end else {
      entities[number].state = nil
      return
    }
    _ = pass.apply(position, to: state)
    entities[number].state = state
    counts.applied += 1
  }

  /// Where no state is kept: a row is of one profile alone, the last one before the label's time.
  private func applyAlone(_ position: Int32, of pass: EventPass, _ number: Int) {
    let event = pass.events.events[Int(position)]
    switch pass.apply(position) {
    case .erased: erase(number, at: event.time)
    case .refused: counts.unknown += 1
    case .duplicate: counts.duplicate += 1
    case .applied:
      emit(number, until: event.time)
      guard entities[number].next < entities[number].end else {
        entities[number].profile = nil
        return
      }
      var row = entities[number].profile?.row ?? [Float](repeating: .nan, count: program.columnNames.count)
      row.withUnsafeMutableBufferPointer { cells in
        if let cells = cells.baseAddress { pass.read(position, into: cells, carried: carried) }
      }
      entities[number].profile = (event.time, row, weights.values(carried))
      counts.applied += 1
    }
  }

  /// Makes the rows of labels up to a time.
  private func emit(_ number: Int, until time: EventTime) {
    while entities[number].next < entities[number].end,
      labels.labels[schedule[entities[number].next]].time <= time
    {
      emit(number)
    }
  }

  /// Makes the rows that are still open at the end of the log. Returns all but those of entities that were erased.
  public func finish() -> TrainingSet {
    isAtEnd = true
    for number in entities.indices {
      while entities[number].next < entities[number].end { emit(number) }
      entities[number].state = nil
      entities[number].profile = nil
    }
    return erased.isEmpty ? set : set.without(erased)
  }

  /// What was learnt of the entity up to here is not trained with: its rows so far and its labels up to then go.
  private func erase(_ number: Int, at time: EventTime) {
    counts.erased += 1
    erased[entities[number].hash] = set.rows.count
    writer?.erase(entities[number].hash)
    while entities[number].next < entities[number].end,
      labels.labels[schedule[entities[number].next]].time <= time
    {
      entities[number].next += 1
      counts.labelsWithoutEvents += 1
    }
    entities[number].state = nil
    entities[number].profile = nil
  }

  /// Makes the entity's next row from its state as it is.
  private func emit(_ number: Int) {
    let label = schedule[entities[number].next]
    entities[number].next += 1
    let (state, profile) = (entities[number].state, entities[number].profile)
    guard let asOf = state?.watermark ?? profile?.time else {
      counts.labelsWithoutEvents += 1
      if erased[entities[number].hash] == nil {
        let line = Int(labels.labels[label].line)
        if isAtEnd { counts.ofUnknownEntities.add(line) } else { counts.beforeFirstEvents.add(line) }
      }
      return
    }
    let row = TrainingRow(
      entity: entities[number].hash, asOf: asOf, labelTime: labels.labels[label].time, order: label)
    var values = Array(labels.values(of: label))
    if let state {
      program.read(state, asOf: asOf, into: cells, carried: carried, scratch: scratch)
      values += weights.values(carried)
    } else if let profile {
      for (column, cell) in profile.row.enumerated() { cells[column] = cell }
      values += profile.weights
    }
    writer?.append(
      row, entity: labels.entities.names[Int(labels.labels[label].entity)], features: cells, labels: values,
      named: set.labelNames)
    guard keepsRows else { return }
    set.append(row, labels: values) { target in
      target.update(from: cells, count: program.columnNames.count)
    }
  }
}

/// How a replay for training went.
public struct CollectorCounts: Equatable, Sendable {
  /// Labels in the table.
  public var labels = 0
  /// Labels with no event of their entity before them.
  public var labelsWithoutEvents = 0
  /// Those among them whose entity has no event at all that is scored.
  public var ofUnknownEntities = LabelLines()
  /// Those among them from before the first event of their entity.
  public var beforeFirstEvents = LabelLines()
  /// Events of the log.
  public var events = 0
  /// Events applied: those of entities with labels still open.
  public var applied = 0
  /// Duplicates among them.
  public var duplicate = 0
  /// Erasures among them.
  public var erased = 0
  /// Ticks among them for which there was no state, and which are dead letters when they are scored.
  public var unknown = 0

  /// Nothing yet.
  public init() {}
}

/// Labels that make no row: how many, and where the first of them stand in their file.
public struct LabelLines: Equatable, Sendable {
  /// Lines that are kept.
  public static let linesMax = 20
  /// How many.
  public private(set) var count = 0
  /// Lines of the first ones as they came, from 1; none for labels of no file.
  public private(set) var lines: [Int] = []

  /// None.
  public init() {}

  mutating func add(_ line: Int) {
    count += 1
    if line > 0 && lines.count < Self.linesMax { lines.append(line) }
  }
}

/// An entity's open labels and its state.
private struct EntityProgress {
  /// Hash of the id.
  var hash: Hash128
  /// The next label, as a position in the schedule.
  var next = 0
  /// Behind the last label.
  var end = 0
  /// nil: no event yet, or no label left.
  var state: EntityState?
  /// Where no state is kept: the row of the last profile, its time and what it weighs; nil: as `state`.
  var profile: (time: EventTime, row: [Float], weights: [Float])?
}
