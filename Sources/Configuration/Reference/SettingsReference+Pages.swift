extension SettingsReference {
  /// The manual's page, as Markdown.
  package static var markdown: String {
    let intro = """
      # Settings

      Defaults < file (`--config`, `TALLY_CONFIG`, or `tally.yaml` in the working folder) < environment
      < `--set PATH=VALUE` < other flags. `tally config --origin` shows what is in force and where it comes from.
      `tally config --reference` prints this page for a terminal, with `--json` for programs, with `--schema` as a JSON
      schema of the file for editors (`examples/tally.schema.json`). `examples/tally.yaml` is a file with every setting.

      A path in a file is relative to that file's folder; one of a variable or a flag is relative to the working folder.
      Times and bytes are whole numbers with a unit: `us`, `ms`, `s`, `m`, `h`, `d`; `B`, `KiB`, `MiB`, `GiB`. Passwords
      stand in the environment, or in files and variables that a setting names; they are never printed.
      """
    let parts = sections.map { name, settings in
      let rows = settings.map(row).joined(separator: "\n")
      return """
        ## \(name.isEmpty ? "Top" : name)

        \(Setting.meaning(ofSection: name))

        | setting | type | range | default | environment variable | flag | meaning |
        |---|---|---|---|---|---|---|
        \(rows)
        """
    }
    return ([intro] + parts).joined(separator: "\n\n")
  }

  private static func row(_ setting: Setting) -> String {
    func code(_ texts: [String]) -> String { texts.map { "`\($0)`" }.joined(separator: "<br>") }
    let standard = setting.standard.map { $0.isEmpty ? "`\"\"`" : "`\($0)`" } ?? ""
    let rivals = rivals(of: setting).filter { path in Setting.all.contains { $0.path == path && !$0.isSecret }
    }
    let beside = rivals.isEmpty ? "" : " Not beside \(rivals.map { "`\($0)`" }.joined(separator: ", "))."
    let cells = [
      "`\(setting.path)\(setting.isMap ? ".NAME" : "")`", setting.kind.name, setting.kind.range(mark: "`"),
      standard, code(variables(of: setting)), code(setting.flags), meaning(setting) + beside,
    ]
    return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
  }
}

extension SettingsReference {
  /// `examples/tally.yaml`: every setting that a file can have, its meaning above it.
  package static var example: String {
    let intro = """
      # yaml-language-server: $schema=tally.schema.json
      # A real run, with every setting: its default, or an example where it says so or stands behind a # (remove that
      # and the space behind it). Made by scripts/generate-docs.sh. The environment and flags override what stands here:
      # any setting as TALLY_SECTION_KEY (TALLY_KAFKA_TOPIC) or --set section.key=value. `tally config --origin` shows
      # what is in force. Paths are relative to the folder that this file lies in: copy it to where pipelines/ and
      # models/ are, for an editor's sake with the schema beside it, which `tally config --reference --schema` prints.
      """
    let parts = sections.map { name, settings in
      let open = settings.filter { !$0.isSecret }
      let indent = name.isEmpty ? "" : "  "
      let head = wrapped(Setting.meaning(ofSection: name), width: columns).map { "# \($0)" }
      let body = open.map { lines(of: $0).map { indent + $0 }.joined(separator: "\n") }
      return (head + (name.isEmpty ? [] : ["\(name):"]) + body).joined(separator: "\n")
    }
    return ([intro] + parts).joined(separator: "\n\n")
  }

  private static let columns = 110

  private static func lines(of setting: Setting) -> [String] {
    let range = setting.kind.range()
    var comment = setting.meaning
    switch setting.kind {
    case .choice: comment += " One of \(range)."
    case .number, .time, .bytes: comment += " \(range)."
    default: break
    }
    // What stands in force must not have a rival beside it.
    let displaced = rivals(of: setting).contains { path in
      Setting.all.contains { $0.path == path && $0.example?.isInForce == true }
    }
    var values: [String]
    var isInForce = true
    if let example = setting.example {
      isInForce = example.isInForce
      values = example.values.map { name, text in
        setting.isMap ? "  \(name): \(SettingsText.quoted(text))" : "\(setting.key): \(quoted(text, setting))"
      }
      if setting.isMap { values.insert("\(setting.key):", at: 0) }
      if isInForce { comment += setting.standard.map { " Default: \($0)." } ?? " Not set by default." }
    } else {
      values = ["\(setting.key): \(quoted(setting.standard ?? "", setting))"]
      if displaced {
        isInForce = false
        comment += " The default, when none of them is set."
      }
    }
    return wrapped(comment, width: columns - 2).map { "# \($0)" }
      + values.map { isInForce ? $0 : "# \($0)" }
  }

  private static func quoted(_ text: String, _ setting: Setting) -> String {
    switch setting.kind {
    case .text, .path, .variable: SettingsText.quoted(text)
    default: text
    }
  }
}
