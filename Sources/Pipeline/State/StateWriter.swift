import Dataflow
import Events
import Features

/// Writes the changed states of a slice, partition by partition, each with the partition's record: this moves W. One thread.
final class StateWriter {
  private let context: WorkerContext
  private let delivery: BatchDelivery
  private let pass: BatchPass
  private var writer = WireWriter()
  private var write = StateWrite()

  init(context: WorkerContext, pass: BatchPass, delivery: BatchDelivery) {
    self.context = context
    self.pass = pass
    self.delivery = delivery
  }

  private var assignment: Assignment { context.assignment }

  /// Moves W of the touched partitions. Throws `Abandoned` when it is given up, `Superseded` when the store has moved on without us.
  func writeStates() throws {
    let ports = context.ports
    for place in pass.touched {
      prepareRecord(place)
      prepareWrite(place)
      guard let outcome = try context.waiting({ try ports.store.write(write) }) else { throw Abandoned() }
      if outcome == .conflict { throw Superseded() }
      let from = assignment.owned[place].record.nextOffset
      assignment.owned[place].record = assignment.owned[place].share.next
      assignment.owned[place].tellPassed(from: from, "", ports.recorder)
      swap(&assignment.owned[place].recordBytes, &write.record)
      let next = assignment.owned[place].record.nextOffset
      assignment.owned[place].topicFrom = max(assignment.owned[place].topicFrom, next)
    }
  }

  private func prepareRecord(_ place: Int) {
    let last = delivery.lastRecord(of: place)
    assignment.owned[place].share.next.passed(last, crc: CRC32C.of(key: last.key, value: last.value))
    assignment.owned[place].share.next.modelSet = context.identity.modelSet
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
      let idStart = writer.bytes.count
      writer.bytes.append(contentsOf: pass.batch.records[changed.record].key)
      let stateStart = writer.bytes.count
      let state = pass.cache.state(changed.slot)
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

extension PartitionRecord {
  /// Notes the last record that was taken into the states: W, and the fingerprint by which a log that was recreated is known.
  fileprivate mutating func passed(_ record: RawRecord, crc: UInt32) {
    nextOffset = record.offset + 1
    lastTimestampMs = record.ingestTimeMs
    lastCRC = crc
    lastOffsetPlusOne = record.offset + 1
    if nextOffset >= rebuildingUntil { rebuildingUntil = 0 }
  }
}
