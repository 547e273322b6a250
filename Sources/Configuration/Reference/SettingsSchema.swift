import Declaration

/// A JSON schema (draft 2020-12) of the configuration file, for editors: it takes what the program takes, as far as a
/// schema can tell. What it cannot: whether files and variables are there, what librdkafka, libpq and Redis say of a
/// value.
package enum SettingsSchema {
  package static var text: String { schema.text }

  private static var schema: JSONNode {
    let top = SettingsReference.sections.flatMap { name, settings in
      name.isEmpty ? settings.map { (key: $0.key, value: property($0)) } : [(name, section(name, settings))]
    }
    return .object([
      ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
      ("title", .text("Settings of Tally")),
      ("description", .text("The file that tally takes with --config: tally.yaml.")),
      ("type", .text("object")), ("additionalProperties", .truth(false)), ("properties", .object(top)),
    ])
  }

  /// A section; one without keys is nothing in YAML.
  private static func section(_ name: String, _ settings: [Setting]) -> JSONNode {
    // The environment alone may give secrets.
    let open = settings.filter { !$0.isSecret }
    var pairs: [(key: String, value: JSONNode)] = [
      ("description", .text(Setting.meaning(ofSection: name))), ("type", .texts(["object", "null"])),
      ("additionalProperties", .truth(false)),
      ("properties", .object(open.map { ($0.key, property($0)) })),
    ]
    let rivals = open.enumerated().flatMap { index, setting in
      open[(index + 1)...].filter { $0.group != nil && $0.group == setting.group }.map {
        [setting.key, $0.key]
      }
    }
    if !rivals.isEmpty {
      // `required` takes whatever is no object: a section without keys would be refused as one with both.
      let together = rivals.map { JSONNode.object([("type", .text("object")), ("required", .texts($0))]) }
      pairs.append(("allOf", .list(together.map { .object([("not", $0)]) })))
    }
    return .object(pairs)
  }

  private static func property(_ setting: Setting) -> JSONNode {
    var pairs: [(key: String, value: JSONNode)] = [("description", .text(description(setting)))]
    pairs += type(setting.kind) + bounds(setting.kind, prefix: isNumber(setting.kind) ? "" : "x-")
    if let standard = standard(setting) {
      pairs.append(("default", standard))
    } else if let example = setting.example {
      pairs.append(("examples", .list([self.example(setting, example)])))
    }
    return .object(pairs)
  }

  private static func description(_ setting: Setting) -> String {
    switch setting.kind {
    case .time, .bytes, .number: "\(setting.meaning) Allowed: \(setting.kind.range())."
    default: setting.meaning
    }
  }

  private static func isNumber(_ kind: SettingKind) -> Bool { if case .number = kind { true } else { false } }

  private static func example(_ setting: Setting, _ example: SettingExample) -> JSONNode {
    if setting.isMap { return .object(example.values.map { ($0.name, .text($0.text)) }) }
    if case .truth = setting.kind { return .truth(true) }
    return .text(example.values[0].text)
  }

  /// A text without quotes may look like a number or a boolean.
  private static let anyText: (key: String, value: JSONNode) = (
    "type", .texts(["string", "number", "boolean"])
  )

  private static func type(_ kind: SettingKind) -> [(key: String, value: JSONNode)] {
    switch kind {
    case .text(let rule):
      var pairs = [anyText]
      if !rule.mayBeEmpty { pairs.append(("minLength", .number(1))) }
      if let bytesMax = rule.bytesMax { pairs.append(("maxLength", .number(Int64(bytesMax)))) }
      if let pattern = rule.pattern { pairs.append(("pattern", .text("^(\(pattern))$"))) }
      return pairs
    case .path, .variable, .secret: return [anyText, ("minLength", .number(1))]
    case .choice(let words): return [("type", .text("string")), ("enum", .texts(words))]
    case .truth(let onlyTrue):
      return onlyTrue ? [("const", .truth(true))] : [("type", .text("boolean"))]
    case .number: return [("type", .text("integer"))]
    case .time(let range, let step, let word):
      let pattern = RangePattern.quantity(range, step: step, units: durationUnits)
      return [
        ("type", .text("string")), ("pattern", .text("^(\((word.map { "\($0)|" } ?? "") + pattern))$")),
      ]
    case .bytes(let range):
      let pattern = RangePattern.quantity(range, units: byteCountUnits)
      return [("type", .text("string")), ("pattern", .text("^(\(pattern))$"))]
    case .names: return [("type", .texts(["object", "null"])), ("additionalProperties", .object([anyText]))]
    }
  }

  /// The ends of its range: of a number as such, of quantities as the file has them.
  static func bounds(_ kind: SettingKind, prefix: String) -> [(key: String, value: JSONNode)] {
    let (least, most) = ("\(prefix)minimum", "\(prefix)maximum")
    switch kind {
    case .number(let range):
      let low: (key: String, value: JSONNode) = (least, .number(Int64(range.lowerBound)))
      return range.upperBound == .max ? [low] : [low, (most, .number(Int64(range.upperBound)))]
    case .time(let range, _, _):
      let low = range.lowerBound > 0 ? durationText(range.lowerBound) : "0s"
      return [(least, .text(low)), (most, .text(durationText(range.upperBound)))]
    case .bytes(let range):
      return [
        (least, .text(byteCountText(Int(range.lowerBound)))),
        (most, .text(byteCountText(Int(range.upperBound)))),
      ]
    default: return []
    }
  }

  /// The default as JSON has it; nil: there is none.
  static func standard(_ setting: Setting) -> JSONNode? {
    setting.standard.map { text in
      switch setting.kind {
      case .number: Int64(text).map { .number($0) } ?? .text(text)
      case .truth: .truth(text == "true")
      default: .text(text)
      }
    }
  }
}
