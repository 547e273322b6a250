import Dataflow
import Events
import Kafka
import Sink
import TestServers
import TestThreads
import Testing

/// A member of a group whose offsets transactions move.
private final class Member {
  let consumer: KafkaConsumer
  let membership: [UInt8]

  init(_ broker: TestBroker) throws {
    consumer = try KafkaConsumer(
      KafkaConfiguration([
        ("bootstrap.servers", broker.bootstrapServers), ("group.id", broker.name("group")),
        ("session.timeout.ms", "6000"),
      ]), topic: broker.name("events"))
    try consumer.subscribe()
    let deadline = Deadline(milliseconds: 180_000)
    while !consumer.hasChange {
      guard !deadline.isOver else { throw BrokerTimeout(what: "an assignment") }
      try consumer.poll(limit: 1, timeoutMs: 50)
    }
    membership = try consumer.membership() ?? []
    _ = consumer.takeChange()
    try consumer.assign([KafkaPosition(partition: 0, offset: 0)])
  }

  func committed() throws -> KafkaPosition? {
    let deadline = Deadline(milliseconds: 60_000)
    while true {
      do throws(KafkaError) {
        return try consumer.committed([0], timeoutMs: TestBroker.answerTimeoutMs)[0]
      } catch {
        guard error.isRetriable, !deadline.isOver else { throw error }
      }
    }
  }
}

@Suite("A topic as a sink, in transactions", .onThreads) struct TransactionalSinkTests {
  private func broker() throws -> TestBroker {
    try TestBroker.start(topics: [("events", 1), ("scores", 1), ("dead", 1)])
  }

  private func sink(
    _ broker: TestBroker, id: String = "sink", context: ScoreContext, timeoutMs: Int = 10_000
  ) throws -> KafkaTransactionalSink {
    var configuration = TopicSinkTests.configuration(broker)
    configuration.transactionalID = broker.name(id)
    configuration.transactionTimeoutMs = timeoutMs
    return try KafkaTransactionalSink(configuration, context: context)
  }

  private func batch(_ broker: TestBroker, rows: Int, id: Int64 = 0) -> ScoredBatch {
    var context = TopicSamples.context()
    context.topic = broker.name("events")
    let batch = TopicSamples.batch(rows: rows, context: context)
    batch.scoredAtMicros += id
    return batch
  }

  private func marks(_ offset: Int64) -> [OffsetMark] {
    [OffsetMark(partition: 0, offset: offset, firstOffset: 3)]
  }

  /// Does what a worker does about trouble that passes.
  private func patiently<R>(_ body: () throws -> R) throws -> R {
    let deadline = Deadline(milliseconds: 180_000)
    while true {
      do {
        return try body()
      } catch let error as PortError where error.code == .unavailable && !deadline.isOver {
        continue
      }
    }
  }

  @Test("messages and offsets become visible together") func together() throws {
    let broker = try broker()
    defer { broker.stop() }
    let member = try Member(broker)
    defer { member.consumer.close() }
    let batch = batch(broker, rows: 20)
    TopicSamples.addLetter(.emptyValue, key: [107], value: nil, to: batch)
    let sink = try sink(broker, context: batch.context)
    defer { sink.close() }
    try patiently { try sink.settle() }
    #expect(try sink.commit(batch, offsets: marks(21), membership: member.membership) == .written)
    // The mock keeps no offsets of transactions.
    let isReal = broker.mock == nil
    let mark = KafkaPosition(partition: 0, offset: 21, metadata: "tally first=3")
    #expect(try !isReal || member.committed() == mark)
    #expect(try broker.read("scores", count: 20).count == 20)
    #expect(try broker.read("dead", count: 1).count == 1)
    batch.scoredAtMicros += 1
    #expect(try sink.commit(batch, offsets: marks(42), membership: member.membership) == .written)
    #expect(try !isReal || member.committed()?.offset == 42)
  }

  @Test("a membership that is lost commits nothing") func noMember() throws {
    let broker = try broker()
    defer { broker.stop() }
    let batch = batch(broker, rows: 1)
    let sink = try sink(broker, context: batch.context)
    defer { sink.close() }
    try patiently { try sink.settle() }
    #expect(try sink.commit(batch, offsets: marks(1), membership: []) == .conflict)
  }

