import Dataflow
import Events
import Ingest
import Testing

@Suite("JSON events") struct JSONDecodingTests {
  static let head = #""event_id":"e","entity_id":"c1","event_time_us":1767225600000000"#

  static func event(_ rest: String) -> [UInt8] { Array("{\(head),\(rest)}".utf8) }

  static func attribute(_ value: String) -> [UInt8] {
    event(#""engagement":{"type":"login","attributes":{"a":\#(value)}}"#)
  }

  @Test(
    "say what is wrong",
    arguments: [
      ("{", DeadLetterReason.undecodable), ("{}", .unknownKind), ("[]", .undecodable),
      ("{\"a\":}", .undecodable),
      ("{\(head),\"engagement\":{\"type\":\"login\"}} {}", .undecodable),
      ("{\(head),\"engagement\":{\"type\":\"login\"}}x", .undecodable),
      ("{\(head),\"engagement\":{\"type\":\"login\"},}", .undecodable),
      ("{\(head),\"engagement\":null}", .unknownKind), ("{\(head)}", .unknownKind),
      ("{\(head),\"engagement\":{\"type\":\"l\"},\"profile\":{}}", .unknownKind),
      ("{\(head),\"engagement\":[]}", .wrongType), ("{\(head),\"profile\":\"x\"}", .wrongType),
      ("{\(head),\"engagement\":{}}", .missingType),
      ("{\(head),\"engagement\":{\"type\":null}}", .missingType),
      ("{\(head),\"engagement\":{\"type\":1}}", .wrongType),
      ("{\(head),\"engagement\":{\"type\":\"l\",\"attributes\":[]}}", .wrongType),
      ("{\(head),\"profile\":{\"mode\":\"other\"}}", .unknownKind),
      ("{\(head),\"profile\":{\"mode\":2}}", .unknownKind),
      ("{\(head),\"profile\":{\"mode\":true}}", .wrongType),
      ("{\(head),\"schema_version\":-1,\"profile\":{}}", .wrongType),
      ("{\(head),\"schema_version\":\"1\",\"profile\":{}}", .wrongType),
      ("{\(head),\"schema_version\":18446744073709551615,\"profile\":{}}", .unknownSchema),
      ("{\(head),\"event_id\":7,\"profile\":{}}", .wrongType),
      ("{\(head),\"event_id\":null,\"profile\":{}}", .missingEventID),
      ("{\(head),\"entity_id\":[],\"profile\":{}}", .wrongType),
      ("{\(head),\"source\":{},\"profile\":{}}", .wrongType),
      ("{\(head),\"event_time_us\":1.5,\"profile\":{}}", .wrongType),
      ("{\(head),\"event_time_us\":true,\"profile\":{}}", .wrongType),
      ("{\(head),\"event_time_us\":\"\",\"profile\":{}}", .wrongType),
      ("{\(head),\"event_time_us\":\"-\",\"profile\":{}}", .wrongType),
      ("{\(head),\"event_time_us\":\"12a\",\"profile\":{}}", .wrongType),
      ("{\(head),\"event_time_us\":\"0\",\"profile\":{}}", .missingTime),
      ("{\(head),\"event_time_us\":null,\"profile\":{}}", .missingTime),
      ("{\(head),\"event_time_us\":\"-12\",\"profile\":{}}", .invalidTime),
      ("{\(head),\"event_time_us\":\"99999999999999999999999\",\"profile\":{}}", .invalidTime),
      ("{\(head),\"event_time_us\":18446744073709551615,\"profile\":{}}", .invalidTime),
      ("{\(head),\"event_id\":\"a\\u0000b\",\"profile\":{}}", .invalidID),
      ("{\(head),\"event_id\":\"\\ud800\",\"profile\":{}}", .invalidUTF8),
      ("{\(head),\"event_id\":\"a\nb\",\"profile\":{}}", .undecodable),
    ])
  func reasons(_ json: String, _ reason: DeadLetterReason) throws {
    let bench = try DecoderBench(names: ["login", "a"])
    #expect(bench.decode(Array(json.utf8), key: "c1", contentType: .json) == reason, "\(json)")
  }

  @Test(
    "say what is wrong with a value",
    arguments: [
      ("1e999", DeadLetterReason.notFinite), ("-1e999", .notFinite), ("NaN", .notFinite),
      ("Infinity", .notFinite), ("-Infinity", .notFinite), ("Nan", .undecodable),
      ("01", .undecodable), ("1.", .undecodable), ("-", .undecodable), (".5", .undecodable),
      ("+1", .undecodable), ("1e", .undecodable), ("123456789012345678901234567890", .outOfBounds),
      ("9223372036854775808", .outOfBounds), ("-9223372036854775809", .outOfBounds), ("[1]", .wrongType),
      ("{}", .wrongType), ("tru", .undecodable), ("01e999", .undecodable),
    ])
  func values(_ value: String, _ reason: DeadLetterReason) throws {
    let bench = try DecoderBench(UndeclaredTests.program())
    #expect(bench.decode(Self.attribute(value), key: "c1") == reason, "\(value)")
  }

  @Test(
    "carry every value",
    arguments: [
      ("null", SampleEvent.Value.null), ("true", .flag(true)), ("false", .flag(false)), ("0", .integer(0)),
      ("-9223372036854775808", .integer(.min)), ("9223372036854775807", .integer(.max)), ("1.0", .real(1)),
      ("-0.0", .real(-0.0)), ("1e300", .real(1e300)), ("5e-324", .real(.leastNonzeroMagnitude)),
      ("\"\"", .text("")),
      (#""a\u0000b\n\"\\\u00e9\ud83d\ude00""#, .text("a\0b\n\"\\é😀")),
    ])
  func carried(_ json: String, _ value: SampleEvent.Value) throws {
    let bench = try DecoderBench(names: ["login", "a"])
    #expect(bench.decode(Self.attribute(json), key: "c1") == nil)
    let event = try bench.last()
    #expect(event.attributes.map(\.value) == [value])
    #expect(event.attributes.map(\.name) == ["a"])
  }

  @Test("take time as digits, modes by name and number, and pass over other fields") func shapes() throws {
    let bench = try DecoderBench(names: ["a"])
    let time = #"{"event_id":"e","entity_id":"c1","event_time_us":"1767225600000000","#
    let shapes: [(String, EventKind)] = [
      (#""profile":{}"#, .profileSnapshot), (#""profile":{"mode":null}"#, .profileSnapshot),
      (#""profile":{"mode":"snapshot"}"#, .profileSnapshot), (#""profile":{"mode":0}"#, .profileSnapshot),
      (#""profile":{"mode":"change"}"#, .profileChange), (#""profile":{"mode":"CHANGE"}"#, .profileChange),
      (#""profile":{"mode":1,"attributes":null,"x":[1,{"y":2}]}"#, .profileChange),
      (#""x":{"event_id":"no"},"profile":{"mode":"change"},"engagement":null"#, .profileChange),
      (#""event_id":"first","event_id":"e","engagement":{"type":"x","type":"y"}"#, .engagement),
    ]
    for (shape, kind) in shapes {
      #expect(bench.decode(Array((time + shape + "}").utf8), key: "c1") == nil, "\(shape)")
      let event = try bench.last()
      #expect(event.kind == kind)
      #expect(event.timeMicros == 1_767_225_600_000_000)
      #expect(event.eventID == "e")
    }
  }

  @Test("take every way to write a whole number as a time")
  func wholeNumbers() throws {
    let bench = try DecoderBench()
    for number in ["1767225600000000", "1.7672256e15", "1.7672256E+15", "1767225600000000.0", "17672256e8"] {
      let json = "{\"event_id\":\"e\",\"entity_id\":\"c1\",\"event_time_us\":\(number),\"profile\":{}}"
      #expect(bench.decode(Array(json.utf8), key: "c1") == nil, "\(number)")
      #expect(try bench.last().timeMicros == 1_767_225_600_000_000)
    }
  }

  @Test("may be nested as deep as allowed and no deeper") func depth() throws {
    let bench = try DecoderBench(DecoderLimits(jsonDepthMax: 16))
    func nested(_ levels: Int) -> [UInt8] {
      let inner = String(repeating: "[", count: levels - 1) + "1" + String(repeating: "]", count: levels - 1)
      return Self.event(#""profile":{},"x":\#(inner)"#)
    }
    #expect(bench.decode(nested(16), key: "c1") == nil)
    #expect(bench.decode(nested(17), key: "c1") == .tooDeep)
    #expect(bench.decode(nested(100_000), key: "c1") == .tooDeep)
  }

  @Test("must be UTF-8") func utf8() throws {
    let bench = try DecoderBench()
    let bytes = Self.event(#""profile":{},"source":"?""#).map { $0 == UInt8(ascii: "?") ? 0xff : $0 }
    #expect(bench.decode(bytes, key: "c1") == .invalidUTF8)
  }
}
