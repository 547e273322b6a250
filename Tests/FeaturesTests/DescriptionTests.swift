import Events
import Testing

@testable import Features

@Suite struct DescriptionTests {
  @Test("series are shared, numbered by their text, and keep as long as their longest reader")
  func series() throws {
    let program = try FeatureProgram(
      declaration([
        ("a", "count(login, 7d) + count(login, 30d)"), ("b", "slope(count(login), 10d)"),
        ("c", "mean(session.minutes where device == \"mobile\", 30d)"),
        ("d", "max(session.minutes where (device == \"mobile\"), 20d)"),
        ("e", "days_since(login) + count(login)"),
        ("f", "entropy(buy.topic, 61d)"), ("g", "distinct(buy.topic, 90d)"), ("h", "profile.age"),
        ("i", "decayed(any, 36h) + decayed(any, 12h)"), ("j", "peak_hour(any)"),
      ]))
    #expect(
      program.series.map {
        "\($0.number): \($0.text) [\($0.components.joined(separator: ", "))] \($0.subKey)"
      } == [
        "0: any by hour hop lifetime [count] hour of the day",
        "1: any hop lifetime [last time (us), decayed 12h (IEEE 754 bits), decayed 36h (IEEE 754 bits)] none",
        "2: buy.topic by code hop 7d keep 90d [count] category code", "3: login hop 1d keep 30d [count] none",
        "4: login hop lifetime [count, last time (us)] none",
        "5: profile by attribute hop lifetime [last time (us), value (IEEE 754 bits)] profile attribute number",
        "6: session.minutes where device == \"mobile\" hop 1d keep 30d [count, sum, max] none",
      ])
    #expect(program.windows.map(\.text).contains("30d, hop 1d"))
    #expect(program.windows.map(\.text).contains("90d, hop 7d"))
    #expect(program.windows.map(\.span) == program.windows.map(\.span).sorted())
    #expect(program.aggregateDescriptions.contains("max(session.minutes where device == \"mobile\", 20d)"))
    #expect(program.aggregateDescriptions.contains("slope(count(login), 10d)"))
    #expect(program.columns[0].expressionText == "count(login, 7d) + count(login, 30d)")
    #expect(program.columns[0].type == "number")
  }

  @Test("equal aggregates are read once")
  func shared() throws {
    let program = try FeatureProgram(
      declaration([
        ("a", "count(login, 24h)"), ("b", "count(login, 1d) * 2"), ("c", "gauge(login, session)"),
        ("d", "count(login) - count(session)"),
      ]))
    #expect(program.aggregateDescriptions == ["count(login, 1d)", "count(login)", "count(session)"])
    #expect(program.tables.columns[2] == program.tables.columns[3])
  }

  @Test("the state's hash changes with what state means, and with nothing else")
  func hashes() throws {
    let base = [("a", "count(login, 30d)"), ("b", "entropy(buy.topic, 30d)"), ("c", "profile.age")]
    let program = try FeatureProgram(declaration(base))
    func changed(_ features: [(String, String)]) throws -> (state: Bool, whole: Bool) {
      let other = try FeatureProgram(declaration(features))
      return (other.stateHash != program.stateHash, other.definitionHash != program.definitionHash)
    }
    #expect(try changed(base) == (false, false))
    #expect(try changed(base.reversed()) == (false, true), "order")
    #expect(try changed([("x", "count(login, 30d) / 30"), base[1], base[2]]) == (false, true), "arithmetic")
    #expect(try changed(base + [("d", "count(login, 20d)")]) == (false, true), "a shorter window")
    #expect(try changed(base + [("d", "mode(buy.topic, 30d)")]) == (false, true), "another reader")
    #expect(try changed(base + [("d", "count(login, 31d)")]) == (true, true), "a longer window")
    #expect(try changed(base + [("d", "count(any, 30d)")]) == (true, true), "a new aggregate")
    #expect(try changed(base + [("d", "profile.plan")]) == (true, true), "a new profile attribute")
    var words = declaration(base)
    words.events[2].attributes[2].type = .category(["tech", "food", "travel", "fitness", "art"])
    #expect(try FeatureProgram(words).stateHash != program.stateHash, "a vocabulary")
    words = declaration(base)
    words.events[1].attributes[1].type = .category(["tv"])
    #expect(try FeatureProgram(words).stateHash == program.stateHash, "a vocabulary that nothing uses")
    #expect(try FeatureProgram(words).definitionHash != program.definitionHash)
    #expect(try FeatureProgram(declaration(base, idleTTL: Span.day)).stateHash != program.stateHash)
  }

  @Test("hashes are the same in every process and on every machine")
  func fixedHashes() throws {
    var declared = declaration([("a", "count(login, 30d)"), ("b", "profile.age / 2")])
    // As a file with `decimals: 2` is read.
    declared.events[2].attributes[0].isExact = true
    let program = try FeatureProgram(declared)
    #expect(program.stateHash.hex == "b319bf0c49dd5827cf32744f186e03ee")
    #expect(program.definitionHash.hex == "a75863e3575505d5e04efc888d7fbf8a")
  }

  @Test("states of programs with one state hash are interchangeable")
  func interchange() throws {
    let features = [
      ("a", "count(login, 30d)"), ("b", "mode(buy.topic, 30d)"), ("c", "profile.age"), ("d", "profile.plan"),
    ]
    let one = Bench(try FeatureProgram(declaration(features)))
    let two = Bench(try FeatureProgram(declaration(features.reversed())))
    var log = RandomLog(5)
    for _ in 0..<200 { one.feed(log.next()) }
    let bytes = one.encoded
    #expect(bytes.withUnsafeBytes { two.state.decode($0) })
    #expect(two.row().reversed().map(\.bitPattern) == one.row().map(\.bitPattern))
    #expect(two.encoded == bytes)
  }

  @Test("the size estimate is near what such a person takes")
  func estimate() throws {
    let program = try FeatureProgram(engagementLike())
    let bench = Bench(program)
    var person = Person(seed: 3)
    for _ in 0..<60 { for event in person.day() { bench.feed(event) } }
    let actual = Double(bench.encoded.count)
    let estimate = Double(program.stateBytesEstimate.bytes)
    #expect(actual > estimate / 2 && actual < estimate * 2, "\(actual) bytes, estimated \(estimate)")
    #expect(!program.stateBytesEstimate.assumption.isEmpty)
  }
}
