import Foundation
import TestNumbers
import Testing

@testable import Configuration
@testable import Declaration

/// What is said of settings without any being set: reference, schema, example.
@Suite struct SettingsReferenceTests {
  private static func schema() -> [String: Any] {
    let object = try? JSONSerialization.jsonObject(with: Data(SettingsSchema.text.utf8))
    return object as? [String: Any] ?? [:]
  }

  /// A part of the schema by the path of a setting or section; nil: it has none.
  private static func part(_ path: String) -> [String: Any]? {
    path.split(separator: ".").reduce(schema()) { node, key in
      (node?["properties"] as? [String: Any])?[String(key)] as? [String: Any]
    }
  }

  @Test(arguments: Setting.all.map(\.path)) func everySettingSaysWhatItIs(_ path: String) throws {
    let setting = try #require(Setting.find(path: path)?.setting)
    #expect(
      setting.meaning.first?.isLowercase == false || setting.meaning.contains(": "), "\(setting.meaning)")
    #expect(setting.meaning.hasSuffix(".") && !setting.meaning.contains("|"), "\(setting.meaning)")
    #expect(!Setting.meaning(ofSection: setting.section).isEmpty)
    #expect(setting.standard != nil || setting.example != nil || setting.isSecret)
    #expect(setting.alias != setting.variable)
    // The reference and the page have it once.
    #expect(SettingsReference.text.matches(of: try Regex("\n  \(path)(\\.NAME)?\n")).count == 1)
    #expect(SettingsReference.markdown.matches(of: try Regex("\n\\| `\(path)(\\.NAME)?` \\|")).count == 1)
    for word in SettingsReference.variables(of: setting) + setting.flags {
      #expect(SettingsReference.text.contains(word) && SettingsReference.markdown.contains("`\(word)`"))
    }
  }

  /// Each entry stands in the schema with its type and its bounds, in those words that its kind has.
  @Test(arguments: Setting.all.map(\.path)) func theSchemaHasEveryEntry(_ path: String) throws {
    let setting = try #require(Setting.find(path: path)?.setting)
    guard !setting.isSecret else { return #expect(Self.part(path) == nil) }
    let part = try #require(Self.part(path), "\(path)")
    #expect((part["description"] as? String)?.hasPrefix(setting.meaning) == true)
    let anyText = ["string", "number", "boolean"]
    switch setting.kind {
    case .number(let range):
      #expect(part["type"] as? String == "integer" && part["minimum"] as? Int == range.lowerBound)
      #expect(part["maximum"] as? Int == (range.upperBound == .max ? nil : range.upperBound))
    case .time(let range, _, _):
      #expect(part["type"] as? String == "string")
      let ends = [part["x-minimum"] as? String, part["x-maximum"] as? String]
      #expect(
        ends.map { $0.flatMap { Quantity.duration.parse($0) } } == [range.lowerBound, range.upperBound])
    case .bytes(let range):
      #expect(part["type"] as? String == "string")
      let ends = [part["x-minimum"] as? String, part["x-maximum"] as? String]
      #expect(ends.map { $0.flatMap { Quantity.bytes.parse($0) } } == [range.lowerBound, range.upperBound])
    case .choice(let words):
      #expect(part["type"] as? String == "string" && part["enum"] as? [String] == words)
    case .truth(let onlyTrue):
      #expect(onlyTrue ? part["const"] as? Bool == true : part["type"] as? String == "boolean")
    case .text(let rule):
      #expect(part["type"] as? [String] == anyText)
      #expect(part["minLength"] as? Int == (rule.mayBeEmpty ? nil : 1))
      #expect(part["maxLength"] as? Int == rule.bytesMax)
      #expect(part["pattern"] as? String == rule.pattern.map { "^(\($0))$" })
    case .path, .variable, .secret:
      #expect(part["type"] as? [String] == anyText && part["minLength"] as? Int == 1)
    case .names:
      #expect((part["additionalProperties"] as? [String: Any])?["type"] as? [String] == anyText)
    }
    let isKnown = Self.part(setting.section)?["additionalProperties"] as? Bool
    #expect(isKnown == false)
  }

  /// Settings that take each other's place stand in the schema in pairs, which a section without keys does not have:
  /// what forbids a pair asks for an object, as `required` alone takes null and its `not` would refuse that.
  @Test(arguments: Setting.sections) func aSectionWithoutKeysIsTaken(_ name: String) throws {
    #expect(try refusal(file: "\(name):\n") == nil)
    let section = try #require(Self.part(name))
    #expect(section["type"] as? [String] == ["object", "null"])
    let open = Setting.all.filter { $0.section == name && !$0.isSecret }
    let pairs = open.enumerated().flatMap { index, setting in
      open[(index + 1)...].filter { $0.group != nil && $0.group == setting.group }.map {
        [setting.key, $0.key]
      }
    }
    let forbidden = (section["allOf"] as? [[String: Any]] ?? []).map { $0["not"] as? [String: Any] }
    #expect(forbidden.map { $0?["required"] as? [String] } == pairs)
    for pair in forbidden { #expect(pair?["type"] as? String == "object") }
  }

  /// What a pattern of the schema says of the samples is what the program says.
  @Test(arguments: SettingSample.all) func patternsSayWhatTheProgramSays(_ sample: SettingSample) throws {
    guard let text = Self.part(sample.path)?["pattern"] as? String else { return }
    let pattern = try Regex(text)
    for value in [sample.good] + sample.bad {
      let isTaken = try refusal(set: ["\(sample.path)=\(value)"]) == nil
      let fits = try pattern.wholeMatch(in: value) != nil
      // An empty text and a long one are other keywords' matter.
      if !value.isEmpty, value.utf8.count <= 200 { #expect(fits == isTaken, "\(value)") }
    }
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>) func patternsOfRangesMatchTheirNumbers(
    _ seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed)
    let most: Int64 = [9, 99, 1000, 54_321, 1_000_000].randomElement(using: &random) ?? 9
    let low = Int64.random(in: 0...most, using: &random)
    let high = Int64.random(in: low...most, using: &random)
    let pattern = try Regex(RangePattern.numbers(low, high))
    var numbers = [low, high, low + 1, high + 1, max(0, low - 1), max(0, high - 1)]
    for _ in 0..<200 { numbers.append(Int64.random(in: 0...most * 2, using: &random)) }
    for number in numbers {
      let isMatched = try pattern.wholeMatch(in: "\(number)") != nil
      #expect(isMatched == (low...high).contains(number), "\(number) of \(low)...\(high)")
    }
    // With units and steps: as the program reads them.
    let range = low * 1000...high * 1000
    let quantity = try Regex(RangePattern.quantity(range, step: 1000, units: durationUnits))
    for _ in 0..<200 {
      let unit = durationUnits.randomElement(using: &random)?.name ?? "s"
      var count = Int64.random(in: 0...high * (unit == "us" ? 2000 : 2), using: &random)
      if unit == "us" { count -= count % 500 }
      let text = "\(Bool.random(using: &random) ? "0" : "")\(count)\(unit)"
      let micros = Quantity.duration.parse(text) ?? -1
      let isTaken = range.contains(micros) && micros % 1000 == 0
      #expect(try (quantity.wholeMatch(in: text) != nil) == isTaken, "\(text) of \(range)")
    }
  }

  @Test func theEntriesAreJSON() throws {
    let object = try JSONSerialization.jsonObject(with: Data(SettingsReference.json.utf8))
    let entries = try #require(object as? [[String: Any]])
    #expect(entries.map { $0["path"] as? String } == Setting.all.map(\.path))
    #expect(entries.filter { $0["secret"] as? Bool == true }.count == 2)
    for (entry, setting) in zip(entries, Setting.all) {
      #expect(entry["type"] as? String == setting.kind.name)
      #expect(entry["flags"] as? [String] == setting.flags)
      if case .number(let range) = setting.kind {
        #expect(entry["minimum"] as? Int == range.lowerBound && entry["default"] is Int)
      }
      if case .truth(onlyTrue: false) = setting.kind { #expect(entry["default"] is Bool) }
    }
  }

  /// The example is a file of the defaults, save what it says to be examples.
  @Test func theExampleHasTheDefaults() throws {
    let settings = try load(file: SettingsReference.example)
    for setting in Setting.all {
      let example = setting.example.flatMap { $0.isInForce ? $0 : nil }
      let isDisplaced = setting.group == "table" && example == nil
      guard case .file = settings.origin(of: setting.path) else {
        #expect(isDisplaced || setting.standard == nil, "\(setting.path) is not in force")
        continue
      }
      guard let example else {
        let shown = SettingsText(settings).yaml(origins: false)
        #expect(shown.contains("\(setting.key): "))
        continue
      }
      #expect(SettingsText(settings).yaml(origins: false).contains(example.values[0].text))
    }
    #expect(settings.workers == Settings().workers && settings.brokers == Settings().brokers)
  }

  /// Whatever stands there as a comment would be taken.
  @Test(arguments: Setting.all.filter { $0.example != nil }.map(\.path))
  func examplesAreTaken(_ path: String) throws {
    let setting = try #require(Setting.find(path: path)?.setting)
    for (name, text) in setting.example?.values ?? [] {
      var layer = SettingsLayer()
      let value = YAMLValue(text: text, path: path)
      try layer.add(setting, GivenValue(value: value, origin: .environment("TEST"), name: name))
      var settings = Settings()
      try layer.apply(to: &settings)
    }
  }
}
