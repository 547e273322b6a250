import Dataflow
import Events
import Features

extension Worker {
  /// Sends the batch to topic and table and waits until both have it.
  ///
  /// Exactly once: the table first, so that no transaction waits for it.
  func deliver() throws {
    try noteTopicRefusals()
    if let transactions {
      if configuration.has(.tableAfterTransaction) { try commit(to: transactions) }
      if let table = ports.table { try deliver(to: table) }
      return configuration.has(.tableAfterTransaction) ? () : try commit(to: transactions)
    }
    if let topic = ports.topic {
      guard let _: Void = try waiting({ try topic.send(self.batch) }) else { throw Abandoned() }
    }
    let letters = batch.deadLetters.count
    if let table = ports.table { try deliver(to: table) }
    if let topic = ports.topic {
      if batch.deadLetters.count > letters { try send(lettersFrom: letters, to: topic) }
      try awaitAcknowledgements(of: topic)
    }
  }

  /// Sends the letters that came after the batch was sent.
  private func send(lettersFrom first: Int, to topic: any TopicSink) throws {
    for index in batch.rows.indices { batch.rows[index].toTopic = false }
    for index in 0..<first { batch.deadLetters[index].toTopic = false }
    guard let _: Void = try waiting({ try topic.send(self.batch) }) else { throw Abandoned() }
  }

  private func deliver(to table: any TableSink) throws {
    var moves: [PositionMove] = []
    for place in touched {
      // A table that came late starts at `tableFrom`, which may lie ahead while lost states are made anew.
      let next = max(nextOffset(of: place), owned[place].tableFrom)
      guard next > owned[place].tableFrom || owned[place].tablePosition == nil else { continue }
      moves.append(
        PositionMove(
          partition: owned[place].partition, old: owned[place].tablePosition, new: next,
          leftOut: told(owned[place].record)))
    }
    guard !moves.isEmpty else { return }
    let outcome = try write(moves, to: table)
    if outcome == .conflict { throw Superseded() }
    for move in moves {
      let place = Int(places[Int(move.partition)])
      owned[place].tablePosition = move.new
      owned[place].tableFrom = move.new
    }
  }

  /// Writes the batch; without what the table will never take, in whose place letters stand.
  private func write(_ moves: [PositionMove], to table: any TableSink) throws -> WriteOutcome {
    while true {
      do {
        guard let outcome = try waiting({ try table.write(self.batch, moves: moves) }) else {
          throw Abandoned()
        }
        return outcome
      } catch let refused as RefusedRows {
        // Each round takes something out of the table's share, so that this ends.
        noteTableRefusals(refused)
      }
    }
  }

  /// Messages and C in one transaction; none when the group's offset lies ahead of the whole batch.
  private func commit(to topic: any TransactionalTopicSink) throws {
    var marks: [OffsetMark] = []
    for place in touched {
      let next = nextOffset(of: place)
      if next > owned[place].committed ?? -1 { marks.append(owned[place].mark(next)) }
    }
    guard !marks.isEmpty else { return }
    let membership = ports.source.membership
    let outcome = try waiting { try topic.commit(self.batch, offsets: marks, membership: membership) }
    guard let outcome else { throw Abandoned() }
    if outcome == .conflict { throw Superseded() }
    if !offsetsAreKept { try checkOffsets(marks) }
    for mark in marks {
      let place = Int(places[Int(mark.partition)])
      owned[place].committed = mark.offset
      owned[place].shown = mark.shown
      owned[place].topicFrom = max(owned[place].topicFrom, mark.offset)
    }
  }

  /// After a worker's first transaction: whether the brokers have moved the group's offsets with it, without which a restart could not
  /// tell what the topic has.
  private func checkOffsets(_ marks: [OffsetMark]) throws {
    guard let found = try waiting({ try self.ports.source.committed(marks.map(\.partition)) }) else {
      throw Abandoned()
    }
    for (mark, committed) in zip(marks, found) where committed.map({ $0.offset < mark.offset }) ?? true {
      throw PortError(
        .refused,
        "partition \(mark.partition): a transaction was committed, and the group's offset has not moved with it: these brokers "
          + "cannot promise exactly once (librdkafka's mock, of tally dev-broker, does not); use effectively-once, or brokers of "
          + "Apache Kafka 2.5 or later", reason: .exactlyOnceUnsupported)
    }
    offsetsAreKept = true
  }

