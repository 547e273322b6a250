import Dataflow
import Declaration

/// Reads settings from the environment and the command line.
package enum SettingsOverrides {
  /// What the environment says, and the variables that look like settings and are none. An empty variable counts as
  /// not set.
  package static func layer(
    environment: [String: String]
  ) throws -> (layer: SettingsLayer, unknown: [String]) {
    var layer = SettingsLayer()
    var unknown: [String] = []
    for (variable, text) in environment.sorted(by: { $0.key < $1.key })
    where variable.hasPrefix("TALLY_") && variable != "TALLY_CONFIG" && !text.isEmpty {
      if let (setting, name) = Setting.find(variable: variable) {
        let path = name.isEmpty ? setting.path : "\(setting.path).\(name)"
        let value = YAMLValue(text: text, path: path)
        try layer.add(setting, GivenValue(value: value, origin: .environment(variable), name: name))
      } else if !isOfKubernetes(variable) {
        unknown.append(variable)
      }
    }
    return (layer, unknown)
  }

  /// What should be said of a variable that is no setting.
  package static func warning(unknown variable: String) -> String {
    let names =
      ["TALLY_CONFIG"]
      + Setting.all.filter { !$0.isMap }.flatMap { [$0.variable] + ($0.alias.map { [$0] } ?? []) }
    let near = Setting.closest(to: variable, among: names).map { "is it \($0)?" }
    return "the environment variable \(shown(variable)) is no setting: "
      + (near ?? "a setting's is TALLY_SECTION_KEY, as tally.yaml has them")
  }

  /// Kubernetes gives every pod such variables for a service with a name like ours.
  private static func isOfKubernetes(_ variable: String) -> Bool {
    variable.wholeMatch(of: /TALLY_(.*_)?(SERVICE_(HOST|PORT)(_.*)?|PORT(_[0-9]+_(TCP|UDP|SCTP).*)?)/) != nil
  }

  /// What `--set SECTION.KEY=VALUE …` says.
  package static func layer(set texts: [String]) throws -> SettingsLayer {
    var layer = SettingsLayer()
    for text in texts {
      guard let (path, value) = pair(text) else {
        throw Failure("--set takes SECTION.KEY=VALUE, as in tally.yaml", reason: .badSetting)
      }
      try add(path, value, "--set \(shown(path))", to: &layer)
    }
    return layer
  }

  /// What flags say that have a name of their own.
  package static func layer(flags: [(path: String, text: String, flag: String)]) throws -> SettingsLayer {
    var layer = SettingsLayer()
    for (path, text, flag) in flags { try add(path, text, flag, to: &layer) }
    return layer
  }

  /// Flags that were given, each with the path of the setting that has it. Throws `Failure` for a flag of no setting.
  package static func flags(
    _ given: [(flag: String, text: String?)]
  ) throws -> [(path: String, text: String, flag: String)] {
    try given.compactMap { flag, text in
      guard let text else { return nil }
      guard let setting = Setting.all.first(where: { $0.flags.contains(flag) }) else {
        throw Failure("\(flag) is the flag of no setting", reason: .badSetting)
      }
      return (setting.path, text, flag)
    }
  }

  /// What `-X NAME=VALUE …` says.
  package static func flags(properties texts: [String]) throws -> [(path: String, text: String, flag: String)]
  {
    try texts.map { text in
      guard let (name, value) = pair(text) else { throw Failure("-X takes NAME=VALUE", reason: .badSetting) }
      return ("kafka.properties.\(name)", value, "-X \(shown(name))")
    }
  }

  /// NAME=VALUE; nil: it is not of this form.
  package static func pair(_ text: String) -> (name: String, value: String)? {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }

  private static func add(
    _ path: String, _ text: String, _ flag: String, to layer: inout SettingsLayer
  ) throws {
    guard let (setting, name) = Setting.find(path: path) else { throw unknown(path, flag) }
    guard !setting.isSecret else {
      throw Failure(
        "\(flag): a password on the command line can be seen by everybody on the machine; give \(path)_file, "
          + "\(path)_env, or the environment variable \(setting.alias ?? setting.variable)",
        reason: .badSetting)
    }
    guard setting.isMap == !name.isEmpty else {
      throw Failure("\(flag): write \(setting.path).NAME=VALUE", reason: .badSetting)
    }
    let given = GivenValue(value: YAMLValue(text: text, path: path), origin: .option(flag), name: name)
    try layer.add(setting, given, replaces: true)
  }

  private static func unknown(_ path: String, _ flag: String) -> Failure {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if let outer = Setting.all.first(where: { path.utf8.starts(with: ($0.path + ".").utf8) }) {
      return Failure("\(flag): \(outer.path) has no parts", reason: .badSetting)
    }
    let near = Setting.nearest(to: path).map { "; is it \($0.path)\($0.isMap ? ".NAME" : "")?" } ?? ""
    guard let section = Setting.sections.first(where: { $0 == parts[0] }) else {
      let names = Setting.all.filter { $0.section.isEmpty }.map(\.path) + Setting.sections
      return Failure(
        "\(flag): there is no \(shown(parts[0])); there are \(names.joined(separator: ", "))\(near)",
        reason: .badSetting)
    }
    let keys = Setting.all.filter { $0.section == section && !$0.isSecret }.map(\.key)
    return Failure("\(flag): \(section) has \(keys.joined(separator: ", "))\(near)", reason: .badSetting)
  }
}
