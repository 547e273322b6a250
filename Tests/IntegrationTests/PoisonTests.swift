import TestPlaces
import Events
import Foundation
import TestServers
import Testing

/// Records that are made to stop a partition: each is one dead letter, and what comes behind it is scored.
@Suite struct PoisonTests {
  /// What an attacker may put into one partition, however it is cut into batches and wherever a run ends and another
  /// begins.
  @Test(arguments: [
    (TestTable.Kind.postgres, 1, "effectively-once"), (.sqlite, 512, "effectively-once"),
    // Exactly once needs a broker that keeps its transactions.
    (.postgres, 7, ChaosPlan.brokers == nil ? "effectively-once" : "exactly-once"),
  ])
  func poisonStopsNoPartition(_ kind: TestTable.Kind, _ rowsMax: Int, _ delivery: String) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let settings = try Places.write(
        "delivery: \(delivery)\nworker: {batch_rows_max: \(rowsMax)}\nscores: {transactional_id: \(rig.name("poison"))}\n",
        as: "tally.yaml")
      let person = rig.history.people[0]
      let poison = poison(person)
      var letters = 0
      var good = 0
      // Poison first, poison among good events, nothing but poison.
      for (between, isLast) in [(1, false), (3, false), (0, true)] {
        var messages: [BrokerMessage] = []
        for record in poison {
          var message = record
          message.partition = Int32(good % Rig.partitions)
          messages.append(message)
          for _ in 0..<between {
            let neighbour = Homes.name("p", on: message.partition)
            messages.append(DeadLetterTests.login("good-\(good)", neighbour))
            good += 1
          }
        }
        letters += poison.count
        if isLast { messages += poison.map { onto($0, partition: 2) } }
        letters += isLast ? poison.count : 0
        try rig.broker.produce(messages, to: "events")
        let result = try rig.run(["--config", settings])
        #expect(try Totals(result.output).isBalanced)
      }
      let totals = try Totals(try rig.ask(["status"]).output)
      #expect(totals == Totals(read: good + letters, scored: good, deadLettered: letters))
      for standing in try Standing.all(try rig.ask(["status", "--json"]).output) {
        #expect(standing.lag == 0 && standing.w == standing.t)
      }
      #expect(rig.table.number("SELECT count(*) FROM scores") == good)
      #expect(rig.table.number("SELECT count(*) FROM dead_letters") == letters)
      #expect(try rig.broker.readAll("scores", committed: true).count == good)
      #expect(try rig.broker.readAll("dead-letters", committed: true).count == letters)
    }
  }

  /// A stored state that cannot be read stops neither its partition nor the others' people.
  @Test func spoiltStatesStopNoPartition() async throws {
    try await onThread {
      let rig = try Rig(.postgres)
      try rig.produceHistory()
      try rig.run()
      let people = Array(rig.history.people.prefix(6))
      for (person, bytes) in zip(people, ["", "\u{7f}", "\u{0a}\u{7f}x", "{}", "\u{08}\u{01}", "xxxxxxxx"]) {
        try rig.redis.command("SET", rig.stateKey(person), bytes)
      }
      let events = rig.history.people.enumerated().map {
        DeadLetterTests.login("later-\($0)", $1)
      }
      try rig.broker.produce(events, to: "events")
      let totals = try Totals(try rig.run().output)
      #expect(totals.isBalanced && totals.read == events.count)
      #expect(totals.deadLettered > 0 && totals.deadLettered <= people.count)
      let unread = rig.table.number("SELECT count(*) FROM dead_letters WHERE reason = 'corrupt-state'")
      #expect(unread == totals.deadLettered)
    }
  }

  private func onto(_ message: BrokerMessage, partition: Int32) -> BrokerMessage {
    var moved = message
    moved.partition = partition
    return moved
  }

  /// All kinds of bad input, and what stores and sinks might choke on.
  private func poison(_ person: String) -> [BrokerMessage] {
    let kinds = BadInput(person: person).records.filter {
      // That one needs a smaller limit, this one the person's own partition.
      $0.reason != .tooLarge && $0.reason != .wrongPartition
    }
    let huge = [UInt8](repeating: UInt8(ascii: "["), count: 900_000)
    let bytes = (0..<4096).map { UInt8($0 % 256) }
    var typed = BrokerMessage(key: bytes, value: bytes)
    typed.contentType = String(repeating: "application/json;", count: 100)
    let special = [
      // Larger than what a dead letter may carry, as value, as key, as both.
      BrokerMessage(key: Array(person.utf8), value: huge),
      BrokerMessage(key: huge, value: Array("{}".utf8)),
      BrokerMessage(key: Array(huge.prefix(450_000)), value: Array(huge.prefix(450_000))),
      // Bytes that PostgreSQL's text and JSON do not have.
      BrokerMessage(key: [0], value: [0]),
      BrokerMessage(key: [0xff, 0xfe], value: [0xc0, 0x80]),
      BrokerMessage(key: bytes, value: bytes),
      typed,
      DeadLetterTests.login("nul\\u0000", person),
      DeadLetterTests.login("half\\ud800", person),
      DeadLetterTests.login("x", "a\\u0000b"),
      DeadLetterTests.login("x", "\\ud83d", key: "somebody"),
      BrokerMessage(key: [], value: []),
    ]
    return kinds.map(\.message) + special
  }
}
