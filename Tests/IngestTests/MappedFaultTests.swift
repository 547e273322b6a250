import Dataflow
import Events
import Features
import Ingest
import Testing

/// What records of a declared shape come to.
@Suite("Mapped records") struct MappedFaultTests {
  private static let somewhere = SourcePosition(line: 1, column: 1)

  private static func path(_ keys: String...) -> RecordPath {
    RecordPath(keys: keys, text: keys.joined(separator: "."), position: somewhere)
  }

  /// A profile of the number `a` and of two lists of texts, of which features look into the first only.
  private static func program() throws -> FeatureProgram {
    func list(_ name: String) -> AttributeDeclaration {
      let of = AttributeDeclaration(name: "", type: .text, position: somewhere)
      return AttributeDeclaration(name: name, type: .list([of]), position: somewhere)
    }
    let number = AttributeType.number(decimals: 6, minimum: -1e9, maximum: 1e9)
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: [
          AttributeDeclaration(name: "a", type: number, position: somewhere), list("s"), list("u"),
        ],
        events: [],
        features: [
          ("a", "profile.a"), ("has", "any(profile.s, \"lead\")"), ("word", "has_word(profile.s, \"lead\")"),
          ("size", "size(profile.u)"),
        ].map {
          FeatureDeclaration(
            name: $0.0, expression: $0.1, isColumn: true, labels: [], position: somewhere)
        }, idleTTL: nil, keepsState: false))
  }

  private static func mapping(_ paths: [InputMapping.AttributePath], parseText: [RecordPath] = [])
    -> InputMapping
  {
    InputMapping(
      entityID: path("id"), eventID: .hashOfRecord, time: .ingest, kind: .always(.profileSnapshot),
      from: [RecordPath(keys: [], text: ".", position: somewhere)], parseText: parseText, paths: paths,
      keyIsEntityID: false)
  }

  private static func decoder(_ input: InputMapping) throws -> (EventDecoder, EventBatch) {
    let program = try program()
    return (
      try EventDecoder(program, homes: .onePartition, input: input, keepsAttributes: true),
      EventBatch(symbols: program.symbols)
    )
  }

  private static func decode(
    _ text: String, _ decoder: EventDecoder, _ batch: EventBatch
  ) -> DeadLetterReason? {
    Array(text.utf8).withUnsafeBytes {
      decoder.decode(
        RawRecord(
          partition: 0, offset: 0, ingestTimeMs: 1_800_000_000_000,
          key: UnsafeRawBufferPointer(start: nil, count: 0), value: $0,
          contentType: .unspecified),
        into: batch)
    }
  }

  @Test("of two lists at one path, texts are there for the one that features look into") func sharedPath()
    throws
  {
    for names in [["s", "u"], ["u", "s"]] {
      let (decoder, batch) = try Self.decoder(
        Self.mapping(names.map { InputMapping.AttributePath(name: $0, path: Self.path("z")) }))
      #expect(Self.decode(#"{"id":1,"z":["lead"]}"#, decoder, batch) == nil)
      #expect(batch.elements.count == 2)
      for index in 0..<2 { #expect(batch.string(batch.elements[index].text) == "lead") }
    }
  }

  @Test("a text that is to hold an object is looked at, also where only paths lead below it")
  func textBelowPaths()
    throws
  {
    let paths = [InputMapping.AttributePath(name: "a", path: Self.path("pj", "a"))]
    let (decoder, batch) = try Self.decoder(Self.mapping(paths, parseText: [Self.path("pj")]))
    for good in [
      #"{"id":1,"pj":"{\"a\":5}"}"#, #"{"id":1,"pj":{"a":5}}"#, #"{"id":1,"pj":null}"#, #"{"id":1}"#,
    ] {
      #expect(Self.decode(good, decoder, batch) == nil, "\(good)")
    }
    for bad in [#"{"id":1,"pj":"junk"}"#, #"{"id":1,"pj":[1]}"#, #"{"id":1,"pj":7}"#] {
      #expect(
        Self.decode(bad, decoder, batch) == .wrongType && decoder.refusedDetail.contains("pj "), "\(bad)")
    }
  }

  @Test("a real number is an id as long as no other one has its digits") func realIDs() throws {
    let (decoder, batch) = try Self.decoder(Self.mapping([]))
    #expect(Self.decode(#"{"id":9007199254740991.0}"#, decoder, batch) == nil)
    #expect(try batch.string(#require(batch.events.last).entityID) == "9007199254740991")
    for id in ["9007199254740993.0", "-9007199254740992.0", "1.5", "1e300"] {
      #expect(Self.decode("{\"id\":\(id)}", decoder, batch) == .wrongType, "\(id)")
    }
    #expect(Self.decode(#"{"id":9007199254740993}"#, decoder, batch) == nil)
    #expect(try batch.string(#require(batch.events.last).entityID) == "9007199254740993")
  }

  @Test("attributes that stand nowhere are told from the first record on, with how many there were")
  func unmatched()
    throws
  {
    let program = try Self.program()
    let ledger = NameLedger(declaredTypes: [], mapped: program.mappedAttributes.map(\.name))
    let batch = EventBatch(symbols: program.symbols)
    let decoder = try EventDecoder(
      program, homes: .onePartition, input: Self.mapping([]), names: ledger.counter())
    #expect(ledger.counts().unmatched.isEmpty && ledger.counts().mappedRecords == 0)
    #expect(Self.decode(#"{"id":1,"a":null}"#, decoder, batch) == nil)
    #expect(ledger.counts().unmatched == ["s", "u"])
    #expect(Self.decode(#"{"id":2,"u":[]}"#, decoder, batch) == nil)
    #expect(ledger.counts().unmatched == ["s"] && ledger.counts().mappedRecords == 2)
  }
}