  /// Waits for acknowledgements, `flushWaitMs` each, before the group is served between them.
  private static let patientWaits = 10

  private func awaitAcknowledgements(of topic: any TopicSink) throws {
    var waits = 0
    while try !topic.flush(timeoutMs: configuration.flushWaitMs) {
      waits += 1
      if waits == 5 { ports.recorder.state("waiting for the sink topic's acknowledgements", healthy: false) }
      ports.recorder.beat()
      if stop.isStopped { throw Abandoned() }
      // To serve the group, delivery has to stop, and what was fetched is fetched again: over a slow link not for every batch.
      if waits > Self.patientWaits, try serveGroup(forMs: 1) { throw Abandoned() }
    }
    if waits > 0 {
      try ports.source.resume()
      tellRunning()
    }
  }

  private func nextOffset(of place: Int) -> Int64 {
    batch.records.records[Int(owned[place].lastRecord)].offset + 1
  }

  /// Moves W with the changed states, partition by partition.
  func writeStates() throws {
    for place in touched {
      prepareRecord(place)
      prepareWrite(place)
      guard let outcome = try waiting({ try self.ports.store.write(self.write) }) else { throw Abandoned() }
      if outcome == .conflict { throw Superseded() }
      let from = owned[place].record.nextOffset
      owned[place].record = owned[place].next
      tellPassed(place, from: from, "")
      swap(&owned[place].recordBytes, &write.record)
      owned[place].topicFrom = max(owned[place].topicFrom, owned[place].record.nextOffset)
    }
  }

  private func prepareRecord(_ place: Int) {
    let last = batch.records.records[Int(owned[place].lastRecord)]
    owned[place].next.nextOffset = last.offset + 1
    owned[place].next.modelSet = identity.modelSet
    owned[place].next.lastTimestampMs = last.ingestTimeMs
    owned[place].next.lastCRC = CRC32C.of(key: last.key, value: last.value)
    owned[place].next.lastOffsetPlusOne = last.offset + 1
    if owned[place].next.nextOffset >= owned[place].next.rebuildingUntil {
      owned[place].next.rebuildingUntil = 0
    }
  }

  private func prepareWrite(_ place: Int) {
    write.partition = owned[place].partition
    write.entries.removeAll(keepingCapacity: true)
    writer.removeAll()
    owned[place].next.encode(into: &writer)
    write.record.removeAll(keepingCapacity: true)
    write.record.append(contentsOf: writer.bytes)
    write.expected.removeAll(keepingCapacity: true)
    write.expected.append(contentsOf: owned[place].recordBytes)
    writer.removeAll()
    for changed in owned[place].dirty {
      let idStart = writer.bytes.count
      writer.bytes.append(contentsOf: batch.records.records[Int(changed.record)].key)
      let stateStart = writer.bytes.count
      // An erased entity has no state.
      if cache.state(changed.slot).events > 0 { cache.state(changed.slot).encode(into: &writer) }
      write.entries.append(
        StateEntry(entityID: idStart..<stateStart, state: stateStart..<writer.bytes.count))
    }
    swap(&write.bytes, &writer.bytes)
    // What one batch of large states needed is not kept.
    writer.removeAll()
  }

  /// Tells the recorder of the durable batch.
  func finish() {
    let now = ports.clock.wallMicros()
    recordAges(.brokerWait, at: polledAtMicros)
    recordAges(.total, at: now)
    ports.recorder.count(
      read: totals.read - totals.rebuilt, scored: totals.scored, duplicate: totals.duplicate,
      erased: totals.erased, deadLettered: totals.deadLettered)
    if totals.rebuilt > 0 { ports.recorder.rebuilt(records: totals.rebuilt) }
    if totals.folded > 0 { ports.recorder.folded(events: totals.folded) }
    for place in touched { owned[place].lastRecord = -1 }
    onBatch?(batch)
  }

  /// What is made again was on its way long ago: its age would say nothing.
  private func recordAges(_ stage: Stage, at now: Int64) {
    ages.removeAll(keepingCapacity: true)
    for index in verdicts.indices where !verdicts[index].isPassedOver {
      let record = batch.records.records[index]
      let ingest = record.ingestTimeMs
      if ingest > 0 && !isAgain(record, place: Int(places[Int(record.partition)])) {
        ages.append(UInt64(max(0, now - ingest * 1000)) * 1000)
      }
    }
    ages.withUnsafeBufferPointer { ports.recorder.record(stage, nanos: $0) }
  }
}
