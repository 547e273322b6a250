import Dataflow
import Events
import Features
import Ingest
import TestNumbers
import Testing

/// Only what is declared for an event's type can be wrong: whatever else a producer sends costs nothing.
@Suite("Undeclared values") struct UndeclaredTests {
  /// `login` declares the number `a`, the category `c`, the text `t` and the flag `f`; the profile the number `a`.
  static func program() throws -> FeatureProgram {
    let somewhere = SourcePosition(line: 1, column: 1)
    func attribute(_ name: String, _ type: AttributeType) -> AttributeDeclaration {
      AttributeDeclaration(name: name, type: type, position: somewhere)
    }
    let number = AttributeType.number(decimals: 6, minimum: -1e9, maximum: 1e9)
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: [attribute("a", number)],
        events: [
          EventTypeDeclaration(
            name: "login",
            attributes: [
              attribute("a", number), attribute("c", .category(["x"])), attribute("t", .text),
              attribute("f", .flag),
            ], position: somewhere),
          EventTypeDeclaration(
            name: "buy", attributes: [attribute("b", number)], position: somewhere),
        ],
        features: [
          FeatureDeclaration(
            name: "s", expression: "sum(login.a)", isColumn: true, labels: [], position: somewhere),
          FeatureDeclaration(
            name: "c", expression: "count(any)", isColumn: true, labels: [], position: somewhere),
        ], idleTTL: nil))
  }

  /// What a JSON writer may give; some of it is no JSON.
  private static let junk = [
    "1", "null", #"{"os":"ios","v":[1,{"x":null}]}"#, #"["a",2,[]]"#, "17293822569102704640",
    "340282366920938463463374607431768211455", "-9223372036854775809", "1e999", "-1e999", "NaN", "Infinity",
    "-Infinity", #""hi \ud83d""#, #""\udc00\ud800""#, #""\ud83d\ude00""#, #""a\"b\\""#, "1e-999", "-0.0",
    "{}", "[]",
    #"[NaN,{"x":1e999,"y":"\ud800"}]"#, "12345678901234567890123456789012345678901234567890.5e300",
  ]

  private static func event(_ attributes: String, type: String = "login", rest: String = "") -> [UInt8] {
    Array(
      (#"{"event_id":"e","entity_id":"c1","event_time_us":1767225600000000,"# + rest
        + #""engagement":{"type":"\#(type)","attributes":{\#(attributes)}}}"#).utf8)
  }

  @Test(arguments: junk) func costNothing(_ junk: String) throws {
    let bench = try DecoderBench(Self.program())
    let declared = #""a":2.5,"c":"x""#
    #expect(bench.decode(Self.event(declared), key: "c1") == nil)
    let expected = try bench.last()
    for (attributes, type, rest) in [
      ("\(declared),\"other\":\(junk)", "login", ""), ("\"other\":\(junk),\(declared)", "login", ""),
      ("\(declared),\"b\":\(junk)", "login", ""), (declared, "login", "\"trace\":\(junk),"),
      ("\(declared),\"one\":\(junk),\"two\":\(junk)", "login", "\"trace\":\(junk),"),
    ] {
      #expect(bench.decode(Self.event(attributes, type: type, rest: rest), key: "c1") == nil, "\(attributes)")
      var found = try bench.last()
      // Another type's attribute has a symbol; nobody reads it.
      found.attributes.removeAll { $0.name == "b" }
      #expect(found.attributes.map(\.name) == expected.attributes.map(\.name))
      #expect(found.attributes.map(\.value) == expected.attributes.map(\.value))
    }
    // Of a type that nobody declares nothing can be wrong.
    #expect(bench.decode(Self.event("\"a\":\(junk)", type: "unheard"), key: "c1") == nil)
  }

  /// Where something is declared, the same values are wrong, each in its own way.
  @Test(arguments: [
    ("a", "{}", DeadLetterReason.wrongType, "login.a is no number but an object or a list"),
    ("a", "[1]", .wrongType, "login.a is no number but an object or a list"),
    ("a", "17293822569102704640", .outOfBounds, "login.a is outside its bounds, -1000000000 to 1000000000"),
    ("a", "340282366920938463463374607431768211455", .outOfBounds, "login.a is outside its bounds"),
    ("a", "1e999", .notFinite, "login.a is no finite number"),
    ("a", "NaN", .notFinite, "login.a is no finite"),
    ("a", #""x""#, .wrongType, "login.a is no number but a text"),
    ("a", #""\ud800""#, .wrongType, "login.a is no number but a text"),
    ("c", #""\ud800""#, .invalidUTF8, "login.c is no valid text"),
    ("t", #""\ud800""#, .invalidUTF8, "login.t is no"),
    ("t", "NaN", .wrongType, "login.t is no text but an infinite number or NaN"),
    ("c", "[]", .wrongType, "login.c is no category but an object or a list"),
    ("f", "1", .wrongType, "login.f is no flag but a number"),
    ("f", "{}", .wrongType, "login.f is no flag but an"),
  ])
  func declaredAreWrong(_ name: String, _ value: String, _ reason: DeadLetterReason, _ detail: String) throws
  {
    let bench = try DecoderBench(Self.program())
    #expect(bench.decode(Self.event("\"\(name)\":\(value)"), key: "c1") == reason)
    #expect(bench.decoder.refusedDetail.hasPrefix(detail), "\(bench.decoder.refusedDetail)")
  }

  /// What is no JSON stays no event, with and without such values.
  @Test(arguments: [
    #"{"event_id":"e""#, #"{"a":NaN"#, #"{"a":1e999,}"#, "NaN", #"{"a":Nope}"#, #"{a:1e999}"#, #""\ud800""#,
    "[1e999]",
    #"{"a":1e999} x"#, #"{"a":"\ud800}"#, #"{"a":"\uZZZZ","b":NaN}"#, #"{"a":'x',"b":NaN}"#,
    #"{"b":NaN,"a":01}"#,
    #"{"b":NaN,"a":tru}"#, "{\"b\":NaN,\"a\":\"\u{1}\"}",
  ])
  func whatIsNoJSONStaysUndecodable(_ text: String) throws {
    let bench = try DecoderBench(Self.program())
    #expect(bench.decode(Array(text.utf8), key: "c1", contentType: .json) == .undecodable, "\(text)")
  }

  /// Any bytes after any such value: never a crash, and what JSON itself accepts stays what it was.
  @Test(arguments: [5, 77] as [UInt64]) func brokenDocuments(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let bench = try DecoderBench(Self.program())
    let whole = Self.event(Self.junk.enumerated().map { "\"j\($0)\":\($1)" }.joined(separator: ","))
    #expect(bench.decode(whole, key: "c1") == nil)
    for _ in 0..<3_000 {
      var bytes = whole
      for _ in 0...Int(random.next() % 3) {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes.remove(at: place)
        case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { bytes = [0x7b] }
      }
      _ = bench.decode(bytes, key: "c1", contentType: .json)
    }
    #expect(bench.decode(whole, key: "c1") == nil, "seed \(seed)")
  }

  /// The same in protobuf: undeclared numbers that are none, texts that are no UTF-8, names of any bytes.
  @Test func protobuf() throws {
    let bench = try DecoderBench(Self.program())
    func value(_ attributes: [(name: [UInt8], write: (inout WireWriter) -> Void)]) -> [UInt8] {
      var writer = WireWriter()
      writer.field(1, string: "e")
      writer.field(2, string: "c1")
      writer.field(3, varint: 1_767_225_600_000_000)
      let kind = writer.open(11)
      writer.field(1, string: "login")
      for attribute in attributes {
        let mark = writer.open(2)
        attribute.name.withUnsafeBytes { writer.field(1, bytes: $0) }
        attribute.write(&writer)
        writer.close(mark)
      }
      writer.close(kind)
      return writer.bytes
    }
    func name(_ text: String) -> [UInt8] { Array(text.utf8) }
    let nan: (inout WireWriter) -> Void = { $0.field(4, double: .nan) }
    let broken: (inout WireWriter) -> Void = { writer in
      [0xff, 0xfe].withUnsafeBytes { writer.field(5, bytes: $0) }
    }
    let good: (inout WireWriter) -> Void = { $0.field(4, double: 2.5) }
    for junk in [
      (name("other"), nan), (name("other"), broken), ([0xff], good), ([0xff, 0], nan), ([], broken),
    ] {
      let bytes = value([(name("a"), good), (name: junk.0, write: junk.1)])
      #expect(bench.decode(bytes, key: "c1", contentType: .protobuf) == nil)
      #expect(try bench.last().attributes.map(\.value) == [.real(2.5)])
    }
    for (attribute, write, reason) in [
      ("a", nan, DeadLetterReason.notFinite), ("a", broken, .wrongType), ("c", broken, .invalidUTF8),
      ("t", broken, .invalidUTF8),
    ] {
      #expect(bench.decode(value([(name(attribute), write)]), key: "c1", contentType: .protobuf) == reason)
    }
  }

  /// A mark that some writers put before everything; not behind it.
  @Test func byteOrderMark() throws {
    let bench = try DecoderBench(Self.program())
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    let event = Self.event(#""a":1"#)
    for type in [ContentType.json, .unspecified] {
      #expect(bench.decode(mark + event, key: "c1", contentType: type) == nil)
      #expect(bench.decode(mark + Array(" \r\n".utf8) + event, key: "c1", contentType: type) == nil)
    }
    #expect(bench.decode(event + mark, key: "c1", contentType: .json) == .undecodable)
    #expect(bench.decode(mark + mark + event, key: "c1", contentType: .json) == .undecodable)
    #expect(bench.decode(mark, key: "c1", contentType: .json) == .undecodable)
  }
}
