import Configuration
import Dataflow
package import Events
package import Features

/// An entity's state: as the store has it, or made from the log.
package struct FeatureLookup {
  package let access: any PipelineAccess
  /// The entity's id.
  package let id: [UInt8]

  package init(access: any PipelineAccess, id: [UInt8]) {
    self.access = access
    self.id = id
  }

  /// As of its latest event. Throws `Failure` when there is none.
  package func fromTheStore() throws -> EntityState {
    try requireState()
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
    return state
  }

  private func requireState() throws {
    try access.requireState(
      for: "features",
      instead:
        "an entity's features are those of each of its profiles, which the table has (table features of the pipeline)"
    )
  }

  /// As of a moment (nil: its latest event), by the topic's log or a file's. Throws `Failure` when the log has no event of it.
  package func fromTheLog(file: String?, until moment: EventTime?) throws -> EntityState {
    try requireState()
    let program = access.pipeline.program
    let state = EntityState(program)
    let log = try EventLog(access, file: file)
    let counts = try log.forEachEvent(what: "features: reading the log") { number, pass, record in
      let event = pass.events.events[Int(number)]
      guard pass.events.withBytes(of: event.entityID, { $0.elementsEqual(id) }) else { return true }
      if let moment, event.time > moment { return true }
      state.partition = record.partition
      _ = pass.apply(number, to: state)
      return true
    }
    guard state.events > 0 else {
      let letters = counts.deadLetters == 0 ? "" : "; of its records these are dead letters:\n"
      throw Failure(
        "the log has no event of this entity up to then, or none since they were erased" + letters
          + counts.lines.joined(separator: "\n"), reason: .notFound)
    }
    return state
  }
}
