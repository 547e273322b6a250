import Events
import Testing
import TestNumbers

@testable import Features

/// What a profile may hold, in neutral form.
private indirect enum Given: Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case composite
  case list([Given])
  case object([(String, Given)])

  static func == (a: Given, b: Given) -> Bool { "\(a)" == "\(b)" }
}

private func attribute(
  _ name: String, _ type: AttributeType, wrong: WrongValue = .letter, readsText: Bool = false
) -> AttributeDeclaration {
  AttributeDeclaration(name: name, type: type, wrong: wrong, readsText: readsText, position: somewhere)
}

private let levels = ["Intern", "Senior", "Chief"]
private func number(_ minimum: Double, _ maximum: Double) -> AttributeType {
  .number(decimals: 6, minimum: minimum, maximum: maximum)
}

private let profile = [
  attribute("level", .rank(levels), wrong: .missing),
  attribute("title", .text, wrong: .missing),
  attribute("skills", .list([attribute("", .text, wrong: .missing)]), wrong: .missing),
  attribute("marks", .list([attribute("", number(0, 100), wrong: .missing)]), wrong: .missing),
  attribute(
    "jobs",
    .list([
      attribute("start", number(1900, 2100), wrong: .missing, readsText: true),
      attribute("name", .text, wrong: .missing),
    ]), wrong: .missing),
  attribute("graduated", number(1900, 2100), wrong: .missing, readsText: true),
  attribute("bounded", number(0, 10), wrong: .clamp),
]

private let expressions = [
  "profile.level", "size(profile.skills)", "size(profile.jobs)", "min(profile.jobs.start)",
  "max(profile.jobs.start)", "mean(profile.jobs.start)", "mean(profile.marks)",
  "any(profile.skills, \"Swift\", \"c++ 11\", \"Ünix\")", "any(profile.jobs.name, \"Boss\")",
  "has_word(profile.title, \"senior\", \"lead\", \"chef\")", "has_word(profile.jobs.name, \"boss\")",
  "has_word(profile.skills, \"11\")", "length(profile.title)", "years_since(profile.graduated)",
  "year(as_of)", "profile.level >= \"Senior\"", "profile.level == \"Chief\"",
  "within(size(profile.jobs), 1, 2)",
  "first_known(profile.graduated, min(profile.jobs.start), 1)", "profile.bounded",
]

private func program(keepsState: Bool) throws -> FeatureProgram {
  try FeatureProgram(
    FeatureSetDeclaration(
      profile: profile, events: [],
      features: expressions.enumerated().map {
        FeatureDeclaration(
          name: "f\($0)", expression: $1, isColumn: true, labels: [], position: somewhere)
      }, idleTTL: nil, keepsState: keepsState))
}

extension EventBatch {
  fileprivate func add(_ given: Given, named name: Int32, asElement: Bool) {
    func put(_ kind: AttributeKind, _ bits: UInt64 = 0, _ text: String = "") {
      var copy = text
      copy.withUTF8 {
        let raw = UnsafeRawBufferPointer($0)
        if asElement {
          appendElement(number: name, kind: kind, bits: bits, text: raw, word: raw)
        } else {
          appendAttribute(number: name, kind: kind, bits: bits, text: raw, word: raw)
        }
      }
    }
    switch given {
    case .null: put(.null)
    case .integer(let value): put(.integer, UInt64(bitPattern: value))
    case .real(let value): put(.real, value.bitPattern)
    case .text(let text): put(.text, 0, text)
    case .composite: put(.composite)
    case .object(let fields):
      for (field, value) in fields { add(value, named: symbols.intern(field), asElement: true) }
    case .list(let values):
      let first = elements.count
      for value in values { add(value, named: SymbolTable.unknown, asElement: true) }
      appendList(number: name, size: values.count, first: first)
    }
  }

  fileprivate func add(
    _ attributes: [(String, Given)], kind: EventKind, time: EventTime, id: String
  ) -> Event {
    begin()
    for (name, given) in attributes { add(given, named: symbols.intern(name), asElement: false) }
    let slice = id.utf8.withContiguousStorageIfAvailable { append(UnsafeRawBufferPointer($0)) } ?? .empty
    commit(kind: kind, type: -1, eventID: slice, entityID: slice, source: .empty, time: time)
    return events[events.count - 1]
  }
}

/// The functions, written down from the language's definition alone.
private struct ProfileOracle {
  var values: [String: Given]
  let year: Double

  private func number(_ given: Given?, _ range: ClosedRange<Double>, readsText: Bool, clamps: Bool = false)
    -> Double
  {
    var value = Double.nan
    switch given {
    case .integer(let whole): value = Double(whole)
    case .real(let real): value = real
    case .text(let text) where readsText:
      if text.wholeMatch(of: /[+-]?[0-9]+(\.[0-9]+)?/) != nil, text.filter(\.isNumber).count <= 15 {
        value = Double(text) ?? .nan
      }
    default: break
    }
    if value.isNaN || range.contains(value) { return value }
    return clamps ? min(max(value, range.lowerBound), range.upperBound) : .nan
  }

