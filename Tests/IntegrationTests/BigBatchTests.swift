import TestPlaces
import Dataflow
import Foundation
import Ingest
import Kafka
import TestServers
import Testing

/// Batches that a consumer cannot unpack: read by a process of its own, or left out by everybody in the same way.
@Suite struct BigBatchTests {
  /// What makes a few megabytes too much for a consumer.
  private static let small = [
    ("receive.message.max.bytes", "1000000"), ("fetch.max.bytes", "900000"), ("message.max.bytes", "900000"),
    ("fetch.message.max.bytes", "900000"),
  ]

  /// Sends messages as one batch, packed by zstd.
  private static func produceBatch(_ messages: [BrokerMessage], to topic: String, _ broker: TestBroker) throws
  {
    let producer = try KafkaProducer(
      KafkaConfiguration([
        ("bootstrap.servers", broker.bootstrapServers), ("compression.codec", "zstd"), ("linger.ms", "60000"),
        ("message.max.bytes", "500000000"), ("batch.size", "500000000"), ("batch.num.messages", "1000000"),
        ("queue.buffering.max.kbytes", "500000"),
      ]))
    defer { producer.close() }
    let handle = try producer.topic(broker.name(topic))
    for message in messages { try TestBroker.produce(message, with: producer, to: handle) }
    #expect(producer.flush(timeoutMs: 60_000))
    if let error = producer.takeDeliveryError() { throw error }
  }

  private static func note(_ bytes: Int) -> String { String(repeating: "x", count: bytes) }

