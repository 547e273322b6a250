/// Everything that can be said of the settings without anybody's having set them; all of it comes from `Setting.all`.
package enum SettingsReference {
  /// The sections with their settings, in the order of the file; the first has no name.
  static var sections: [(name: String, settings: [Setting])] {
    ([""] + Setting.sections).map { name in (name, Setting.all.filter { $0.section == name }) }
  }

  /// The variables that set it, the one that follows from its path first.
  static func variables(of setting: Setting) -> [String] {
    [setting.variable + (setting.isMap ? "_NAME" : "")] + (setting.alias.map { [$0] } ?? [])
  }

  /// Paths of the settings that take its place.
  static func rivals(of setting: Setting) -> [String] {
    guard let group = setting.group else { return [] }
    return Setting.all.filter { $0.group == group && $0.path != setting.path }.map(\.path)
  }

  /// Text as lines of up to `width` characters.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] += " \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}

extension SettingsReference {
  /// For readers at a terminal.
  package static var text: String {
    let intro = [
      "A setting is given by the file, the environment, --set PATH=VALUE, or a flag; the last of these wins.",
      "Paths in a file are relative to that file, all others to the working folder.",
    ]
    let parts = sections.map { name, settings in
      let head = (name.isEmpty ? "" : "\(name): ") + Setting.meaning(ofSection: name)
      return ([head] + settings.map(text)).joined(separator: "\n\n")
    }
    return ([intro.joined(separator: "\n")] + parts).joined(separator: "\n\n\n")
  }

  private static func text(_ setting: Setting) -> String {
    let range = setting.kind.range()
    var facts = setting.kind.name + (range.isEmpty ? "" : ": \(range)")
    if let standard = setting.standard {
      facts += "; default " + (standard.isEmpty ? "\"\"" : standard)
    }
    let rivals = rivals(of: setting)
    if !rivals.isEmpty { facts += "; not beside \(rivals.joined(separator: ", "))" }
    let names = (variables(of: setting) + setting.flags).joined(separator: ", ")
    let lines = [facts, names].flatMap { wrapped($0, width: 112) } + wrapped(meaning(setting), width: 112)
    return (["  \(setting.path)\(setting.isMap ? ".NAME" : "")"] + lines.map { "      \($0)" })
      .joined(separator: "\n")
  }

  /// What it is for, and how its secrets are treated.
  static func meaning(_ setting: Setting) -> String {
    setting.meaning + (setting.mayHoldSecret ? " A password in it is masked where settings are printed." : "")
  }
}

extension SettingsReference {
  /// The entries, for programs.
  package static var json: String { JSONNode.list(Setting.all.map(entry)).text }

  private static func entry(_ setting: Setting) -> JSONNode {
    var pairs: [(key: String, value: JSONNode)] = [
      ("path", .text(setting.path)), ("type", .text(setting.kind.name)),
    ]
    let range = setting.kind.range()
    if !range.isEmpty { pairs.append(("allowed", .text(range))) }
    pairs += SettingsSchema.bounds(setting.kind, prefix: "")
    if case .choice(let words) = setting.kind { pairs.append(("words", .texts(words))) }
    pairs += [
      ("default", SettingsSchema.standard(setting) ?? .null), ("description", .text(setting.meaning)),
      ("secret", .truth(setting.isSecret)), ("may_hold_secret", .truth(setting.mayHoldSecret)),
      ("environment", .texts(variables(of: setting))), ("flags", .texts(setting.flags)),
      ("not_beside", .texts(rivals(of: setting))),
    ]
    return .object(pairs)
  }
}
