import Dataflow
import Events
import Foundation
import Testing

@testable import Synthetic

@Suite struct EncodingTests {
  private static let configuration = SyntheticConfiguration(seed: 5, customers: 25, days: 40)

  @Test func jsonAndProtobufSayTheSame() throws {
    var kinds: Set<String> = []
    var nulls = 0
    for (index, event) in SyntheticLog(Self.configuration).enumerated() {
      // All of the rare kinds, a tenth of the others.
      guard index % 10 == 0 || !kinds.contains(event.typeName ?? "") else { continue }
      var json: [UInt8] = []
      event.appendJSON(to: &json)
      var writer = WireWriter()
      event.appendProtobuf(to: &writer)
      let decoded = try DecodedEvent(json: json)
      #expect(try decoded == DecodedEvent(protobuf: writer.bytes))
      #expect(
        decoded.eventID == event.eventID && decoded.entityID == event.entityID && decoded.time == event.time)
      #expect(decoded.isProfile ? event.typeName == nil : event.typeName == decoded.kind)
      #expect(decoded.source == "synthetic" && decoded.schema == 1)
      kinds.insert(decoded.kind)
      nulls += decoded.attributes.values.filter { $0 == .null }.count
    }
    #expect(kinds.count == SyntheticKind.allCases.count)
    #expect(nulls > 0)
  }

  @Test func addressesAreObviouslyFake() throws {
    let text = String(decoding: lines(Self.configuration), as: UTF8.self)
    var addresses = 0
    for part in text.split(separator: "@").dropFirst() {
      #expect(part.hasPrefix("example.com\""))
      addresses += 1
    }
    #expect(addresses == Self.configuration.customers)
    #expect(
      text.split(separator: "\n").filter { $0.contains("full_name") }.allSatisfy { $0.contains("SNAPSHOT") })
  }

  @Test func theEncoderReusesItsBytesAndAddsNothingByDefault() throws {
    for format in SyntheticFormat.allCases {
      var encoder = SyntheticEncoder(format: format)
      for event in SyntheticLog(SyntheticConfiguration(customers: 5, days: 10)) {
        var records = 0
        try encoder.encode(event) { record in
          records += 1
          let value = try #require(record.value)
          let decoded = try format == .json ? DecodedEvent(json: value) : DecodedEvent(protobuf: value)
          #expect(record.key == Array(decoded.entityID.utf8))
          #expect(decoded.eventID == event.eventID)
          #expect(record.contentType == (format == .json ? .json : .protobuf))
          #expect(record.expected == nil && !record.isMisplaced && record.time == event.time)
        }
        #expect(records == 1)
      }
    }
  }

  @Test func badRecordsComeInTheirShareAndLeaveTheOthersAlone() throws {
    var encoder = SyntheticEncoder(
      format: .json, badShare: 0.2, tooLargeBytes: 5000, misplaces: true, seed: 3)
    var clean = SyntheticEncoder(format: .json)
    var good: [[UInt8]?] = []
    var unchanged: [[UInt8]?] = []
    var bad: [DeadLetterReason: Int] = [:]
    for event in SyntheticLog(Self.configuration) {
      clean.encode(event) { unchanged.append($0.value) }
      encoder.encode(event) { record in
        if let reason = record.expected { bad[reason, default: 0] += 1 } else { good.append(record.value) }
      }
    }
    var careful = SyntheticEncoder(format: .json, badShare: 0.5)
    for event in SyntheticLog(Self.configuration).prefix(200) {
      careful.encode(event) { #expect(!$0.isMisplaced && $0.expected != .tooLarge) }
    }
    let badCount = bad.values.reduce(0, +)
    #expect(good == unchanged)
    #expect(abs(Double(badCount) / Double(badCount + good.count) - 0.2) < 0.01)
    #expect(Set(bad.keys) == Set(SyntheticEncoder.badReasons))
    #expect(try #require(bad.values.max()) - (try #require(bad.values.min())) <= 1)
  }

  @Test func badRecordsAreBadInTheirWay() throws {
    let event = try #require(SyntheticLog(Self.configuration).first { _ in true })
    for number in 1...5 {
      let maker = BadRecord(event, number: number, variant: number, tooLargeBytes: 5000)
      #expect(maker.make(.emptyRecord).key == nil && maker.make(.emptyRecord).value == nil)
      #expect(maker.make(.emptyValue).key != nil && maker.make(.emptyValue).value == nil)
      #expect(maker.make(.keyMismatch).key != Array(event.entityID.utf8))
      #expect(try #require(maker.make(.tooLarge).value).count >= 5000)
      let invalid = try #require(maker.make(.invalidUTF8).value)
      #expect(String(validating: invalid, as: UTF8.self) == nil)
      #expect(try DecodedEventKind.of(maker.make(.unknownKind)) == ["telepathy"])
      #expect(maker.make(.wrongPartition).isMisplaced)
      for reason in [
        DeadLetterReason.missingEventID, .missingEntityID, .missingTime, .invalidTime, .futureTime,
        .unknownSchema, .missingType, .invalidID, .wrongType, .outOfBounds, .tooDeep, .wrongPartition,
      ] {
        let value = try #require(maker.make(reason).value)
        #expect(
          (try? JSONSerialization.jsonObject(with: Data(value))) != nil || reason == .tooDeep, "\(reason)")
      }
    }
  }
}

/// Keys of a JSON record that name a kind.
enum DecodedEventKind {
  static func of(_ record: SyntheticRecord) throws -> [String] {
    let value = try #require(record.value)
    let root = try #require(try JSONSerialization.jsonObject(with: Data(value)) as? [String: Any])
    return root.keys.filter { !["event_id", "entity_id", "event_time_us", "schema_version"].contains($0) }
  }
}
