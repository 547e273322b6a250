import Dataflow
import Events

/// What a sink will never take of one record costs that record: a dead letter tells of it.
extension BatchDelivery {
  /// Makes letters of the scores that the topic will never take; the table has their rows.
  func noteTopicRefusals() throws {
    guard let topic = context.ports.topic, let refused = try context.waiting({ try topic.refused(batch) })
    else {
      return
    }
    for index in refused {
      let row = batch.rows[index]
      refuse(row, .refusedByTopic, "the score is larger than its topic takes (max.message.bytes)")
      batch.rows[index].toTopic = false
    }
  }

  /// Makes letters of the rows that the table will never take; letters that it will not take go to the topic alone.
  func noteTableRefusals(_ refused: RefusedRows) {
    for refusal in refused.letters { batch.deadLetters[refusal.index].toTable = false }
    for refusal in refused.rows {
      let row = batch.rows[refusal.index]
      refuse(row, .refusedByTable, "the table refuses the row: \(refusal.why)")
      batch.rows[refusal.index].toTable = false
    }
  }

  /// The event stays applied; it counts as a dead letter in place of a scored one.
  private func refuse(_ row: ScoredRow, _ reason: DeadLetterReason, _ detail: String) {
    // One letter a record, though both sinks refuse it.
    if let letter = batch.deadLetters.firstIndex(where: { $0.record == row.record }) {
      batch.deadLetters[letter].detail += "; \(detail)"
      return
    }
    let record = batch.records[row.record]
    let place = assignment.ownPlace(of: record.partition)
    pass.totals.scored -= 1
    pass.totals.deadLettered[reason.index] += 1
    assignment.owned[place].share.next.counters.scored -= 1
    assignment.owned[place].share.next.counters.deadLettered[reason.index] += 1
    batch.deadLetters.append(
      DeadLetter(
        record: row.record, reason: reason, detail: detail, entityID: pass.entityID(of: row.event),
        toTopic: record.offset >= assignment.owned[place].topicFrom, toTable: row.toTable))
  }
}
