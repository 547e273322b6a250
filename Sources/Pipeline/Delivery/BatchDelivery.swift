import Dataflow
import Events
import Features

/// Makes a slice durable: sends it to topic and table, moves T, C and W with it, each by compare-and-set. One thread.
final class BatchDelivery {
  let context: WorkerContext
  let pass: BatchPass
  /// Whether a transaction was seen to move the group's offsets.
  private var offsetsAreKept = false

  init(context: WorkerContext, pass: BatchPass) {
    self.context = context
    self.pass = pass
  }

  private var configuration: WorkerConfiguration { context.configuration }
  private var ports: WorkerPorts { context.ports }
  var assignment: Assignment { context.assignment }
  var batch: ScoredBatch { context.batch }

  /// Sends the slice to topic and table and waits until both have it.
  ///
  /// Exactly once: the table first, so that no transaction waits for it. Throws `Abandoned` when it is given up, `Superseded` when a
  /// store has moved on without us.
  func deliver() throws {
    try noteTopicRefusals()
    if let transactions = context.transactions {
      if configuration.has(.tableAfterTransaction) { try commit(to: transactions) }
      if let table = ports.table { try deliver(to: table) }
      return configuration.has(.tableAfterTransaction) ? () : try commit(to: transactions)
    }
    if let topic = ports.topic {
      guard let _: Void = try context.waiting({ try topic.send(batch) }) else { throw Abandoned() }
    }
    let letters = batch.deadLetters.count
    if let table = ports.table { try deliver(to: table) }
    if let topic = ports.topic {
      if batch.deadLetters.count > letters { try send(lettersFrom: letters, to: topic) }
      try awaitAcknowledgements(of: topic)
    }
  }

  /// Sends the letters that came after the slice was sent.
  private func send(lettersFrom first: Int, to topic: any TopicSink) throws {
    for index in batch.rows.indices { batch.rows[index].toTopic = false }
    for index in 0..<first { batch.deadLetters[index].toTopic = false }
    guard let _: Void = try context.waiting({ try topic.send(batch) }) else { throw Abandoned() }
  }

  private func deliver(to table: any TableSink) throws {
    var moves: [PositionMove] = []
    for place in pass.touched {
      let own = assignment.owned[place]
      // A table that came late starts at `tableFrom`, which may lie ahead while lost states are rebuilt.
      let next = max(own.share.next.nextOffset, own.tableFrom)
      guard next > own.tableFrom || own.tablePosition == nil else { continue }
      moves.append(
        PositionMove(
          partition: own.partition, old: own.tablePosition, new: next,
          leftOut: configuration.told(own.record)))
    }
    guard !moves.isEmpty else { return }
    let outcome = try write(moves, to: table)
    if outcome == .conflict { throw Superseded() }
    for move in moves {
      let place = assignment.ownPlace(of: move.partition)
      assignment.owned[place].tablePosition = move.new
      assignment.owned[place].tableFrom = move.new
    }
  }

  /// Writes the slice; without what the table will never take, in whose place letters stand.
  private func write(_ moves: [PositionMove], to table: any TableSink) throws -> WriteOutcome {
    while true {
      do {
        guard let outcome = try context.waiting({ try table.write(batch, moves: moves) }) else {
          throw Abandoned()
        }
        return outcome
      } catch let refused as RefusedRows {
        // Each round takes something out of the table's share, so that this ends.
        noteTableRefusals(refused)
      }
    }
  }

  /// Messages and C in one transaction; none when the group's offset lies ahead of the whole slice.
  private func commit(to topic: any TransactionalTopicSink) throws {
    var marks: [OffsetMark] = []
    for place in pass.touched {
      let own = assignment.owned[place]
      guard own.share.next.nextOffset > own.committed ?? -1 else { continue }
      var mark = own.nextMark
      if configuration.has(.transactionWithoutRecord) { mark.record = [] }
      if own.isRecordBesideOffset { try mark.checkRoom() }
      marks.append(mark)
    }
    guard !marks.isEmpty else { return }
    guard let outcome = try context.commit(marks, with: batch, to: topic) else { throw Abandoned() }
    if outcome == .conflict { throw Superseded() }
    if !offsetsAreKept { try checkOffsets(marks) }
    assignment.noteCommitted(marks)
    for mark in marks {
      let place = assignment.ownPlace(of: mark.partition)
      assignment.owned[place].topicFrom = max(assignment.owned[place].topicFrom, mark.offset)
    }
  }

  /// After a worker's first transaction: whether the brokers have moved the group's offsets with it, without which a restart could not
  /// tell what the topic has.
  private func checkOffsets(_ marks: [OffsetMark]) throws {
    guard let found = try context.waiting({ try ports.source.committed(marks.map(\.partition)) }) else {
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
      if context.stop.isStopped { throw Abandoned() }
      // To serve the group, delivery has to stop, and what was fetched is fetched again: over a slow link not for every batch.
      if waits > Self.patientWaits, try context.serveGroup(forMs: 1) { throw Abandoned() }
    }
    if waits > 0 {
      try ports.source.resume()
      assignment.tellRunning(ports.recorder)
    }
  }
}
