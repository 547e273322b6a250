import Dataflow
import Events
import Ingest
import Kafka
import TestThreads
import Testing
import TestServers

@Suite("A topic as a source", .onThreads) struct KafkaSourceTests {
  static func source(_ broker: TestBroker, _ topic: String, group: String = "g") throws -> KafkaSource {
    try KafkaSource(configuration(broker, topic, group: group))
  }

  static func configuration(_ broker: TestBroker, _ topic: String, group: String = "g")
    -> KafkaSourceConfiguration
  {
    var configuration = KafkaSourceConfiguration(
      brokers: broker.bootstrapServers, topic: broker.name(topic), group: broker.name(group))
    configuration.sessionTimeoutMs = 6000
    configuration.heartbeatIntervalMs = 100
    return configuration
  }

  /// Polls until `done`; an assignment starts at committed offsets or 0.
  static func drive(
    _ source: KafkaSource, limit: Int = 100, until done: () -> Bool, onRecord: (RawRecord) -> Void = { _ in },
    onOutcome: (PollOutcome) -> Void = { _ in }
  ) throws {
    let batch = RecordBatch()
    let deadline = Deadline(milliseconds: 180_000)
    while !done() {
      guard !deadline.isOver else { throw BrokerTimeout(what: "records") }
      let outcome = try source.poll(into: batch, limit: limit, timeoutMs: 50, fillMs: 0)
      onOutcome(outcome)
      switch outcome {
      case .assigned(let partitions):
        let starts = zip(partitions, try source.committed(partitions)).map {
          (partition: $0, offset: $1?.offset ?? 0)
        }
        try source.assign(starts)
      case .revoked: try source.unassign()
      case .records: for record in batch.records { onRecord(record) }
      case .unreadable, .stuck: Issue.record("all of it can be read")
      case .finished: Issue.record("a topic has no end")
      }
    }
  }

  @Test("gives records as they are, and starts again where it committed") func records() throws {
    let broker = try TestBroker.start(topics: [("src", 2)])
    defer { broker.stop() }
    let types = [
      nil, "application/json", "Application/JSON; charset=utf-8", "application/x-protobuf",
      "application/protobuf", "text/plain", "application/jsonx",
    ]
    try broker.produce(
      types.map { BrokerMessage("k", "v", contentType: $0, partition: 0) }
        + [BrokerMessage(nil, nil, partition: 1), BrokerMessage("k", "", partition: 1)], to: "src")
    let source = try Self.source(broker, "src")
    #expect(source.topic == broker.name("src"))
    #expect(try source.identity().partitionCount == 2)
    var found: [[ContentType]] = [[], []]
    var nulls: [Bool] = []
    try Self.drive(source, limit: 3, until: { found[0].count + found[1].count == 9 }) { record in
      found[Int(record.partition)].append(record.contentType)
      if record.partition == 1 { nulls.append(record.value.baseAddress == nil) }
      #expect(record.ingestTimeMs > 1_600_000_000_000)
    }
    #expect(found[0] == [.unspecified, .json, .json, .protobuf, .protobuf, .unknown, .unknown])
    #expect(nulls == [true, false])
    #expect(try source.bounds(0) == LogBounds(low: 0, high: 7))
    #expect(try source.committed([0, 1]) == [nil, nil])
    let marks = [
      OffsetMark(partition: 0, offset: 5, firstOffset: 3),
      OffsetMark(partition: 1, offset: 2, firstOffset: 0),
    ]
    #expect(try source.commit(marks) == .written)
    #expect(
      try source.committed([0, 1]) == [
        CommittedOffset(5, firstOffset: 3), CommittedOffset(2, firstOffset: 0),
      ])
    source.close()

