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

  func run() throws {
    try reporting {
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
}
