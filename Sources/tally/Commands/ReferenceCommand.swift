import ArgumentParser
import Configuration
import Dataflow

/// `tally reference`: the documents that the program itself knows best; for scripts/generate-docs.sh.
struct ReferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reference",
    abstract: "Prints a page of the manual's reference as Markdown, or a file of examples about settings.",
    discussion: """
      Examples:
        tally reference commands
        tally reference errors
        tally reference settings
        tally reference example
      """, shouldDisplay: false)

  /// What can be printed.
  enum Page: String, CaseIterable, ExpressibleByArgument {
    case commands
    case errors
    case settings
    /// A configuration file with every setting.
    case example
    /// The JSON schema of configuration files.
    case schema

    /// Where the repository keeps it.
    var file: String {
      switch self {
      case .commands, .errors, .settings: "docs/reference/\(rawValue).md"
      case .example: "examples/tally.yaml"
      case .schema: "examples/tally.schema.json"
      }
    }

    var text: String {
      switch self {
      case .commands: ReferenceCommand.commands
      case .errors: ReferenceCommand.errors
      case .settings: SettingsReference.markdown + "\n\n" + ReferenceCommand.madeBy
      case .example: SettingsReference.example
      case .schema: SettingsSchema.text
      }
    }
  }

  @Argument(help: "What to print.") var page: Page?
  @Flag(help: "Print the names of all, each with its file in the repository.") var list = false

  func validate() throws {
    guard list != (page != nil) else { throw ValidationError("name a page, or give --list") }
  }

  func run() {
    if let page { return say(page.text) }
    for page in Page.allCases { say("\(page.rawValue) \(page.file)") }
  }

  /// Wide enough for the lines that are broken by hand.
  private static let columns = 124

  private static let madeBy = "This page is made by `scripts/generate-docs.sh`."

  private static var commands: String {
    let intro = """
      # Commands

      What `--help` prints of each command. Exit codes: 0 done, 1 failed (the error says what to do next), 64 wrong usage; commands with
      others say so.
      """
    let parts = all(Tally.self, ["tally"]).map { words, type in
      let help = type.helpMessage(columns: columns).split(separator: "\n", omittingEmptySubsequences: false)
      // The parser pads some lines.
      let lines = help.map { line in
        line.last == " " ? String(String(line).dropLast(while: { $0 == " " })) : String(line)
      }
      return "## \(words.joined(separator: " "))\n\n```text\n\(lines.joined(separator: "\n").trimmed)\n```"
    }
    return ([intro] + parts + [madeBy]).joined(separator: "\n\n")
  }

  /// A command with those below it, in the order of the help; hidden ones are left out.
  private static func all(
    _ type: any ParsableCommand.Type, _ words: [String]
  ) -> [([String], any ParsableCommand.Type)] {
    let below = type.configuration.subcommands.filter { $0.configuration.shouldDisplay }
    return [(words, type)] + below.flatMap { all($0, words + [$0._commandName]) }
  }

  private static var errors: String {
    let rows = ErrorReason.allCases.map { "| `\($0.rawValue)` | \($0.meaning) | \($0.whatToDo) |" }
    return """
      # Errors

      An error says what failed, where, and what to do about it. One whose cause has a name ends with the code of that name, such as
      `[topic-recreated]`; `tally explain CODE` prints its row of this table. The codes `unavailable`, `refused`, `internal-fault` and
      `failed` say nothing more than the error itself and are not printed. The program ends with exit code 1 after an error, 64 after
      wrong usage. What `tally run` can wait for does not end it: it stops consuming, stays in the group, says what it waits for, and
      goes on by itself.

      | code | meaning | what to do |
      |---|---|---|
      \(rows.joined(separator: "\n"))

      \(madeBy)
      """
  }
}

extension String {
  /// Without white space at both ends.
  fileprivate var trimmed: String {
    String(String(drop { $0.isWhitespace }).dropLast(while: { $0.isWhitespace }))
  }

  /// Without the last characters of a kind.
  fileprivate func dropLast(while isOfKind: (Character) -> Bool) -> Substring {
    self[..<(lastIndex { !isOfKind($0) }.map { index(after: $0) } ?? startIndex)]
  }
}
