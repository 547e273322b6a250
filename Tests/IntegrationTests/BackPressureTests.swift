import TestPlaces
import Foundation
import Kafka
import TestServers
import Testing
import TestNumbers

/// A sink that is down for long: memory is bounded, the membership stays, and what waited is scored afterwards.
@Suite struct BackPressureTests {
  /// Resident memory that a scorer may gain while it waits: what is fetched ahead (32 MB, `prefetchKilobytesMax`) and one
  /// answer of the broker in the making for it, with room for the allocators' ways.
  private static let waitingBytesMax = 96 << 20
  /// Bytes that wait in the topic, half of them in its partitions: more than the bound. An embedded broker keeps 5 MB a
  /// partition.
  private static let partitions = 64
  private static let recordBytes = 60_000
  private static let recordsPerPartition = 64
  /// How long the table is away at least: more than twice the session timeout. `TALLY_OUTAGE_SECONDS` makes it longer.
  private static let outageSeconds =
    ProcessInfo.processInfo.environment["TALLY_OUTAGE_SECONDS"].flatMap(Int.init) ?? 14

  @Test(arguments: [false, true])
  func tableDownForLong(_ isCompressible: Bool) async throws {
    try await onThread {
      let postgres = try PostgresServer()
      defer { postgres.stop() }
      let rig = try Rig(.postgres, postgres: postgres)
      try rig.broker.createTopic("wide", partitions: Self.partitions)
      try produce(rig, records: 0..<1, isCompressible)
      let settings = try Places.write("kafka: {session_timeout: 6s}\n", as: "tally.yaml")
      let process = try rig.start([
        "--config", settings, "--http", "0", "--topic", rig.broker.name("wide"),
      ])
      try rig.waitForProgress(of: process, to: Self.partitions)

      // Another member of the group hears of every rebalance.
      let member = try Member(rig)
      defer { member.close() }
      try until("both to share", telling: { process.text }) {
        try member.serve()
        return try member.partitions.count == Self.partitions / 2
          && process.partitions().count == Self.partitions / 2
      }
      let own = try process.partitions()
      let before = try #require(process.residentBytes).now
      postgres.kill9()
      try produce(rig, records: 1..<Self.recordsPerPartition, isCompressible)
      let waiting = Self.partitions / 2 * (Self.recordsPerPartition - 1) * Self.recordBytes
      #expect(waiting > Self.waitingBytesMax)
      // Away again while it catches up: then most is fetched ahead.
      try postgres.restart()
      try until("it to catch up", telling: { process.text }) {
        try member.serve()
        return rig.table.progress > Self.partitions
      }
      let said = process.text.utf8.count
      postgres.kill9()
      try until("a word about postgres", telling: { process.text }) {
        try member.serve()
        return String(decoding: process.text.utf8.dropFirst(said), as: UTF8.self).contains("waiting for")
      }
      let end = ContinuousClock.now + .seconds(Self.outageSeconds)
      while .now < end { try member.serve() }
      let most = try #require(process.residentBytes, "\(process.text)").most
      #expect(most - before < Self.waitingBytesMax, "\(before >> 20) MB became \(most >> 20) MB")
      #expect(member.changes == 1, "nobody left the group or joined it")
      #expect(try process.partitions() == own)
      #expect(process.exitCode() == nil)

      try postgres.restart()
      let mine = Self.partitions / 2 * Self.recordsPerPartition + Self.partitions / 2
      try until("what waited to be scored", telling: { process.text }) {
        try member.serve()
        return rig.table.progress >= mine
      }
      #expect(member.changes == 1, "the same generation of the group has drained it")
      member.close()
      let count = Self.partitions * Self.recordsPerPartition
      try rig.waitForProgress(of: process, to: count)
      process.terminate()
      let result = try process.wait(seconds: 6)
      #expect(result.code == 0, "\(result.text)")
      #expect(try Totals(result.output) == Totals(read: count, scored: count))
      #expect(rig.table.number("SELECT count(*) FROM scores") == count)
    }
  }

