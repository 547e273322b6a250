import CMallocCounter
import CSimdjson
import Testing

@Suite("The mapping's reader of JSON") struct MappingReaderTests {
  private static func text(_ text: String) -> MappedValue { .text(Array(text.utf8)) }

  /// The value at `a` of a record, after the oracle agreed.
  private static func value(_ json: String, _ build: (MappingBench) -> Void = { $0.want("a") }) throws
    -> (MappingOutcome?, [MappedValue])
  {
    let bench = try #require(MappingBench())
    build(bench)
    let found = bench.read(json)
    let expected = bench.expected(Array(json.utf8))
    #expect(found.0 == expected.0 && found.1 == expected.1, "\(json)")
    return found
  }

  @Test(
    "tells what a value is",
    arguments: [
      ("null", MappedValue.null), ("true", .flag(true)), ("false", .flag(false)), ("0", .integer(0)),
      ("-0", .integer(0)), ("1234567", .integer(1_234_567)), ("12345678", .integer(12_345_678)),
      ("123456789", .integer(123_456_789)), ("-9223372036854775808", .integer(.min)),
      ("-9223372036854775809", .beyond), ("9223372036854775807", .integer(.max)),
      ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
      ("18446744073709551616", .beyond), ("19999999999999999999", .beyond), ("20000000000000000000", .beyond),
      ("99999999999999999999", .beyond), ("-18446744073709551616", .beyond),
      ("123456789012345678901234567890", .beyond), ("1.5", .real(1.5.bitPattern)),
      ("-0.0", .real((-0.0).bitPattern)), ("1E2", .real(100.0.bitPattern)), ("0e999", .real(0)),
      ("1e00000000000000000000001", .real(10.0.bitPattern)), ("1e-99999999999999999999999", .real(0)),
      ("5e-324", .real(1)), ("1e999", .infinite), ("-1e999", .infinite), ("NaN", .infinite),
      ("Infinity", .infinite), ("-Infinity", .infinite), ("\"\"", text("")), ("\"x\"", text("x")),
      (#""\ud83d\ude00\u00e9\u20ac\"\\\/\b\f\n\r\t\u0000""#, text("😀é€\"\\/\u{8}\u{c}\n\r\t\0")),
      (#""\ud83d""#, .garbled), (#""\ude00""#, .garbled), (#""\ud83d\ud83d\ude00""#, .garbled),
      (#""\ud83dx""#, .garbled), ("[]", .array), ("[1,{}]", .array), ("{}", .object),
      ("{\"b\":[tru]}", .object),
      (
        "\"\(String(repeating: "0123456789\\n", count: 40))\"",
        text(String(repeating: "0123456789\n", count: 40))
      ),
      ("\"\(String(repeating: "\\\\", count: 70))\"", text(String(repeating: "\\", count: 70))),
    ])
  func kinds(_ json: String, _ value: MappedValue) throws {
    for record in [
      "{\"a\":\(json)}", " {\n\"b\" : 1 , \"a\"\t: \(json)\r } ", "{\"\\u0061\":\(json),\"c\":{}}",
    ] {
      let (outcome, values) = try Self.value(record)
      #expect(outcome == .ok && values == [value], "\(record)")
    }
  }

  @Test(
    "refuses what is broken where it looks",
    arguments: [
      "", " ", "[]", "1", "null", "\"a\"", "{", "}", "{]", "{\"a\":1", "{\"a\":1}}", "{\"a\":1} {}",
      "{\"a\":1}x",
      "{\"a\":1}]", "{\"a\":1]", "{\"a\":1,}", "{,\"a\":1}", "{\"a\":}", "{\"a\"}", "{\"a\" 1}", "{\"a\"::1}",
      "{a:1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}",
      "{\"a\":1e}", "{\"a\":-}", "{\"a\":1x}", "{\"a\":tru}", "{\"a\":nulls}", "{\"a\":Nan}",
      "{\"a\":1\"b\"}",
      "{\"a\":\"x}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\ud800\\u12g4\"}", "{\"a\":\"\n\"}",
      "{\"a\":\"x\"y}", "{\"a\":[1}", "{\"a\":[1]]}", "{\"a\":[{]}}", "{\"\\x\":1}", "{\"b\":x}",
      "{\"b\":1 2}",
      "{\"b\":,\"a\":1}", "{\"b\":[1}}", "{\"b\":]", "\u{feff}{\"a\":1}",
    ])
  func broken(_ json: String) throws {
    #expect(try Self.value(json).0 == .undecodable, "\(json)")
  }

  @Test("passes over what nobody wants without looking")
  func lenient() throws {
    for rest in [
      "tru", "1.2.3", "\"\\x\"", "[tru,,:]", "{\"c\"{}1}", "\"\\ud800\"", "{\"a\":1,\"a\":2}", "-",
    ] {
      let (outcome, values) = try Self.value("{\"b\":\(rest),\"a\":7,\"b\":1}")
      #expect(outcome == .ok && values == [.integer(7)], "\(rest)")
    }
    let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(try Self.value("{\"b\":\(deep)}").0 == .ok)
    #expect(try Self.value("{\"b\":[\(deep)]}").0 == .tooDeep)
  }

  @Test("tells what is not UTF-8, and what is too large")
  func outcomes() throws {
    let bench = try #require(MappingBench())
    bench.want("a")
    #expect(bench.read(Array("{\"b\":\"".utf8) + [0xff] + Array("\",\"a\":1}".utf8)).0 == .invalidUTF8)
    #expect(bench.read(Array("{\"a\":1}".utf8) + [0xc3]).0 == .invalidUTF8)
    #expect(bench.read("{\"a\":1}").1 == [.integer(1)])
    let full = "{\"a\":\"" + String(repeating: "x", count: MappingBench.bytesMax - 8) + "\"}"
    #expect(bench.read(full).0 == .ok)
    #expect(bench.read(full + " ").0 == nil)
  }

  @Test("tells a declared key that stands twice in an object")
  func twice() throws {
    let build: (MappingBench) -> Void = {
      $0.want("a")
      $0.want("b", "c")
      $0.want("d")
      if let elements = $0.elements($0.node("d")) { $0.want($0.child(elements, "c")) }
    }
    #expect(try Self.value(#"{"a":1,"x":0,"x":0,"\u0061":2}"#, build).0 == .twice(1))
    #expect(try Self.value(#"{"b":{},"b":1}"#, build).0 == .twice(2))
    #expect(try Self.value(#"{"b":{"c":1,"c":1}}"#, build).0 == .twice(3))
    #expect(try Self.value(#"{"d":[{"c":1},{"c":1,"c":1}],"a":0,"a":0}"#, build).0 == .twice(6))
    #expect(try Self.value(#"{"d":[{"c":1},{"c":1}],"c":1,"c":2}"#, build).0 == .ok)
    #expect(try Self.value(#"{"a":1,"a":2"#, build).0 == .undecodable)
  }

  @Test("reads lists of scalars and of objects")
  func lists() throws {
    let build: (MappingBench) -> Void = { bench in
      let list = bench.node("a")
      bench.want(list)
      guard let elements = bench.elements(list) else { return }
      bench.want(elements)
      bench.want(bench.child(elements, "b"))
      bench.want(bench.child(bench.child(elements, "c"), "d"))
      let counted = bench.node("e")
      bench.want(counted)
      _ = bench.elements(counted)
      #expect(bench.elements(elements) == nil && bench.elements(bench.child(elements, "b")) == nil)
      #expect(bench.elements(bench.root) == nil)
    }
    let (outcome, values) = try Self.value(
      #"{"e":[{},[],tru,0],"a":[1,null,"x",[2],{"b":3,"c":{"d":"y"},"z":[]},{},{"c":4}]}"#, build)
    #expect(outcome == .ok)
    let elements: [(Int, Int, MappedValue)] = [
      (0, 0, .integer(1)), (0, 1, .null), (0, 2, Self.text("x")), (0, 3, .array), (0, 4, .object),
      (1, 4, .integer(3)), (2, 4, Self.text("y")), (0, 5, .object), (0, 6, .object),
    ]
    let run = elements.map { MappedElement(field: $0.0, index: $0.1, value: $0.2) }
    #expect(values == [.list(count: 7, run: run), .list(count: 4, run: [])])
    #expect(
      try Self.value(#"{"a":[],"e":[]}"#, build).1 == [.list(count: 0, run: []), .list(count: 0, run: [])])
    #expect(try Self.value(#"{"a":{},"e":1}"#, build).1 == [.object, .integer(1)])
    #expect(try Self.value(#"{"a":[1,]}"#, build).0 == .undecodable)
    #expect(try Self.value(#"{"e":[{]}"#, build).0 == .undecodable)
  }

  @Test("reads JSON in texts, also in texts in them")
  func texts() throws {
    let build: (MappingBench) -> Void = { bench in
      bench.parseText(bench.node("a"))
      bench.want("a")
      bench.want("a", "b")
      bench.parseText(bench.node("a", "c"))
      bench.want("a", "c")
      bench.want("a", "c", "d")
    }
    let object = MappedValue.object
    for (json, values) in [
      (#"{"b":1,"c":{"d":2}}"#, [object, .integer(1), object, .integer(2)]),
      (#""{\"b\":1,\"c\":{\"d\":2}}""#, [object, .integer(1), object, .integer(2)]),
      (
        #"" {\"b\":\"x\",\"c\":\"{\\\"d\\\":\\\"y\\\\n\\\"}\"} ""#,
        [object, Self.text("x"), object, Self.text("y\n")]
      ),
      (#""{\"b\":1,\"c\":\"{\\\"d\\\":2\"}""#, [object, .integer(1), Self.text(#"{"d":2"#), .absent]),
      (
        #""{\"c\":\"{\\\"d\\\":2}\",\"b\":tru}""#,
        [Self.text(#"{"c":"{\"d\":2}","b":tru}"#), .absent, .absent, .absent]
      ),
      (#""{\"b\":1,\"b\":2""#, [Self.text(#"{"b":1,"b":2"#), .absent, .absent, .absent]),
      (#""{}""#, [object, .absent, .absent, .absent]), (#"" { } ""#, [object, .absent, .absent, .absent]),
      (#""{} x""#, [Self.text("{} x"), .absent, .absent, .absent]),
      (#""[1]""#, [Self.text("[1]"), .absent, .absent, .absent]),
      (#""""#, [Self.text(""), .absent, .absent, .absent]),
      (#""\ud800""#, [.garbled, .absent, .absent, .absent]), ("5", [.integer(5), .absent, .absent, .absent]),
      (#""{\"b\":\"\\ud800\"}""#, [object, .garbled, .absent, .absent]),
    ] {
      let found = try Self.value("{\"a\":\(json)}", build)
      #expect(found.0 == .ok && found.1 == values, "\(json)")
    }
    #expect(try Self.value(#"{"a":"{\"b\":1,\"b\":2}"}"#, build).0 == .twice(2))
    #expect(try Self.value(#"{"a":"{\"b\":1}}"#, build).0 == .undecodable)
  }

  @Test("allocates nothing after the first record")
  func allocations() throws {
    let mapping = try #require(tally_mapping_new(4096))
    defer { tally_mapping_free(mapping) }
    let node = tally_mapping_child(mapping, 0, "a", 1)
    tally_mapping_parse_text(mapping, node)
    _ = tally_mapping_want(mapping, node)
    _ = tally_mapping_want(
      mapping, tally_mapping_elements(mapping, tally_mapping_child(mapping, node, "b", 1)))
    let records = [
      #"{"a":{"b":[1,2]}}"#, #"{"x":1,"a":"{\"y\":2.5,\"b\":[\"\\n\"]}"}"#, "{", #"{"a":0,"a":0}"#,
    ]
    var mapped = tally_mapped()
    for record in records {
      let bytes = Array(record.utf8)
      let allocated = bytes.withUnsafeBytes { bytes in
        _ = tally_mapping_read(mapping, bytes.baseAddress, bytes.count, &mapped)
        let before = tally_thread_allocations()
        _ = tally_mapping_read(mapping, bytes.baseAddress, bytes.count, &mapped)
        return tally_thread_allocations() - before
      }
      #expect(allocated == 0, "\(record)")
    }
    #expect(tally_mapping_child(mapping, 0, "b", 1) == -1 && tally_mapping_want(mapping, 0) == -1)
  }
}
