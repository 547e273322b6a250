import Configuration
import Dataflow
package import Events
import Features

/// What is known of an entity at a moment.
package struct EntityFeatures {
  /// Feature row, in column order.
  package let row: [Float]
  /// Events behind it.
  package let events: UInt64
  /// Event time of the latest of them.
  package let watermark: EventTime
  /// The moment.
  package let asOf: EventTime
}

/// An entity's features: of the state that the store has, or that is made from the log; where no state is kept, of its last profile in
/// the log.
package struct FeatureLookup {
  package let access: any PipelineAccess
  /// The entity's id.
  package let id: [UInt8]

  package init(access: any PipelineAccess, id: [UInt8]) {
    self.access = access
    self.id = id
  }

  /// As of a moment, or of its latest event. Throws `Failure` when there is none, or the moment lies before it.
  package func fromTheStore(asOf moment: EventTime?) throws -> EntityFeatures {
    try access.requireState(
      for: "features", instead: "read them from the log, with --from-log or --events FILE")
    let partitions = try access.partitionCount()
    let (store, homes) = try access.openStatesInForce(partitionCount: partitions)
    defer { store.close() }
    let entity = EntityLookup(id, homes)
    guard let bytes = try entity.state(in: store) else {
      throw Failure("the store has no state of this entity", reason: .notFound)
    }
    let state = EntityState(access.pipeline.program)
    guard bytes.withUnsafeBytes({ state.decode($0) }) else {
      throw Failure(
        "the entity's stored state (partition \(entity.partition)) cannot be read", reason: .corruptState)
    }
    return try read(state, asOf: moment)
  }

  private func read(_ state: EntityState, asOf moment: EventTime?) throws -> EntityFeatures {
    if let moment, moment < state.watermark {
      throw Failure(
        "\(Moment.format(moment)) is before the entity's latest event (\(Moment.format(state.watermark))): add --from-log",
        reason: .usage)
    }
    let program = access.pipeline.program
    var row = [Float](repeating: .nan, count: program.columnNames.count)
    let asOf = moment ?? state.watermark
    program.read(state, asOf: asOf, into: &row, scratch: FeatureScratch(program))
    return EntityFeatures(row: row, events: state.events, watermark: state.watermark, asOf: asOf)
  }

  /// As of a moment (nil: its latest event), by the topic's log or a file's. Throws `Failure` when the log has no event of it.
  package func fromTheLog(file: String?, until moment: EventTime?) throws -> EntityFeatures {
    let program = access.pipeline.program
    let state = EntityState(program)
    var last = EntityFeatures(
      row: [Float](repeating: .nan, count: program.columnNames.count), events: 0, watermark: 0, asOf: 0)
    let log = try EventLog(access, file: file)
    let counts = try log.forEachEvent(what: "features: reading the log") { number, pass, record in
      let event = pass.events.events[Int(number)]
      guard pass.events.withBytes(of: event.entityID, { $0.elementsEqual(id) }) else { return true }
      if let moment, event.time > moment { return true }
      state.partition = record.partition
      if program.keepsState {
        _ = pass.apply(number, to: state)
      } else {
        last = Self.profile(number, pass, after: last)
      }
      return true
    }
    guard state.events + last.events > 0 else {
      let letters = counts.deadLetters == 0 ? "" : "; of its records these are dead letters:\n"
      throw Failure(
        "the log has no event of this entity up to then, or none since they were erased" + letters
          + counts.lines.joined(separator: "\n"), reason: .notFound)
    }
    return program.keepsState ? try read(state, asOf: moment) : last
  }

  /// Where no state is kept: what is known by a profile, or by none after an erasure.
  private static func profile(_ number: Int32, _ pass: EventPass, after last: EntityFeatures)
    -> EntityFeatures
  {
    let time = pass.events.events[Int(number)].time
    var row = last.row
    switch pass.apply(number) {
    case .applied: pass.read(number, into: &row)
    case .erased: return EntityFeatures(row: row, events: 0, watermark: 0, asOf: 0)
    case .duplicate, .refused: return last
    }
    return EntityFeatures(row: row, events: last.events + 1, watermark: time, asOf: time)
  }
}
