import Dataflow
import Events
import Features

/// Writes the changed states of a slice, partition by partition, each with the partition's record: this moves W. One thread.
final class StateWriter {
  private let context: WorkerContext
  private let pass: BatchPass
  private var writer = WireWriter()
  private var write = StateWrite()

  init(context: WorkerContext, pass: BatchPass) {
    self.context = context
    self.pass = pass
  }

  private var assignment: Assignment { context.assignment }

  /// Moves W of the touched partitions. Throws `Abandoned` when it is given up, `Superseded` when the store has moved on without us.
  func writeStates() throws {
    for place in pass.touched {
      prepareWrite(place)
      guard let outcome = try context.waiting({ try context.store.write(write) }) else { throw Abandoned() }
      if outcome == .conflict { throw Superseded() }
      let from = assignment.owned[place].record.nextOffset
      swap(&assignment.owned[place].recordBytes, &write.record)
      assignment.noteWritten(assignment.owned[place].share.next, at: place)
      assignment.owned[place].tellPassed(from: from, "", context.ports.recorder)
      let next = assignment.owned[place].record.nextOffset
      assignment.owned[place].topicFrom = max(assignment.owned[place].topicFrom, next)
    }
  }

  private func prepareWrite(_ place: Int) {
    write.partition = assignment.owned[place].partition
    write.entries.removeAll(keepingCapacity: true)
    writer.removeAll()
    assignment.owned[place].share.next.encode(into: &writer)
    write.record.removeAll(keepingCapacity: true)
    write.record.append(contentsOf: writer.bytes)
    write.expected.removeAll(keepingCapacity: true)
    write.expected.append(contentsOf: assignment.owned[place].recordBytes)
    writer.removeAll()
    for changed in assignment.owned[place].share.dirty {
      guard let state = pass.states?.cache.state(changed.slot) else { continue }
      let idStart = writer.bytes.count
      writer.bytes.append(contentsOf: pass.batch.records[changed.record].key)
      let stateStart = writer.bytes.count
      // An erased entity has no state.
      if state.events > 0 { state.encode(into: &writer) }
      write.entries.append(
        StateEntry(entityID: idStart..<stateStart, state: stateStart..<writer.bytes.count))
    }
    swap(&write.bytes, &writer.bytes)
    // What one slice of large states needed is not kept.
    writer.removeAll()
  }
}
