import Events
import TestServers

/// One record of every kind that cannot be scored, in the name of one person.
struct BadInput {
  /// A record and the dead letter that it must become.
  struct Record {
    var reason: DeadLetterReason
    var message: BrokerMessage
  }

  private let person: String
  private let time: EventTime = 1_767_225_600_000_000

  init(person: String) {
    self.person = person
  }

  /// All of them. Values differ, so that a letter can be told by its bytes.
  var records: [Record] { form + ids + times + values + keys }

  private var form: [Record] {
    let bomb = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
    let many = (0..<257).map { "\"a\($0)\":1" }.joined(separator: ",")
    return [
      bytes(.undecodable, [0xff, 0xfe, 0x00, 0x17, 0x99]),
      json(.undecodable, "{\"event_id\": \"cut off in the mid"),
      json(.undecodable, event(id: "plain"), contentType: "text/plain"),
      bytes(.undecodable, [0x0a, 0x7f, 0x41], contentType: "application/x-protobuf"),
      Record(reason: .emptyRecord, message: BrokerMessage(key: nil, value: nil)),
      Record(reason: .emptyValue, message: BrokerMessage(key: Array(person.utf8), value: nil)),
      json(.emptyValue, ""),
      json(.tooLarge, event(id: "big", attributes: "\"note\":\"\(String(repeating: "x", count: 5000))\"")),
      json(.tooDeep, event(id: "deep", attributes: "\"a\":\(bomb)")),
      json(.tooDeep, event(id: "many", attributes: many)),
      bytes(
        .invalidUTF8,
        Array("{\"event_id\":\"u\",\"source\":\"".utf8) + [0xc3, 0x28] + Array("\"}".utf8)),
    ]
  }

  private var ids: [Record] {
    [
      json(.unknownKind, envelope(id: "kind", "\"telepathy\":{}")),
      json(.unknownKind, envelope(id: "none", "\"source\":\"x\"")),
      json(
        .unknownSchema, envelope(id: "schema", "\"schema_version\":99,\"engagement\":{\"type\":\"login\"}")),
      json(.missingEventID, "{\"entity_id\":\"\(person)\",\"event_time_us\":\(time),\(login)}"),
      json(.missingEntityID, "{\"event_id\":\"no-entity\",\"event_time_us\":\(time),\(login)}"),
      json(.missingTime, "{\"event_id\":\"no-time\",\"entity_id\":\"\(person)\",\(login)}"),
      json(.missingType, envelope(id: "type", "\"engagement\":{\"attributes\":{}}")),
      json(.invalidID, event(id: "bell\\u0007")),
      json(.invalidID, event(id: String(repeating: "i", count: 257))),
    ]
  }

  private var times: [Record] {
    [
      json(.invalidTime, event(id: "before", time: -1)),
      json(.invalidTime, event(id: "after", time: EventTimeBounds.end)),
      json(.futureTime, event(id: "future", time: EventTimeBounds.end - 1)),
    ]
  }

  private var values: [Record] {
    [
      json(.wrongType, event(id: "type", attributes: "\"duration_min\":\"long\"")),
      json(.wrongType, envelope(id: "words", "\"engagement\":[]")),
      json(.outOfBounds, event(id: "bounds", attributes: "\"duration_min\":-5")),
      json(.notFinite, event(id: "huge", attributes: "\"duration_min\":1e999")),
      bytes(.notFinite, protobuf(id: "nan", .nan), contentType: "application/x-protobuf"),
      bytes(.notFinite, protobuf(id: "inf", .infinity), contentType: "application/x-protobuf"),
    ]
  }

  private var keys: [Record] {
    var moved = BrokerMessage(person, event(id: "moved"))
    moved.partition = Homes.elsewhere(than: person)
    return [
      Record(reason: .keyMismatch, message: BrokerMessage("somebody-else", event(id: "foreign"))),
      Record(reason: .keyMismatch, message: BrokerMessage(nil, event(id: "keyless"))),
      Record(reason: .wrongPartition, message: moved),
    ]
  }

  private var login: String { "\"engagement\":{\"type\":\"login\"}" }

  private func json(_ reason: DeadLetterReason, _ text: String, contentType: String? = nil) -> Record {
    Record(reason: reason, message: BrokerMessage(person, text, contentType: contentType))
  }

  private func bytes(_ reason: DeadLetterReason, _ value: [UInt8], contentType: String? = nil) -> Record {
    var message = BrokerMessage(key: Array(person.utf8), value: value)
    message.contentType = contentType
    return Record(reason: reason, message: message)
  }

  private func envelope(id: String, time: EventTime? = nil, _ rest: String) -> String {
    "{\"event_id\":\"bad-\(id)\",\"entity_id\":\"\(person)\",\"event_time_us\":\(time ?? self.time),\(rest)}"
  }

  private func event(id: String, time: EventTime? = nil, attributes: String = "") -> String {
    envelope(
      id: id, time: time, "\"engagement\":{\"type\":\"session\",\"attributes\":{\(attributes)}}")
  }

  private func protobuf(id: String, _ value: Double) -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, string: "bad-\(id)")
    writer.field(2, string: person)
    writer.field(3, varint: UInt64(bitPattern: time))
    let engagement = writer.open(11)
    writer.field(1, string: "session")
    let attribute = writer.open(2)
    writer.field(1, string: "duration_min")
    writer.field(4, double: value)
    writer.close(attribute)
    writer.close(engagement)
    return writer.bytes
  }
}