  private func list(_ name: String) -> [Given]? {
    guard case .list(let values)? = values[name] else { return nil }
    return values
  }

  private func fields(_ name: String) -> [Given]? {
    list("jobs")?.flatMap { job -> [Given] in
      guard case .object(let fields) = job else { return [] }
      return fields.filter { $0.0 == name }.map(\.1)
    }
  }

  private func fold(_ text: String) -> [UInt8] { text.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 } }

  private func words(_ text: String) -> [[UInt8]] {
    fold(text).split { byte in
      !(byte >= 0x80 || (48...57).contains(byte) || (97...122).contains(byte))
    }.map(Array.init)
  }

  private func texts(_ values: [Given]?) -> [String]? {
    values?.compactMap { if case .text(let text) = $0 { text } else { nil } }
  }

  private func flag(_ value: Bool?) -> Double { value.map { $0 ? 1 : 0 } ?? .nan }

  var row: [Double] {
    let starts = fields("start")?.map { number($0, 1900...2100, readsText: true) }.filter { !$0.isNaN }
    let marks = list("marks")?.map { number($0, 0...100, readsText: false) }.filter { !$0.isNaN }
    func mean(_ values: [Double]?) -> Double {
      values.map { $0.isEmpty ? .nan : $0.reduce(0, +) / Double($0.count) } ?? .nan
    }
    var title: String?
    if case .text(let text)? = values["title"] { title = text }
    var level = Double.nan
    if case .text(let word)? = values["level"], let rank = levels.firstIndex(of: word) {
      level = Double(rank)
    }
    let skills = texts(list("skills"))
    let names = texts(fields("name"))
    let graduated = number(values["graduated"], 1900...2100, readsText: true)
    let jobs = list("jobs").map { Double($0.count) } ?? .nan
    let least = starts?.min() ?? .nan
    return [
      level, list("skills").map { Double($0.count) } ?? .nan, jobs, least, starts?.max() ?? .nan,
      mean(starts),
      mean(marks), flag(skills?.contains { ["swift", "c++ 11", "Ünix"].map(fold).contains(fold($0)) }),
      flag(names?.contains { fold($0) == fold("boss") }),
      flag(title.map { words($0).contains { ["senior", "lead", "chef"].map(fold).contains($0) } }),
      flag(names?.contains { words($0).contains(fold("boss")) }),
      flag(skills?.contains { words($0).contains(fold("11")) }),
      title.map { Double($0.unicodeScalars.count) } ?? .nan, year - graduated, year, level >= 1 ? 1 : 0,
      level == 2 ? 1 : 0, (1...2).contains(jobs) ? jobs : .nan,
      !graduated.isNaN ? graduated : !least.isNaN ? least : 1,
      number(values["bounded"], 0...10, readsText: false, clamps: true),
    ]
  }
}

extension SeededGenerator {
  private mutating func text() -> String {
    pick([
      "", "Senior Engineer", "TEAM-LEAD (iOS)", "Küchenchef", "leader", "a lead", "lead", "swift", "C++ 11",
      "Ünix", "ünix", "BOSS", "boss of 11", "x11", "Ребёнок 👩‍👩‍👧", "chef",
    ])
  }

  fileprivate mutating func given() -> Given {
    switch below(9) {
    case 0: .null
    case 1: .integer(Int64(1890 + below(230)))
    case 2: .real(Double(below(4000)) / 7)
    case 3: .text(text())
    case 4: .text(pick(["1999", "+1999.5", "-3", "1e3", " 7", "12.", ".5", "1234567890123456", "٣"]))
    case 5: .composite
    default: .text(pick(levels + ["intern", "other"]))
    }
  }

  fileprivate mutating func profile() -> [(String, Given)] {
    var result: [(String, Given)] = []
    for name in ["level", "title", "graduated", "bounded"] where chance(80) {
      result.append((name, chance(50) && name == "title" ? .text(text()) : given()))
    }
    for name in ["skills", "marks", "jobs"] where chance(85) {
      guard chance(85) else {
        result.append((name, given()))
        continue
      }
      let values = (0..<below(5)).map { _ -> Given in
        guard name == "jobs" && chance(85) else { return chance(50) ? .text(text()) : given() }
        var fields: [(String, Given)] = []
        for field in ["start", "name"] where chance(80) { fields.append((field, given())) }
        return .object(fields)
      }
      result.append((name, .list(values)))
    }
    return result
  }
}

private func same(_ row: [Float], _ expected: [Double]) -> Bool {
  zip(row, expected).allSatisfy { Float($1).isNaN ? $0.isNaN : $0 == Float($1) }
}

@Suite("functions of a profile") struct ExtractTests {
  private static let day2026 = EventTime(1_767_225_600_000_000)