  @Test(arguments: TestTable.Kind.allCases)
  func isReadApart(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let people = (0..<8).map { Homes.name("big\($0)-", on: Int32($0 % Rig.partitions)) }
      func some(_ name: String, _ count: Int, bytes: Int, on partition: Int32) -> [BrokerMessage] {
        let who = people[Int(partition)]
        return (0..<count).map {
          DeadLetterTests.login("\(name)-\($0)", who, note: Self.note(bytes), partition: partition)
        }
      }
      for partition in 0..<Int32(Rig.partitions) {
        try rig.broker.produce(some("first", 10, bytes: 1, on: partition), to: "events")
      }
      try Self.produceBatch(some("big", 60, bytes: 40_000, on: 1), to: "events", rig.broker)
      try Self.produceBatch(some("again", 40, bytes: 40_000, on: 1), to: "events", rig.broker)
      for partition in 0..<Int32(Rig.partitions) {
        try rig.broker.produce(some("last", 10, bytes: 1, on: partition), to: "events")
      }
      let options = Self.small.flatMap { ["-X", "\($0)=\($1)"] }
      let run = try rig.run(options)
      #expect(try Totals(run.output) == Totals(read: 180, scored: 180), "\(run.text)")
      #expect(rig.table.number("SELECT count(*) FROM scores") == 180)
      #expect(rig.table.number("SELECT count(*) FROM positions WHERE left_out IS NOT NULL") == 0)
      let states = try rig.states()
      // What reads the log without a group has the same trouble, and the same way out.
      let verified = try rig.ask(["verify", "--sample", "1"] + options)
      #expect(verified.code == 0, "\(verified.text)")
      let rebuilt = try rig.ask(["rebuild"] + options)
      #expect(rebuilt.code == 0 && rebuilt.output.contains("180 records"), "\(rebuilt.text)")
      #expect(try rig.states() == states)
    }
  }

  /// A source's outcomes for one partition, in short: offsets of records, ranges that are left out or stuck.
  private func outcomes(of source: any RecordSource, until isDone: ([String]) -> Bool) throws -> [String] {
    let batch = RecordBatch()
    var found: [String] = []
    let deadline = ContinuousClock.now + .seconds(120)
    while !isDone(found) {
      guard ContinuousClock.now < deadline else { throw TestFailure("after 120 s: \(found)") }
      switch try source.poll(into: batch, limit: 100, timeoutMs: 50, fillMs: 0) {
      case .assigned(let partitions): try source.assign(partitions.map { ($0, 0) })
      case .revoked: try source.unassign()
      case .records:
        for record in batch.records { found.append("\(record.offset)") }
      case .unreadable(_, let from, let until, _): found.append("unreadable \(from)..<\(until)")
      case .stuck(_, let from, _, let why): found.append("stuck \(from): \(why)")
      case .finished: found.append("finished")
      }
    }
    return found
  }

  /// A topic of one partition: 5 records, batches of 6 and of 3 that unpack to 12 and 6 MB, and 5 records.
  private func configuration(_ broker: TestBroker) throws -> KafkaSourceConfiguration {
    func some(_ count: Int, _ bytes: Int) -> [BrokerMessage] {
      (0..<count).map { _ in BrokerMessage("k", Self.note(bytes), partition: 0) }
    }
    try Self.produceBatch(some(5, 10), to: "big", broker)
    try Self.produceBatch(some(6, 2_000_000), to: "big", broker)
    try Self.produceBatch(some(3, 2_000_000), to: "big", broker)
    try Self.produceBatch(some(5, 10), to: "big", broker)
    var configuration = KafkaSourceConfiguration(
      brokers: broker.bootstrapServers, topic: broker.name("big"), group: broker.name("g"))
    configuration.properties = Self.small
    configuration.batchReader = [Places.program, "read-batch"]
    return configuration
  }

  @Test func isLeftOutWhereItIsTooLarge() async throws {
    try await onThread {
      let broker = try TestBroker.start(topics: [("big", 1)])
      defer { broker.stop() }
      var configuration = try configuration(broker)
      let all = (0..<19).map { "\($0)" }
      let around = all[..<5] + ["unreadable 5..<11", "unreadable 11..<14"] + all[14...]
      for bytes in [64 << 20, 1 << 20] as [Int64] {
        configuration.unpackedBytesMax = bytes
        configuration.group = broker.name("g\(bytes)")
        let expected = bytes > 20 << 20 ? all : Array(around)
        let source = try KafkaSource(configuration)
        #expect(try outcomes(of: source) { $0.last == "18" } == expected)
        source.close()
        let log = try TopicLogSource(configuration)
        #expect(try outcomes(of: log) { $0.last == "finished" } == expected + ["finished"])
        log.close()
      }
      // The size that a partition's record keeps wins over the program's.
      let source = try KafkaSource(configuration)
      source.bound(unpackedBytes: 64 << 20, of: 0)
      #expect(try outcomes(of: source) { $0.last == "18" } == all)
      source.close()
      // What is left out by order needs nobody to read it.
      let order = LeftOutRanges([LeftOut(from: 5, until: 14, cause: .skipped)])
      configuration.batchReader = []
      let log = try TopicLogSource(configuration, LogPart(leftOut: [0: order]))
      #expect(try outcomes(of: log) { $0.last == "finished" } == all[..<5] + all[14...] + ["finished"])
      log.close()
    }
  }

  @Test func waitsWhereNothingIsKnown() async throws {
    try await onThread {
      let broker = try TestBroker.start(topics: [("big", 1)])
      defer { broker.stop() }
      var configuration = try configuration(broker)
      // A program that cannot be started, one that says nothing, one that says something else.
      for command in [["/no/such/program"], ["/bin/true"], ["/bin/echo", "hello"]] {
        configuration.batchReader = command
        configuration.group = broker.name("g\(command[0].count)")
        let source = try KafkaSource(configuration)
        let found = try outcomes(of: source) { $0.count >= 6 }
        #expect(found.prefix(5) == ["0", "1", "2", "3", "4"] && found[5].hasPrefix("stuck 5: "), "\(found)")
        // An order takes it further.
        try source.assign([(0, 14)])
        #expect(try outcomes(of: source) { $0.last == "18" } == ["14", "15", "16", "17", "18"])
        source.close()
      }
    }
  }
}
