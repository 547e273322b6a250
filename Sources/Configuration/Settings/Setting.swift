package import Declaration
import Features

/// A value that was given to a setting, and by whom.
package struct GivenValue {
  /// Its text, list or section.
  package let value: YAMLValue
  package let origin: Origin
  /// Of a setting that holds names with values of their own: the name.
  package var name = ""
  /// Folder of the file that it stands in; empty: the working folder, as for what stands in no file.
  package var folder = ""
}

/// How `tally config` shows a setting.
package enum ShownValue {
  /// Not set, and nothing in its place.
  case nothing
  /// As YAML has it: a number, a word, a time.
  case plain(String)
  /// A text, to be quoted if need be.
  case text(String)
  /// A secret that cannot stand in the file.
  case secret
  /// Names with texts.
  case names([(name: String, text: String)])
}

/// One setting of the configuration file: the only place that knows its path, what it takes and how it is shown.
/// File, environment, `--set` and flags all go through `read`.
package struct Setting: Sendable {
  /// Its key in the file, with a dot between section and key.
  package let path: String
  /// Short name of its environment variable, beside the one that follows from the path.
  package var alias: String?
  /// Settings of one group take each other's place: only one of them can be given at a time.
  package var group: String?
  /// Whether it holds names with values of their own.
  package var isMap = false
  /// Whether it is a secret itself, which only the environment may give.
  package var isSecret = false
  /// Takes a value. Throws `DeclarationError` with what is allowed.
  package let read: @Sendable (GivenValue, inout Settings) throws -> Void
  package let show: @Sendable (Settings) -> ShownValue

  /// `TALLY_KAFKA_SESSION_TIMEOUT` for `kafka.session_timeout`.
  package var variable: String { "TALLY_" + String(path.map { $0 == "." ? "_" : $0 }).uppercased() }

  /// The part of the path before the dot; empty: the setting stands at the top.
  package var section: String { path.contains(".") ? String(path.prefix { $0 != "." }) : "" }
  /// The part after it.
  package var key: String { section.isEmpty ? path : String(path.dropFirst(section.utf8.count + 1)) }

  /// The same, with another environment variable's name.
  package func alias(_ name: String) -> Setting {
    var copy = self
    copy.alias = name
    return copy
  }

  /// The same, as one of a group.
  package func group(_ name: String) -> Setting {
    var copy = self
    copy.group = name
    return copy
  }
}

package typealias SettingKey<Value> = any WritableKeyPath<Settings, Value> & Sendable

/// Settings by type.
extension Setting {
  /// A text that passes `check`; `allowed` says what does.
  package static func text(
    _ path: String, _ key: SettingKey<String>, _ allowed: String = "a text",
    check: @escaping @Sendable (String) -> Bool = { !$0.isEmpty }
  ) -> Setting {
    Setting(path: path) { given, settings in
      let text = try given.value.string()
      guard check(text) else { throw given.value.wrong(allowed: allowed) }
      settings[keyPath: key] = text
    } show: {
      .text($0[keyPath: key])
    }
  }

  /// A text that need not be.
  package static func optional(
    _ path: String, _ key: SettingKey<String?>, _ allowed: String = "a text",
    check: @escaping @Sendable (String) -> Bool = { !$0.isEmpty }
  ) -> Setting {
    Setting(path: path) { given, settings in
      let text = try given.value.string()
      guard check(text) else { throw given.value.wrong(allowed: allowed) }
      settings[keyPath: key] = text
    } show: {
      $0[keyPath: key].map { .text($0) } ?? .nothing
    }
  }

  /// A path of a file or a folder.
  package static func path(_ path: String, _ key: SettingKey<String>) -> Setting {
    Setting(path: path) { given, settings in
      let text = try given.value.string()
      guard !text.isEmpty else { throw given.value.wrong(allowed: "a path") }
      settings[keyPath: key] = settings.path(text, path, given)
    } show: {
      .text(SettingsPath.absolute($0[keyPath: key]))
    }
  }

  /// One of some words; `offered`: those of them that a refusal names.
  package static func choice(
    _ path: String, _ key: SettingKey<String>, of words: [String], offered: [String]? = nil
  ) -> Setting {
    Setting(path: path) { given, settings in
      if let offered, (try? given.value.choice(of: words)) == nil {
        throw given.value.wrong(allowed: "one of " + offered.joined(separator: ", "))
      }
      settings[keyPath: key] = try given.value.choice(of: words)
    } show: {
      .text($0[keyPath: key])
    }
  }

  /// One of a type's words.
  package static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ path: String, _ key: SettingKey<Choice>
  ) -> Setting {
    Setting(path: path) { given, settings in
      let word = try given.value.choice(of: Choice.allCases.map(\.rawValue))
      if let choice = Choice(rawValue: word) { settings[keyPath: key] = choice }
    } show: {
      .text($0[keyPath: key].rawValue)
    }
  }

  package static func number(_ path: String, _ key: SettingKey<Int>, in range: ClosedRange<Int>) -> Setting {
    Setting(path: path) { given, settings in
      settings[keyPath: key] = try given.value.int(in: range)
    } show: {
      .plain("\($0[keyPath: key])")
    }
  }

  /// A span of time, held in milliseconds; the range, too.
  package static func time(_ path: String, _ key: SettingKey<Int>, in range: ClosedRange<Int64>) -> Setting {
    Setting(path: path) { given, settings in
      let micros = try given.value.duration(in: range.lowerBound * 1000...range.upperBound * 1000)
      guard micros % 1000 == 0 else { throw given.value.wrong(allowed: "whole milliseconds") }
      settings[keyPath: key] = Int(micros / 1000)
    } show: {
      .plain(durationText(Int64($0[keyPath: key]) * 1000))
    }
  }

  package static func bytes(_ path: String, _ key: SettingKey<Int>, in range: ClosedRange<Int64>) -> Setting {
    Setting(path: path) { given, settings in
      settings[keyPath: key] = try given.value.byteCount(in: range)
    } show: {
      .plain(byteCountText($0[keyPath: key]))
    }
  }

  package static func flag(_ path: String, _ key: SettingKey<Bool>) -> Setting {
    Setting(path: path) { given, settings in
      settings[keyPath: key] = try given.value.bool()
    } show: {
      .plain($0[keyPath: key] ? "true" : "false")
    }
  }
}
