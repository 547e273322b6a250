import TestPlaces
import CEvents
import Events
import Foundation
import Synthetic
import TestServers
import Testing

/// JSON and protobuf in one topic; protobuf out.
@Suite struct EncodingTests {
  /// What the README tells people to send.
  @Test func eventsOfTheReadmeAreScored() async throws {
    try await onThread {
      let parts = readText(Places.package + "/README.md").components(separatedBy: "```json\n")
      let block = try #require(parts.dropFirst().first?.components(separatedBy: "```").first)
      let events = block.replacingOccurrences(of: ",\n ", with: ",").split(separator: "\n").map(String.init)
      #expect(events.count >= 2)
      let rig = try Rig(.sqlite)
      try rig.broker.produce(events.map { BrokerMessage("alice", $0) }, to: "events")
      let summary = try rig.run()
      #expect(try Totals(summary.output) == Totals(read: events.count, scored: events.count))
      let row = try JSON(try rig.ask(["features", "alice", "--json"]).output)["features"]
      #expect(row["transaction_revenue_month"].real == 25)
    }
  }

  @Test func mixedProducersAndProtobufScores() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.broker.produce(mixed(rig.history), to: "events")
      let summary = try rig.run(["--encoding", "protobuf", "--workers", "2"])
      let count = rig.history.events.count
      #expect(try Totals(summary.output) == Totals(read: count, scored: count))
      #expect(try rig.table.scores() == Reference.shared().scores)
      #expect(try rig.states() == Reference.shared().states)

      let rows = try rig.table.query(
        "SELECT \"partition\", \"offset\", entity_id, event_id, engagement, churn, lifetime_value FROM scores"
      )
      var expected: [String: [String]] = [:]
      for row in rows { expected["\(row[0])/\(row[1])"] = row }
      var values: [String: [UInt8]] = [:]
      for message in try rig.messages("scores") {
        let score = try #require(ProtobufScore(message.value ?? []))
        // Two workers: what one had sent when the other came may be repeated, byte by byte.
        if let first = values.updateValue(message.value ?? [], forKey: score.place) {
          #expect(first == message.value)
          continue
        }
        let found = expected.removeValue(forKey: score.place)
        let row = try #require(found)
        #expect(message.contentType == "application/x-protobuf")
        #expect(message.key == Array(row[2].utf8))
        #expect([score.entity, score.event] == Array(row[2...3]))
        #expect(score.names == ["engagement", "churn", "lifetime_value"])
        #expect(score.values == row[4...].map { Float($0) })
        #expect(score.topic == rig.broker.name("events"))
        #expect(score.decisions == 2)
      }
      #expect(expected.isEmpty)
    }
  }

  /// The history, every other event as protobuf, every fourth without a header that says so.
  private func mixed(_ history: History) throws -> [BrokerMessage] {
    var encoder = SyntheticEncoder(format: .protobuf)
    var messages: [BrokerMessage] = []
    for (number, event) in SyntheticLog(History.configuration).enumerated() {
      encoder.encode(event) { record in
        guard number % 2 == 0 else { return messages.append(history.message(at: number)) }
        var message = BrokerMessage(key: record.key, value: record.value)
        if number % 4 == 0 { message.contentType = "application/x-protobuf" }
        messages.append(message)
      }
    }
    guard messages.count == history.events.count else {
      throw TestFailure("another history: \(messages.count) events")
    }
    return messages
  }
}

/// A score as protobuf-c reads it.
private struct ProtobufScore {
  var place: String
  var entity: String
  var event: String
  var topic: String
  var names: [String] = []
  var values: [Float?] = []
  var decisions: Int

  init?(_ bytes: [UInt8]) {
    guard let score = tally__score__unpack(nil, bytes.count, bytes) else { return nil }
    defer { tally__score__free_unpacked(score, nil) }
    let value = score.pointee
    func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
    place = "\(value.partition)/\(value.offset)"
    entity = text(value.entity_id)
    event = text(value.event_id)
    topic = text(value.topic)
    decisions = value.n_decisions
    for index in 0..<value.n_outputs {
      guard let output = value.outputs[index] else { return nil }
      names.append(text(output.pointee.name))
      values.append(output.pointee.value)
    }
  }
}
