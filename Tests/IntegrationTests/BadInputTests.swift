import TestPlaces
import Events
import Foundation
import TestServers
import Testing

/// What bad input gets: one dead letter each, with its reason, its place and its bytes; the stream goes on.
@Suite struct BadInputTests {
  @Test func everyBadRecordIsOneDeadLetter() async throws {
    try await onThread {
      let rig = try Rig(.postgres)
      try rig.produceHistory()
      let settings = try Places.write("worker: {value_size_max: 4KiB}\n", as: "tally.yaml")
      try rig.run(["--config", settings])

      let bad = BadInput(person: rig.history.people[0]).records
      let good = (0..<bad.count).map { goodEvent($0, person: rig.history.people[1 + $0 % 30]) }
      try rig.broker.produce(zip(bad, good).flatMap { [$0.message, $1] }, to: "events")
      let summary = try rig.run(["--config", settings])

      let expected = Totals(read: 2 * bad.count, scored: bad.count, deadLettered: bad.count)
      #expect(try Totals(summary.output) == expected)
      let late = rig.table.number("SELECT count(*) FROM scores WHERE event_id LIKE 'good-%'")
      #expect(late == good.count, "the stream goes on after every bad record")
      try checkTable(rig, bad)
      try checkTopic(rig, bad)
      try checkStatus(rig, bad)
      try checkNothingPersonal(rig, said: [summary.text])
    }
  }

  /// The bad records that `tally generate` puts between the good ones; all limits at their defaults.
  @Test func generatedBadRecordsAreDeadLetters() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let sent = try tally(
        [
          "generate", "--topic", rig.broker.name("events"), "--brokers", rig.broker.bootstrapServers,
          "--format", "protobuf", "--bad-share", "0.02",
        ] + History.options)
      #expect(sent.code == 0, "\(sent.text)")
      let good = rig.history.events.count
      let all = try rig.count("events")
      #expect(all > good + 50)
      let summary = try rig.run()
      let expected = Totals(read: all, scored: good, deadLettered: all - good)
      #expect(try Totals(summary.output) == expected)
      #expect(try rig.count("scores") == good && rig.count("dead-letters") == all - good)
      let reasons = try rig.table.query("SELECT DISTINCT reason FROM dead_letters").map { $0[0] }
      let cannotBeMade: Set<DeadLetterReason> = [
        .corruptState, .wrongPartition, .refusedByTopic, .refusedByTable, .notSigned,
      ]
      #expect(
        Set(reasons) == Set(DeadLetterReason.allCases.filter { !cannotBeMade.contains($0) }.map(\.rawValue)))
    }
  }

  /// Every record of the log that is not scored, by place.
  private func unscored(_ rig: Rig) throws -> [String: BrokerMessage] {
    let scored = try Set(
      rig.table.query("SELECT \"partition\", \"offset\" FROM scores").map { "\($0[0])/\($0[1])" })
    var found: [String: BrokerMessage] = [:]
    for message in try rig.messages("events") {
      let place = "\(message.partition)/\(message.offset)"
      if !scored.contains(place) { found[place] = message }
    }
    return found
  }

  private func checkTable(_ rig: Rig, _ bad: [BadInput.Record]) throws {
    let records = try unscored(rig)
    #expect(records.count == bad.count)
    let rows = try rig.table.query(
      """
      SELECT "partition", "offset", reason, detail, \(rig.table.hex("key")), \(rig.table.hex("value"))
      FROM dead_letters
      """)
    #expect(rows.count == bad.count)
    var found: [String: Int] = [:]
    for row in rows {
      let record = try #require(records["\(row[0])/\(row[1])"], "a letter of a record that was scored")
      let reason = try #require(DeadLetterReason(rawValue: row[2]))
      let kept = reason.keepsValue ? record.value : nil
      #expect(row[4] == hex(record.key) && row[5] == hex(kept), "\(row[2]) keeps the record's bytes")
      let sent = bad.filter { $0.reason == reason && hex($0.message.value) == hex(record.value) }
      #expect(!sent.isEmpty, "\(row[2]) is not what this record should get")
      found[row[2], default: 0] += 1
    }
    let expected = Dictionary(bad.map { ($0.reason.rawValue, 1) }, uniquingKeysWith: +)
    #expect(found == expected)
  }

  private func checkTopic(_ rig: Rig, _ bad: [BadInput.Record]) throws {
    let records = try unscored(rig)
    let letters = try rig.messages(
      "dead-letters", headers: ["reason", "source-topic", "source-partition", "source-offset", "value-bytes"])
    #expect(letters.count == bad.count)
    var places: Set<String> = []
    for letter in letters {
      let json = try JSON(String(decoding: letter.value ?? [], as: UTF8.self))
      let place = "\(json["partition"].whole ?? -1)/\(json["offset"].whole ?? -1)"
      let record = try #require(records[place])
      #expect(places.insert(place).inserted)
      let reason = try #require(json["reason"].text.flatMap { DeadLetterReason(rawValue: $0) })
      let kept = reason.keepsValue ? record.value.map { Data($0) } : nil
      #expect(json["value"].text.flatMap { Data(base64Encoded: $0) } == kept)
      #expect(json["key"].text.flatMap { Data(base64Encoded: $0) } == record.key.map { Data($0) })
      let headers = [
        "reason": json["reason"].text ?? "", "source-topic": rig.broker.name("events"),
        "source-partition": "\(record.partition)", "source-offset": "\(record.offset)",
        "value-bytes": "\(record.value?.count ?? 0)",
      ]
      #expect(letter.headers == headers)
      let sent = bad.filter {
        $0.reason.rawValue == json["reason"].text && hex($0.message.value) == hex(record.value)
      }
      #expect(!sent.isEmpty)
    }
  }

  private func checkStatus(_ rig: Rig, _ bad: [BadInput.Record]) throws {
    let status = try rig.ask(["status"])
    let scored = rig.history.events.count + bad.count
    let expected = Totals(read: scored + bad.count, scored: scored, deadLettered: bad.count)
    #expect(try Totals(status.output) == expected)
    #expect(status.output.contains("wrong-partition 1"))
  }

  /// Names and addresses are nowhere but in the log.
  private func checkNothingPersonal(_ rig: Rig, said: [String]) throws {
    let personal = rig.history.personal
    #expect(personal.count > 40)
    var texts = said
    texts += try rig.messages("scores").map { String(decoding: $0.value ?? [], as: UTF8.self) }
    for table in ["scores", "latest_scores", "positions"] {
      texts += try rig.table.query("SELECT * FROM \(table)").map { $0.joined(separator: " ") }
    }
    texts.append(try rig.ask(["features", rig.history.people[0]]).text)
    let all = texts.joined(separator: "\n")
    for text in personal { #expect(!all.contains(text)) }
    #expect(try rig.storedValues(containing: personal) == 0)
  }

  private func goodEvent(_ number: Int, person: String) -> BrokerMessage {
    BrokerMessage(
      person,
      """
      {"event_id":"good-\(number)","entity_id":"\(person)","event_time_us":1767225600000000,
       "engagement":{"type":"login","attributes":{"device":"mobile"}}}
      """)
  }

  private func hex(_ bytes: [UInt8]?) -> String {
    guard let bytes else { return "none" }
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
