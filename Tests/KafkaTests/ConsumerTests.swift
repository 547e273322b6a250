import Kafka
import TestThreads
import Testing
import TestServers

@Suite("A consumer", .onThreads) struct ConsumerTests {
  static func properties(_ broker: TestBroker, group: String) -> KafkaConfiguration {
    KafkaConfiguration([
      ("bootstrap.servers", broker.bootstrapServers), ("group.id", broker.name(group)),
      ("fetch.wait.max.ms", "10"), ("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "100"),
    ])
  }

  /// Polls until `done` or the deadline; answers rebalances by starting at committed offsets or 0.
  static func drive(
    _ consumers: [KafkaConsumer], until done: () throws -> Bool,
    onChange: (Int, KafkaGroupChange) -> Void = { _, _ in },
    onMessage: (Int, KafkaMessage) -> Void = { _, _ in }
  ) throws {
    let deadline = Deadline(milliseconds: 180_000)
    while try !done() {
      guard !deadline.isOver else { throw BrokerTimeout(what: "condition") }
      for (index, consumer) in consumers.enumerated() {
        try consumer.poll(limit: 100, timeoutMs: 20)
        for message in consumer.messages { onMessage(index, message) }
        while let change = consumer.takeChange() {
          onChange(index, change)
          switch change {
          case .assigned(let partitions):
            let committed = try consumer.committed(partitions, timeoutMs: TestBroker.answerTimeoutMs)
            try consumer.assign(
              zip(partitions, committed).map { KafkaPosition(partition: $0, offset: $1?.offset ?? 0) })
          case .revoked: try consumer.unassign()
          }
        }
      }
    }
  }

  @Test("starts where its group has committed") func committedStart() throws {
    let broker = try TestBroker.start(topics: [("events", 2)])
    defer { broker.stop() }
    try broker.produce(
      (0..<20).map { BrokerMessage("k\($0)", "v\($0)", partition: Int32($0 % 2)) }, to: "events")

    let first = try KafkaConsumer(Self.properties(broker, group: "g"), topic: broker.name("events"))
    try first.subscribe()
    var seen: [String] = []
    try Self.drive([first]) {
      seen.count == 20
    } onMessage: { _, message in
      seen.append(String(decoding: message.value, as: UTF8.self))
    }
    #expect(Set(seen).count == 20)
    try first.commit([KafkaPosition(partition: 0, offset: 10), KafkaPosition(partition: 1, offset: 4)])
    #expect(try first.committed([1, 0], timeoutMs: 60_000).map { $0?.offset } == [4, 10])
    first.close()

    let second = try KafkaConsumer(Self.properties(broker, group: "g"), topic: broker.name("events"))
    defer { second.close() }
    try second.subscribe()
    var again: [Int64] = []
    try Self.drive([second]) {
      again.count >= 6
    } onMessage: { _, message in
      #expect(message.partition == 1)
      again.append(message.offset)
    }
    #expect(again == [4, 5, 6, 7, 8, 9])
  }

  @Test("gives nulls, headers and timestamps as they are") func shapes() throws {
    let broker = try TestBroker.start(topics: [("shapes", 1)])
    defer { broker.stop() }
    var dated = BrokerMessage("k", "v")
    dated.timestampMs = 1_700_000_000_123
    try broker.produce(
      [
        BrokerMessage(nil, "no key"), BrokerMessage("k", nil), BrokerMessage(nil, nil), BrokerMessage("", ""),
        BrokerMessage("k", "{}", contentType: "application/json"), dated,
      ], to: "shapes")
    let read = try broker.read("shapes", count: 6)
    #expect(read.map(\.key) == [nil, [107], nil, [], [107], [107]])
    #expect(read.map(\.value) == [Array("no key".utf8), nil, nil, [], Array("{}".utf8), [118]])
    #expect(read.map(\.contentType) == [nil, nil, nil, nil, "application/json", nil])
    #expect(read[5].timestampMs == 1_700_000_000_123)
    #expect(read.map(\.offset) == [0, 1, 2, 3, 4, 5])
  }

  @Test("shares partitions with a second one, which the caller answers") func rebalance() throws {
    let broker = try TestBroker.start(topics: [("shared", 4)])
    defer { broker.stop() }
    let first = try KafkaConsumer(Self.properties(broker, group: "two"), topic: broker.name("shared"))
    let second = try KafkaConsumer(Self.properties(broker, group: "two"), topic: broker.name("shared"))
    defer {
      first.close()
      second.close()
    }
    try first.subscribe()
    var changes: [[KafkaGroupChange]] = [[], []]
    try Self.drive([first], until: { changes[0].contains(.assigned([0, 1, 2, 3])) }) {
      changes[$0].append($1)
    }
    try second.subscribe()
    var held: [Set<Int32>] = [[0, 1, 2, 3], []]
    try Self.drive([first, second], until: { held[0].count == 2 && held[1].count == 2 }) { index, change in
      changes[index].append(change)
      switch change {
      case .assigned(let partitions): held[index] = Set(partitions)
      case .revoked: held[index] = []
      }
    }
    #expect(held[0].union(held[1]) == [0, 1, 2, 3])
    #expect(changes[0].contains(.revoked([0, 1, 2, 3], lost: false)))
  }

  @Test("may be given its partitions again at once, time and again") func assignedAgain() throws {
    let broker = try TestBroker.start(topics: [("events", 3)])
    defer { broker.stop() }
    try broker.produce((0..<3).map { BrokerMessage("k", "v", partition: Int32($0)) }, to: "events")
    let consumer = try KafkaConsumer(Self.properties(broker, group: "again"), topic: broker.name("events"))
    defer { consumer.close() }
    try consumer.subscribe()
    let all = (0..<3).map { KafkaPosition(partition: Int32($0), offset: 0) }
    for round in 0..<20 {
      var seen: Set<Int32> = []
      try Self.drive([consumer]) {
        seen.count == 3
      } onMessage: {
        seen.insert($1.partition)
      }
      #expect(seen == [0, 1, 2], "round \(round)")
      // They have started: librdkafka would stop them once for each of these.
      for _ in 0..<5 { try consumer.assign(all) }
      if round % 2 == 0 {
        try consumer.unassign()
        try consumer.assign(all)
      }
    }
  }

  @Test("refuses to guess an offset that the log does not have") func outsideLog() throws {
    let broker = try TestBroker.start(topics: [("short", 1)])
    defer { broker.stop() }
    try broker.produce([BrokerMessage("k", "v")], to: "short")
    let consumer = try KafkaConsumer(Self.properties(broker, group: "o"), topic: broker.name("short"))
    defer { consumer.close() }
    #expect(try consumer.watermarks(0, timeoutMs: 60_000) == (0, 1))
    try consumer.assign([KafkaPosition(partition: 0, offset: 77)])
    let error = #expect(throws: KafkaError.self) { try Self.drive([consumer]) { false } }
    #expect(error?.kind == .outsideLog)
    #expect(error?.description.contains("short") == true)
  }

  @Test("knows the topic, its partitions and the cluster") func metadata() throws {
    let broker = try TestBroker.start(topics: [("known", 3)])
    defer { broker.stop() }
    let consumer = try KafkaConsumer(Self.properties(broker, group: "m"), topic: broker.name("known"))
    defer { consumer.close() }
    #expect(try consumer.metadata(timeoutMs: 60_000)?.partitionCount == 3)
    #expect(try !consumer.clusterID(timeoutMs: 60_000).isEmpty)
    if broker.mock == nil {
      let absent = try KafkaConsumer(Self.properties(broker, group: "m"), topic: broker.name("absent"))
      defer { absent.close() }
      #expect(try absent.metadata(timeoutMs: 60_000) == nil)
      try broker.produce([BrokerMessage("k", "v")], to: "known")
      #expect(try consumer.offsets(at: 0, [0, 1, 2], timeoutMs: 60_000).compactMap { $0 } == [0])
    }
  }

  @Test("loses nothing over pause and resume") func pause() throws {
    let broker = try TestBroker.start(topics: [("paused", 1)])
    defer { broker.stop() }
    try broker.produce((0..<500).map { BrokerMessage("k", "\($0)") }, to: "paused")
    let consumer = try KafkaConsumer(Self.properties(broker, group: "p"), topic: broker.name("paused"))
    defer { consumer.close() }
    try consumer.assign([KafkaPosition(partition: 0, offset: 0)])
    var offsets: [Int64] = []
    var turn = 0
    let deadline = Deadline(milliseconds: 180_000)
    while offsets.count < 500 && !deadline.isOver {
      try consumer.poll(limit: 7, timeoutMs: 20)
      offsets += consumer.messages.map(\.offset)
      turn += 1
      if turn % 3 == 0 {
        try consumer.pause([0])
        try consumer.poll(limit: 7, timeoutMs: 1)
        offsets += consumer.messages.map(\.offset)
        try consumer.resume([0])
      }
    }
    #expect(offsets == Array(0..<500))
  }

  @Test("says that no broker is there, and goes on when one is again") func outage() throws {
    let broker = try TestBroker.startMock(topics: [("out", 1)])
    defer { broker.stop() }
    let consumer = try KafkaConsumer(Self.properties(broker, group: "x"), topic: "out")
    defer { consumer.close() }
    try consumer.assign([KafkaPosition(partition: 0, offset: 0)])
    try broker.produce([BrokerMessage("k", "1")], to: "out")
    var count = 0
    try Self.drive([consumer], until: { count == 1 }, onMessage: { _, _ in count += 1 })
    try broker.setDown(true)
    let error = #expect(throws: KafkaError.self) { try Self.drive([consumer]) { false } }
    #expect(error?.kind == .transient)
    #expect(error?.isRetriable == true)
    try broker.setDown(false)
    try broker.produce([BrokerMessage("k", "2")], to: "out")
    try Self.drive([consumer], until: { count == 2 }, onMessage: { _, _ in count += 1 })
  }

  @Test("closes in time though its broker is gone") func closeWithoutBroker() throws {
    let broker = try TestBroker.startMock(topics: [("gone", 1)])
    let consumer = try KafkaConsumer(Self.properties(broker, group: "gone"), topic: "gone")
    try consumer.subscribe()
    var joined = false
    try Self.drive([consumer], until: { joined }) { _, _ in joined = true }
    broker.stop()
    let begin = ContinuousClock.now
    consumer.close()
    #expect(ContinuousClock.now - begin < .seconds(10))
  }
}
