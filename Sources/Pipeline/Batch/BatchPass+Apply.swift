import Dataflow
import Events
import Features

/// From events and states to rows and letters.
extension BatchPass {
  /// Applies every event in the order of the log and reads its feature row.
  func applyAll() {
    for index in verdicts.indices where verdicts[index] != .passedOver {
      let record = batch.records.records[index]
      let place = assignment.ownPlace(of: record.partition)
      switch verdicts[index] {
      case .passedOver: break
      case .refused(let reason): refuse(index, record, place: place, reason)
      case .promoted:
        totals.promoted += assignment.owned[place].isAgain(record) ? 0 : 1
        assignment.owned[place].share.next.counters.promoted += 1
      case .event(let event, let slot):
        if let states {
          apply(event, states, slot, index, record, place: place)
        } else {
          apply(event, index, record, place: place)
        }
      }
      assignment.owned[place].share.next.counters.read += 1
    }
  }

  private func apply(
    _ event: Int32, _ states: BatchStates, _ slot: Int32, _ index: Int, _ record: RawRecord, place: Int
  ) {
    let state = states.cache.state(slot)
    switch pass.apply(event, to: state, isReadable: states.cache.isReadable(slot)) {
    case .refused(let reason): refuse(index, record, place: place, reason)
    case .duplicate:
      totals.duplicate += assignment.owned[place].isAgain(record) ? 0 : 1
      assignment.owned[place].share.next.counters.duplicate += 1
    case .erased:
      states.cache.becomeReadable(slot)
      states.markChanged(slot, record: Int32(index), place: place)
      erase(event, index, record, place: place)
    case .applied:
      if state.hasFolded {
        totals.folded += 1
        state.hasFolded = false
      }
      states.markChanged(slot, record: Int32(index), place: place)
      pass.read(state, into: batch.features.appendRow(), carried: batch.carried.appendRow())
      score(event, index, record, asOf: state.watermark, place: place)
    }
  }

  /// Where no state is kept: each profile is a row of its own.
  private func apply(_ event: Int32, _ index: Int, _ record: RawRecord, place: Int) {
    switch pass.apply(event) {
    case .refused(let reason):
      refuse(index, record, place: place, reason, pass.detailWithoutState(of: event))
    case .erased: erase(event, index, record, place: place)
    case .applied:
      pass.read(event, into: batch.features.appendRow(), carried: batch.carried.appendRow())
      score(event, index, record, asOf: pass.events.events[Int(event)].time, place: place)
    // Nothing is remembered that it could be one of.
    case .duplicate: break
    }
  }

  /// Notes the row that was read last.
  private func score(_ event: Int32, _ index: Int, _ record: RawRecord, asOf: EventTime, place: Int) {
    totals.scored += assignment.owned[place].isAgain(record) ? 0 : 1
    assignment.owned[place].share.next.counters.scored += 1
    batch.rows.append(
      ScoredRow(
        event: event, record: Int32(index), asOf: asOf,
        toTopic: record.offset >= assignment.owned[place].topicFrom,
        toTable: record.offset >= assignment.owned[place].tableFrom))
  }

  private func refuse(
    _ index: Int, _ record: RawRecord, place: Int, _ reason: DeadLetterReason, _ detail: String? = nil
  ) {
    let own = assignment.owned[place]
    totals.deadLettered[reason.index] += own.isAgain(record) ? 0 : 1
    assignment.owned[place].share.next.counters.deadLettered[reason.index] += 1
    let told = refused[Int32(index)]
    var id = told?.entityID ?? []
    if case .event(let event, _) = verdicts[index] { id = entityID(of: event) }
    batch.deadLetters.append(
      DeadLetter(
        record: Int32(index), reason: reason,
        detail: told?.detail ?? detail ?? self.detail(of: reason, record),
        entityID: id,
        toTopic: record.offset >= own.topicFrom, toTable: record.offset >= own.tableFrom))
  }

  /// An event's entity id.
  func entityID(of event: Int32) -> [UInt8] {
    pass.events.withBytes(of: pass.events.events[Int(event)].entityID) { Array($0) }
  }

  /// What of the slice lies before an erasure of its entity does not reach the table.
  private func erase(_ event: Int32, _ index: Int, _ record: RawRecord, place: Int) {
    totals.erased += assignment.owned[place].isAgain(record) ? 0 : 1
    assignment.owned[place].share.next.counters.erased += 1
    batch.erasures.append(
      Erasure(event: event, toTable: record.offset >= assignment.owned[place].tableFrom))
    let id = entityID(of: event)
    // Not by the record's key, which may be anything where a mapping says so.
    for row in batch.rows.indices {
      let own = pass.events.events[Int(batch.rows[row].event)].entityID
      if pass.events.withBytes(of: own, { $0.elementsEqual(id) }) { batch.rows[row].toTable = false }
    }
    for letter in batch.deadLetters.indices {
      let key = batch.records[batch.deadLetters[letter].record].key
      if key.elementsEqual(id) || batch.deadLetters[letter].entityID == id {
        batch.deadLetters[letter].toTable = false
      }
    }
  }

  private func detail(of reason: DeadLetterReason, _ record: RawRecord) -> String {
    guard reason == .corruptState else { return "" }
    return
      "the state at \(context.store.place(of: record.key, partition: record.partition)) cannot be read: "
      + "rebuild it with tally rebuild --entity"
  }
}
