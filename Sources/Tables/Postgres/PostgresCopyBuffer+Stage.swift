package import Dataflow
import Events

extension PostgresCopyBuffer {
  /// The batch's rows with `toTable`, in the columns of `PostgresStatements.stagedRows`.
  package func stage(rowsOf batch: ScoredBatch, _ plan: TablePlan) {
    let fields = 8 + plan.outputs.count + plan.decisions.count + plan.features.count
    let events = batch.events.events
    begin()
    for (index, row) in batch.rows.enumerated() where row.toTable {
      let event = events[Int(row.event)]
      let record = batch.records[row.record]
      self.row(fields: fields)
      field(Int32(index))
      batch.events.withBytes(of: event.entityID) { field($0) }
      batch.events.withBytes(of: event.eventID) { field($0) }
      field(micros: event.time)
      field(micros: row.asOf)
      field(record.partition)
      field(record.offset)
      field(micros: batch.scoredAtMicros)
      stage(outputsOf: index, batch, plan)
      stage(featuresOf: index, batch, plan)
    }
    end()
  }

  private func stage(outputsOf index: Int, _ batch: ScoredBatch, _ plan: TablePlan) {
    let outputs = batch.outputs.row(index)
    for column in plan.outputs.indices { field(outputs[column]) }
    let first = index * plan.decisions.count
    for column in plan.decisions.indices {
      let code = Int(batch.decisions[first + column])
      let labels = plan.decisionLabels[column]
      if labels.isEmpty {
        field(code != 0)
      } else if labels.indices.contains(code) {
        field(labels[code])
      } else {
        null()
      }
    }
  }

  private func stage(featuresOf index: Int, _ batch: ScoredBatch, _ plan: TablePlan) {
    guard !plan.features.isEmpty else { return }
    let features = batch.features.row(index)
    for (position, column) in plan.context.tableFeatures.enumerated() {
      let value = features[column]
      let labels = plan.featureLabels[position]
      if labels.isEmpty {
        field(value)
      } else if let code = Int(exactly: value), labels.indices.contains(code) {
        field(labels[code])
      } else {
        null()
      }
    }
  }

  /// The batch's dead letters with `toTable`, in the columns of `PostgresStatements.stagedLetters`.
  package func stage(lettersOf batch: ScoredBatch) {
    begin()
    for (index, letter) in batch.deadLetters.enumerated() where letter.toTable {
      let record = batch.records[letter.record]
      let content = LetterContent(letter, record, bytesMax: LetterContent.bytesMax)
      row(fields: PostgresStatements.stagedLetters.count)
      field(Int32(index))
      field(record.partition)
      field(record.offset)
      field(text: letter.reason.rawValue)
      field(text: letter.detail)
      if content.key.baseAddress == nil { null() } else { field(content.key) }
      if content.value.baseAddress == nil { null() } else { field(content.value) }
      if record.ingestTimeMs < 0 { null() } else { field(micros: record.ingestTimeMs * 1_000) }
      field(micros: batch.scoredAtMicros)
      if let id = letter.idText { field(text: id) } else { null() }
      field(Int64(record.key.count))
      field(Int64(record.value.count))
      if let hash = content.hash { hash.withUnsafeBytes { field($0) } } else { null() }
    }
    end()
  }

  private func field(text: String) {
    var copy = text
    copy.withUTF8 { field(UnsafeRawBufferPointer($0)) }
  }
}