    let again = try Self.source(broker, "src")
    defer { again.close() }
    var offsets: [Int64] = []
    try Self.drive(again, until: { offsets.count == 2 }) { offsets.append($0.offset) }
    #expect(offsets == [5, 6])
  }

  @Test("loses nothing while idle, and keeps the batch's bytes") func idle() throws {
    let broker = try TestBroker.start(topics: [("idle", 2)])
    defer { broker.stop() }
    try broker.produce(
      (0..<600).map { BrokerMessage("k", "value-\($0 / 2)", partition: Int32($0 % 2)) }, to: "idle")
    let source = try Self.source(broker, "idle")
    defer { source.close() }
    var offsets: [[Int64]] = [[], []]
    try Self.drive(source, limit: 11, until: { !offsets[0].isEmpty && !offsets[1].isEmpty }) {
      offsets[Int($0.partition)].append($0.offset)
    }
    let batch = RecordBatch()
    let deadline = Deadline(milliseconds: 180_000)
    while offsets[0].count + offsets[1].count < 600 {
      guard !deadline.isOver else { throw BrokerTimeout(what: "records \(offsets.map(\.count))") }
      #expect(try source.poll(into: batch, limit: 11, timeoutMs: 50, fillMs: 0) == .records)
      for _ in 0..<3 { #expect(try !source.idle(timeoutMs: 1)) }
      for record in batch.records {
        #expect(String(decoding: record.value, as: UTF8.self) == "value-\(record.offset)")
        offsets[Int(record.partition)].append(record.offset)
      }
      try source.resume()
    }
    #expect(offsets == [Array(0..<300), Array(0..<300)])
  }

  @Test("starts again at an earlier offset while it holds records of a later one, and while idle")
  func assignAgain() throws {
    let broker = try TestBroker.start(topics: [("again", 1)])
    defer { broker.stop() }
    try broker.produce((0..<400).map { BrokerMessage("k", "\($0)", partition: 0) }, to: "again")
    let source = try Self.source(broker, "again")
    defer { source.close() }
    var count = 0
    try Self.drive(source, limit: 7, until: { count >= 14 }) { _ in count += 1 }
    for start in [Int64(3), 0] {
      // As the worker does it when a store is away for a while and then turns out to have moved.
      for _ in 0..<3 { #expect(try !source.idle(timeoutMs: 20)) }
      try source.assign([(partition: 0, offset: start)])
      var offsets: [Int64] = []
      try Self.drive(source, limit: 7, until: { offsets.count >= 30 }) { offsets.append($0.offset) }
      #expect(offsets == (0..<Int64(offsets.count)).map { start + $0 })
    }
  }

  @Test("takes a time that no event can reach for the first such moment") func absurdTimestamp() throws {
    let broker = try TestBroker.start(topics: [("times", 1)])
    defer { broker.stop() }
    for time in [Int64.max, 1 << 60, 1_700_000_000_000] {
      var message = BrokerMessage("k", "v", partition: 0)
      message.timestampMs = time
      try broker.produce([message], to: "times")
    }
    let source = try Self.source(broker, "times")
    defer { source.close() }
    var times: [Int64] = []
    try Self.drive(source, until: { times.count == 3 }) { times.append($0.ingestTimeMs) }
    #expect(times == [EventTimeBounds.end / 1000, EventTimeBounds.end / 1000, 1_700_000_000_000])
  }

  @Test("tells of a revocation while idle, once a second member is there") func revocation() throws {
    let broker = try TestBroker.start(topics: [("two", 2)])
    defer { broker.stop() }
    try broker.produce((0..<40).map { BrokerMessage("k", "\($0)", partition: Int32($0 % 2)) }, to: "two")
    let first = try Self.source(broker, "two")
    defer { first.close() }
    var count = 0
    try Self.drive(first, until: { count == 40 }) { _ in count += 1 }
    let second = try Self.source(broker, "two")
    defer { second.close() }
    let deadline = Deadline(milliseconds: 180_000)
    let other = RecordBatch()
    while try !first.idle(timeoutMs: 20) {
      guard !deadline.isOver else { throw BrokerTimeout(what: "revocation") }
      _ = try second.poll(into: other, limit: 10, timeoutMs: 1, fillMs: 0)
    }
    let batch = RecordBatch()
    #expect(try first.poll(into: batch, limit: 10, timeoutMs: 0, fillMs: 0) == .revoked([0, 1], lost: false))
    var expected: [Int64] = [18, 19]
    let marks = [
      OffsetMark(partition: 0, offset: 20, firstOffset: 0),
      OffsetMark(partition: 1, offset: 18, firstOffset: 0),
    ]
    if try first.commit(marks) == .conflict {
      // The mock takes no commits during a rebalance, unlike Kafka: everything comes again.
      try #require(broker.mock != nil)
      expected = Array(0..<20) + Array(0..<20)
    }
    try first.unassign()
    #expect(try first.commit(marks) == .conflict, "what was given up is committed no more")
    var held: [[Int32]] = [[], []]
    // Records since each member's last assignment: the group may move more than once, and nothing is committed between.
    var late: [[Int64]] = [[], []]
    while held[0].count + held[1].count < 2 || late[0].count + late[1].count < expected.count {
      guard !deadline.isOver else { throw BrokerTimeout(what: "both members: \(held) \(late)") }
      for (index, source) in [first, second].enumerated() {
        switch try source.poll(into: batch, limit: 10, timeoutMs: 10, fillMs: 0) {
        case .assigned(let partitions):
          held[index] = partitions
          late[index] = []
          try source.assign(zip(partitions, try source.committed(partitions)).map { ($0, $1?.offset ?? 0) })
        case .revoked:
          held[index] = []
          late[index] = []
          try source.unassign()
        case .records: late[index] += batch.records.map(\.offset)
        case .unreadable, .stuck: Issue.record("all of it can be read")
        case .finished: Issue.record("a topic has no end")
        }
      }
    }
    #expect(Set(held[0] + held[1]) == [0, 1])
    #expect((late[0] + late[1]).sorted() == expected.sorted())
  }

  @Test("says unavailable as long as no broker answers") func outage() throws {
    let broker = try TestBroker.startMock(topics: [("down", 1)])
    defer { broker.stop() }
    let source = try Self.source(broker, "down")
    defer { source.close() }
    var isAssigned = false
    try Self.drive(source, until: { isAssigned }) { _ in
    } onOutcome: {
      isAssigned = isAssigned || $0 == .assigned([0])
    }
    try broker.setDown(true)
    let batch = RecordBatch()
    for _ in 0..<2 {
      let error = #expect(throws: PortError.self) { try Self.drive(source, until: { false }) }
      #expect(error?.code == .unavailable)
    }
    for _ in 0..<3 {
      do {
        // On a machine so busy that the session has ended meanwhile, that is what a poll tells first.
        let outcome = try source.poll(into: batch, limit: 10, timeoutMs: 10, fillMs: 0)
        #expect(outcome == .revoked([0], lost: true))
        return
      } catch let error as PortError {
        #expect(error.code == .unavailable)
      }
    }
    try broker.setDown(false)
    try broker.produce([BrokerMessage("k", "v")], to: "down")
    var count = 0
    let deadline = Deadline(milliseconds: 30_000)
    while count == 0 && !deadline.isOver {
      try? Self.drive(source, until: { count > 0 }) { _ in count += 1 }
    }
    // The mock broker, once taken down, is not always found again; a real one is.
    withKnownIssue("the mock broker stays down", isIntermittent: true) {
      #expect(count == 1)
    } when: {
      broker.mock != nil
    }
  }

  @Test("refuses a position outside the log") func outsideLog() throws {
    let broker = try TestBroker.start(topics: [("small", 1)])
    defer { broker.stop() }
    try broker.produce([BrokerMessage("k", "v")], to: "small")
    let source = try Self.source(broker, "small")
    defer { source.close() }
    let batch = RecordBatch()
    let deadline = Deadline(milliseconds: 180_000)
    let error = #expect(throws: PortError.self) {
      while !deadline.isOver {
        if case .assigned = try source.poll(into: batch, limit: 10, timeoutMs: 50, fillMs: 0) {
          try source.assign([(partition: 0, offset: 55)])
        }
      }
    }
    #expect(error?.code == .refused)
    #expect(error?.reason == .logTruncated)
  }

  @Test(
    "does not let go of the properties that it must own",
    arguments: [
      "enable.auto.commit", "auto.offset.reset", "group.id", "acks", "partition.assignment.strategy",
    ])
  func owned(_ name: String) throws {
    var configuration = KafkaSourceConfiguration(brokers: "127.0.0.1:1", topic: "t", group: "g")
    configuration.properties = [(name, "x")]
    let error = #expect(throws: PortError.self) { try KafkaSource(configuration) }
    #expect(error?.code == .misuse)
    #expect(error?.detail.contains("\"\(name)\"") == true)
  }
}