  /// Large records, of a person of its own for each partition.
  private func produce(_ rig: Rig, records: Range<Int>, _ isCompressible: Bool) throws {
    var dice = SeededGenerator(seed: UInt64(records.lowerBound))
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-".utf8)
    let bytes = (0..<Self.recordBytes).map { _ in letters[isCompressible ? 0 : Int(dice.next() >> 58)] }
    let note = String(decoding: bytes, as: UTF8.self)
    for number in records {
      try rig.broker.produce(
        (0..<Self.partitions).map {
          DeadLetterTests.login(
            "e\(number)", Homes.name("person-", on: Int32($0), count: Self.partitions), note: note)
        }, to: "wide")
    }
  }

  /// A worker whose table is away gives up what others can have, also while it waits to take partitions over; they go on
  /// where the table stands.
  @Test func whatCannotBeKeptIsGivenUp() async throws {
    try await onThread {
      let postgres = try PostgresServer()
      defer { postgres.stop() }
      let rig = try Rig(.postgres, postgres: postgres)
      let relay = try Relay(to: postgres.port)
      defer { relay.stop() }
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<1000]), to: "events")
      let settings = try Places.write(
        "kafka: {session_timeout: 60s}\nworker: {batch_rows_max: 32}\n", as: "tally.yaml")
      let options = ["--config", settings, "--http", "0"]
      let cutOff = try rig.start(options + rig.table.options(through: relay))
      try rig.waitForProgress(of: cutOff, to: 1000)
      relay.cut()
      try rig.broker.produce(Array(messages[1000...]), to: "events")
      try until("a word about postgres", telling: { cutOff.text }) {
        cutOff.text.contains("waiting for postgres")
      }

      // First it has a batch under way, then it has been given partitions that it cannot take over.
      var others: [TallyProcess] = []
      for _ in 0..<2 {
        others.append(try rig.start(options))
        try until("each to have its share", telling: { ([cutOff] + others).map(\.text).joined() }) {
          usleep(50_000)
          let shares = try others.map { try $0.partitions().count }
          // The one that is cut off stays a member: what it has been given is nobody else's.
          return shares.allSatisfy { $0 > 0 } && shares.reduce(0, +) < Rig.partitions
        }
      }
      let inherited = try others.reduce(into: Set()) { $0.formUnion(try $1.partitions()) }
      try until("the others to score their shares", telling: { others.map(\.text).joined() }) {
        try Standing.all(try rig.ask(["status", "--json"]).output).enumerated().allSatisfy {
          !inherited.contains($0) || ($1.w == $1.end && $1.t == $1.end)
        }
      }
      #expect(rig.table.progress < messages.count, "the rest waits for the one that is cut off")
      #expect(cutOff.exitCode() == nil)

      cutOff.terminate()
      var ended = [try cutOff.wait(seconds: 6)]
      try rig.waitForProgress(of: others[0], to: messages.count)
      for other in others {
        other.terminate()
        ended.append(try other.wait(seconds: 6))
      }
      for result in ended { #expect(result.code == 0, "\(result.text)") }
      let totals = try ended.map { try Totals($0.output) }
      for total in totals { #expect(total.isBalanced) }
      let scored = totals.reduce(0) { $0 + $1.scored }
      #expect(scored == messages.count, "no event is counted by two")
      try checkSettled(rig, Reference.shared())
    }
  }
}

/// A member of the pipeline's group that reads nothing and counts what it hears of the others.
private final class Member {
  private(set) var partitions: [Int32] = []
  /// Assignments and revocations so far.
  private(set) var changes = 0
  private let consumer: KafkaConsumer

  init(_ rig: Rig) throws {
    consumer = try KafkaConsumer(
      KafkaConfiguration([
        ("bootstrap.servers", rig.broker.bootstrapServers), ("group.id", rig.name("tally")),
        ("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "500"),
        ("queued.max.messages.kbytes", "1024"),
      ]), topic: rig.broker.name("wide"))
    try consumer.subscribe()
  }

  /// Takes part in the group for a moment.
  func serve() throws {
    try consumer.poll(limit: 1, timeoutMs: 20)
    while let change = consumer.takeChange() {
      changes += 1
      switch change {
      case .assigned(let partitions):
        self.partitions = partitions
        try consumer.assign(partitions.map { KafkaPosition(partition: $0, offset: 0) })
        // It has the partitions and leaves their records alone.
        try consumer.pause(partitions)
      case .revoked:
        partitions = []
        try consumer.unassign()
      }
    }
  }

  func close() { consumer.close() }
}
