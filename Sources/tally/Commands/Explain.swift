import ArgumentParser
import Configuration
import Dataflow

/// `tally explain`: what an error's code means, and what to do.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what the code of an error means, and what to do about it.",
    discussion: """
      Errors that have a cause with a name end with its code, such as [topic-recreated]. Without a code all are listed.

      Examples:
        tally explain topic-recreated
        tally explain
      """)

  @Argument(
    help: "Code of an error.", completion: .list(ErrorReason.allCases.map(\.rawValue))) var code: String?
  @Flag(help: .hidden) var markdown = false

  func run() throws {
    try reporting {
      if markdown { return say(Self.reference) }
      guard let code else {
        let width = ErrorReason.allCases.map(\.rawValue.count).max() ?? 0
        for reason in ErrorReason.allCases { say("\(reason.rawValue.padded(width))  \(reason.meaning)") }
        return
      }
      // As it stands at the end of an error.
      let name = code.hasPrefix("[") && code.hasSuffix("]") ? String(code.dropFirst().dropLast()) : code
      guard let reason = ErrorReason(rawValue: name) else {
        let near = Setting.closest(to: name, among: ErrorReason.allCases.map(\.rawValue))
        throw Failure(
          "there is no code \(shown(name))" + (near.map { "; is it \($0)?" } ?? "")
            + "; tally explain lists all", reason: .notFound)
      }
      say("\(reason.rawValue): \(reason.meaning)")
      say("What to do: \(reason.whatToDo)")
    }
  }

  /// docs/reference/errors.md.
  static var reference: String {
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

      This page is made by `tally explain --markdown`.
      """
  }
}
