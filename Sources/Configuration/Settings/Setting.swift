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
  /// A path, which is printed from the root.
  case path(String)
  /// A secret that cannot stand in the file.
  case secret
  /// Names with texts.
  case names([(name: String, text: String)])
}

/// A value for `examples/tally.yaml`.
package struct SettingExample: Sendable {
  /// Of a setting that holds names: these; else one value without a name.
  package let values: [(name: String, text: String)]
  /// Whether the file has it in force, in place of the default; else it stands there as a comment.
  package let isInForce: Bool
}

/// One setting: the only place that knows its path, what it takes, what it means and how it is shown.
/// File, environment, `--set` and flags all go through `read`; the reference, the schema and the example are made of it.
package struct Setting: Sendable {
  /// Its key in the file, with a dot between section and key.
  package let path: String
  /// What it takes.
  package let kind: SettingKind
  /// What it is for, in sentences.
  package let meaning: String
  /// Short name of its environment variable, beside the one that follows from the path.
  package var alias: String?
  /// Flags of commands that set it, beside `--set`.
  package var flags: [String] = []
  /// Settings of one group take each other's place: only one of them can be given at a time.
  package var group: String?
  /// Whether a part of it can be a secret, which is masked where it is printed.
  package var mayHoldSecret = false
  /// For `examples/tally.yaml`; nil: the default stands there.
  package var example: SettingExample?
  /// Takes a value. Throws `DeclarationError` with what is allowed.
  package let read: @Sendable (GivenValue, inout Settings) throws -> Void
  package let show: @Sendable (Settings) -> ShownValue

  package init(
    _ path: String, _ kind: SettingKind, _ meaning: String,
    read: @escaping @Sendable (GivenValue, inout Settings) throws -> Void,
    show: @escaping @Sendable (Settings) -> ShownValue
  ) {
    self.path = path
    self.kind = kind
    self.meaning = meaning
    self.read = read
    self.show = show
  }

  /// Whether it holds names with values of their own.
  package var isMap: Bool { if case .names = kind { true } else { false } }
  /// Whether it is a secret itself, which only the environment may give.
  package var isSecret: Bool { if case .secret = kind { true } else { false } }

  /// `TALLY_KAFKA_SESSION_TIMEOUT` for `kafka.session_timeout`.
  package var variable: String { "TALLY_" + String(path.map { $0 == "." ? "_" : $0 }).uppercased() }

  /// The part of the path before the dot; empty: the setting stands at the top.
  package var section: String { path.contains(".") ? String(path.prefix { $0 != "." }) : "" }
  /// The part after it.
  package var key: String { section.isEmpty ? path : String(path.dropFirst(section.utf8.count + 1)) }

  /// What holds when nobody sets it, as a file would have it without quotes; nil: nothing.
  package var standard: String? {
    switch show(Settings()) {
    case .plain(let text), .text(let text), .path(let text): text
    case .nothing, .secret, .names: nil
    }
  }

  /// The same, with another environment variable's name.
  package func alias(_ name: String) -> Setting {
    var copy = self
    copy.alias = name
    return copy
  }

  /// The same, set by flags, too.
  package func flags(_ names: String...) -> Setting {
    var copy = self
    copy.flags = names
    return copy
  }

  /// The same, as one of a group.
  package func group(_ name: String) -> Setting {
    var copy = self
    copy.group = name
    return copy
  }

  /// The same, with a secret in it at times.
  package func masked() -> Setting {
    var copy = self
    copy.mayHoldSecret = true
    return copy
  }

  /// The same, with an example; `isInForce`: it stands in the example file in place of the default.
  package func example(_ text: String, isInForce: Bool = false) -> Setting {
    example([("", text)], isInForce: isInForce)
  }

  /// The same, with names as an example.
  package func example(_ values: [(name: String, text: String)], isInForce: Bool = false) -> Setting {
    var copy = self
    copy.example = SettingExample(values: values, isInForce: isInForce)
    return copy
  }
}