  @Test(
    "trouble that passes is waited out, and no message is written twice",
    arguments: [
      (.initProducer, .noCoordinator), (.addPartitions, .concurrentTransactions),
      (.addOffsets, .noCoordinator), (.transactionOffsets, .noCoordinator), (.endTransaction, .noCoordinator),
      (.produce, .notEnoughReplicas), (.endTransaction, .disconnect), (.transactionOffsets, .disconnect),
    ] as [(MockCluster.Request, MockCluster.Fault)])
  func passingTrouble(_ request: MockCluster.Request, _ fault: MockCluster.Fault) throws {
    let broker = try TestBroker.startMock(topics: [("events", 1), ("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let member = try Member(broker)
    defer { member.consumer.close() }
    let batch = batch(broker, rows: 10)
    let sink = try sink(broker, context: batch.context)
    defer { sink.close() }
    try broker.mock?.fail(request, with: fault, times: 2)
    try patiently { try sink.settle() }
    let outcome = try patiently {
      try sink.commit(batch, offsets: marks(10), membership: member.membership)
    }
    #expect(outcome == .written)
    #expect(try broker.read("scores", count: 10).count == 10)
  }

  @Test("messages are queued once, however often their offsets are refused") func offsetsRepeated() throws {
    let broker = try TestBroker.startMock(topics: [("events", 1), ("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let member = try Member(broker)
    defer { member.consumer.close() }
    let batch = batch(broker, rows: 10)
    let sink = try sink(broker, context: batch.context, timeoutMs: 1000)
    defer { sink.close() }
    try patiently { try sink.settle() }
    try broker.mock?.fail(.addOffsets, with: .concurrentTransactions, times: 60)
    var refusals = 0
    var outcome: WriteOutcome?
    while outcome == nil {
      do {
        outcome = try sink.commit(batch, offsets: marks(10), membership: member.membership)
      } catch let error as PortError where error.code == .unavailable {
        refusals += 1
        try #require(refusals < 200)
      }
    }
    #expect(outcome == .written)
    #expect(refusals > 0, "librdkafka has told of the trouble")
    let admin = try KafkaAdmin(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
    defer { admin.close() }
    let marks = try admin.watermarks(
      topic: broker.name("scores"), partition: 0, timeoutMs: TestBroker.answerTimeoutMs)
    #expect(marks.high == 10)
  }

  @Test("when the group has gone on, the transaction is aborted and the next one works")
  func groupMoved() throws {
    let broker = try TestBroker.startMock(topics: [("events", 1), ("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let member = try Member(broker)
    defer { member.consumer.close() }
    let batch = batch(broker, rows: 3)
    let sink = try sink(broker, context: batch.context)
    defer { sink.close() }
    try patiently { try sink.settle() }
    try broker.mock?.fail(.transactionOffsets, with: .illegalGeneration)
    let refused = try patiently {
      try sink.commit(batch, offsets: marks(3), membership: member.membership)
    }
    #expect(refused == .conflict)
    try patiently { try sink.settle() }
    batch.scoredAtMicros += 1
    let next = try patiently { try sink.commit(batch, offsets: marks(3), membership: member.membership) }
    #expect(next == .written)
  }

  @Test("a sink that another one of the same id has fenced begins anew, and gives up when they take turns")
  func fenced() throws {
    let broker = try TestBroker.startMock(topics: [("events", 1), ("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let member = try Member(broker)
    defer { member.consumer.close() }
    let sink = try sink(broker, context: batch(broker, rows: 1).context)
    defer { sink.close() }
    var fencings = 0
    let error = try #require(throws: PortError.self) {
      for turn in 0..<10 {
        try patiently { try sink.settle() }
        try broker.mock?.fail(.endTransaction, with: .fenced)
        let batch = batch(broker, rows: 1, id: Int64(turn))
        let outcome = try patiently {
          try sink.commit(batch, offsets: marks(Int64(turn)), membership: member.membership)
        }
        #expect(outcome == .conflict)
        fencings += 1
      }
    }
    #expect(fencings == 2)
    #expect(error.code == .refused && error.detail.contains("scores.transactional_id"), "\(error)")
    #expect(error.detail.contains(broker.name("sink")))
  }

  @Test("what waiting does not mend is told, not tried for ever") func lasting() throws {
    let broker = try TestBroker.startMock(topics: [("events", 1), ("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let member = try Member(broker)
    defer { member.consumer.close() }
    let batch = batch(broker, rows: 1)
    let sink = try sink(broker, context: batch.context)
    defer { sink.close() }
    try patiently { try sink.settle() }
    try broker.mock?.fail(.produce, with: .denied)
    let error = try #require(throws: PortError.self) {
      try patiently { try sink.commit(batch, offsets: marks(1), membership: member.membership) }
    }
    #expect(error.code == .refused && error.cause.contains("TOPIC_AUTHORIZATION_FAILED"), "\(error)")
  }

  /// Nothing of the batch is visible then; the next producer knows the limit, and its letter is shorter.
  @Test("a message that is too large is cut, or named, for the next transaction") func tooLarge() throws {
    let broker = try TestBroker.startMock(topics: [("events", 1), ("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let member = try Member(broker)
    defer { member.consumer.close() }
    let batch = batch(broker, rows: 1)
    batch.rows[0].toTopic = false
    TopicSamples.addLetter(.undecodable, key: [107], value: Array(repeating: 120, count: 300_000), to: batch)
    let sink = try sink(broker, context: batch.context)
    defer { sink.close() }
    try broker.mock?.fail(.produce, with: .tooLarge, times: 2)
    var conflicts = 0
    while conflicts < 20 {
      try patiently { try sink.settle() }
      let outcome = try patiently {
        try sink.commit(batch, offsets: marks(1), membership: member.membership)
      }
      if outcome == .written { break }
      conflicts += 1
    }
    #expect(conflicts == 2)
    let letters = try broker.read("dead", count: 1)
    #expect((letters.last?.value?.count ?? 0) < 250_000)
  }
}