  @Test("equal a naive reading of the profile, without a state", arguments: [3, 71, 4242] as [UInt64])
  func withoutState(seed: UInt64) throws {
    let program = try program(keepsState: false)
    let scratch = FeatureScratch(program)
    let batch = EventBatch(symbols: program.symbols)
    var random = SeededGenerator(seed: seed)
    var row = [Float](repeating: 0, count: expressions.count)
    for round in 0..<2000 {
      let given = random.profile()
      let time = Self.day2026 - EventTime(random.below(20_000)) * Span.day + EventTime(random.below(2)) - 1
      let event = batch.add(given, kind: .profileSnapshot, time: max(time, EventTimeBounds.start), id: "e")
      #expect(program.problem(of: event, in: batch) == nil)
      program.read(event, in: batch, into: &row, scratch: scratch)
      let oracle = ProfileOracle(
        values: Dictionary(uniqueKeysWithValues: given), year: Double(naiveYear(event.time)))
      #expect(same(row, oracle.row), "seed \(seed), round \(round): \(given), \(row), \(oracle.row)")
      batch.removeAll()
    }
  }

  @Test("are the same where states are kept, changed and stored", arguments: [5, 99] as [UInt64])
  func withState(seed: UInt64) throws {
    let program = try program(keepsState: true)
    let scratch = FeatureScratch(program)
    let batch = EventBatch(symbols: program.symbols)
    var random = SeededGenerator(seed: seed)
    var state = EntityState(program)
    var known: [String: Given] = [:]
    var row = [Float](repeating: 0, count: expressions.count)
    for round in 0..<600 {
      let given = random.profile()
      let isChange = random.chance(50)
      let time = Self.day2026 + EventTime(round) * Span.day
      let event = batch.add(
        given, kind: isChange ? .profileChange : .profileSnapshot, time: time, id: "e\(round)")
      program.apply(event, in: batch, to: state)
      if !isChange { known = [:] }
      for (name, value) in given { known[name] = value }
      var writer = WireWriter()
      state.encode(into: &writer)
      let copy = EntityState(program)
      #expect(writer.bytes.withUnsafeBytes { copy.decode($0) })
      state = copy
      program.read(state, asOf: time, into: &row, scratch: scratch)
      let oracle = ProfileOracle(values: known, year: Double(naiveYear(time)))
      #expect(same(row, oracle.row), "seed \(seed), round \(round): \(given), \(row), \(oracle.row)")
      batch.removeAll()
    }
  }

  @Test("years are those of the calendar")
  func years() {
    for day in stride(from: 0, through: 43_690, by: 1) {
      for offset in [0, Span.day - 1] {
        let time = EventTime(day) * Span.day + offset
        #expect(CivilYear.of(time) == naiveYear(time))
      }
    }
  }

  @Test("texts of digits are the numbers that Swift reads of them", arguments: [1, 2] as [UInt64])
  func decimals(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<5000 {
      let text = (0..<random.below(17)).map { _ in random.pick(Array("0123456789.-+ e").map(String.init)) }
        .joined()
      let isPlain =
        text.wholeMatch(of: /[+-]?[0-9]+(\.[0-9]+)?/) != nil && text.filter(\.isNumber).count <= 15
      let found = Array(text.utf8).withUnsafeBytes { DecimalText.value(of: $0) }
      #expect(found == (isPlain ? Double(text) : nil), "seed \(seed): \(text)")
    }
  }

  @Test(
    "a list, a text or an element that is not allowed is a dead letter by its name, unless the declaration says otherwise"
  )
  func letters() throws {
    let strict = try FeatureProgram(
      FeatureSetDeclaration(
        profile: [
          attribute("jobs", .list([attribute("start", number(1900, 2100))])), attribute("title", .text),
          attribute("skills", .list([attribute("", .text)])), attribute("level", .rank(levels)),
        ], events: [],
        features: [
          FeatureDeclaration(
            name: "f", expression: "size(profile.jobs)", isColumn: true, labels: [], position: somewhere)
        ], idleTTL: nil, keepsState: false))
    let batch = EventBatch(symbols: strict.symbols)
    func found(_ name: String, _ given: Given) -> (DeadLetterReason?, String) {
      let event = batch.add([(name, given)], kind: .profileSnapshot, time: Self.day2026, id: "e")
      return (strict.problem(of: event, in: batch), strict.detail(of: event, in: batch))
    }
    #expect(found("jobs", .text("x")) == (.wrongType, "profile.jobs is no list but a text"))
    #expect(
      found("jobs", .list([.object([("start", .integer(3))])]))
        == (.outOfBounds, "an element of profile.jobs.start is outside its bounds, 1900 to 2100"))
    #expect(
      found("skills", .list([.text("a"), .integer(1)]))
        == (.wrongType, "an element of profile.skills is no text but a number"))
    #expect(found("title", .list([])) == (.wrongType, "profile.title is no text but a list"))
    #expect(found("level", .text("Boss")) == (nil, ""))
    #expect(found("level", .integer(1)) == (.wrongType, "profile.level is no ordered category but a number"))
    #expect(found("jobs", .list([.object([("other", .integer(1))]), .null])) == (nil, ""))
  }

  /// By counting years, as a calendar does.
  private func naiveYear(_ time: EventTime) -> Int {
    var days = Int(time / Span.day)
    var year = 1970
    while true {
      let length = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365
      if days < length { return year }
      days -= length
      year += 1
    }
  }
}
