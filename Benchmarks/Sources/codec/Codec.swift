import Glibc

/// Tally's protobuf beside protobuf-c's: scores written and events read, of the same data.
@main
enum Codec {
  static let usage = """
    codec [--rounds N] [--messages N]

    Writes score messages with Tally's encoder and with protobuf-c, and reads events with Tally's decoder and with protobuf-c. What
    they give is compared first; a difference ends with exit code 1. Then they take turns; the medians of the rounds are printed.
      --rounds N     rounds, 3 or more (default: 21)
      --messages N   messages of a kind, 1 to 100000; a round goes over them until it has written or read 200,000 (default: 1000)
    """

  static func main() throws {
    let (rounds, messages) = options(Array(CommandLine.arguments.dropFirst()))
    let events = try Samples.events(messages)
    let scores = ScoreRace(events)
    let reading = try EventRace(events)
    try scores.check()
    try reading.check()
    print(
      "\(messages) scores of \(scores.bytesMean) bytes and events of \(reading.bytesMean) bytes on average, the same in all "
        + "forms; medians of \(rounds) rounds")
    for (title, contestants) in [
      ("scores written", scores.contestants), ("events read", reading.contestants),
    ] {
      let times = Rounds.medians(of: contestants, messages: messages, rounds: rounds)
      print("\n" + padded(title, 52) + "ns a message   times Tally's")
      for (contestant, time) in zip(contestants, times) {
        print(
          padded("  " + contestant.name, 52) + right(time, 12, digits: 0)
            + right(time / times[0], 16, digits: 2))
      }
    }
  }

  private static func options(_ arguments: [String]) -> (rounds: Int, messages: Int) {
    var (rounds, messages) = (21, 1000)
    var rest = arguments[...]
    while let name = rest.popFirst() {
      if name == "--help" || name == "-h" {
        print(usage)
        exit(0)
      }
      let number = rest.popFirst().flatMap { Int($0) }
      switch (name, number) {
      case ("--rounds", .some(let number)) where number >= 3: rounds = number
      case ("--messages", .some(let number)) where (1...100_000).contains(number): messages = number
      default:
        let text = "codec: \(name): see --help\n"
        write(STDERR_FILENO, text, text.utf8.count)
        exit(64)
      }
    }
    return (rounds, messages)
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private static func right(_ value: Double, _ width: Int, digits: Int) -> String {
    let unit = digits == 0 ? 1 : 100
    let whole = Int((value * Double(unit)).rounded())
    var text = "\(whole / unit)"
    if digits > 0 { text += "." + (whole % unit < 10 ? "0" : "") + "\(whole % unit)" }
    return String(repeating: " ", count: max(1, width - text.count)) + text
  }
}

/// What the two disagree on.
struct Difference: Error, CustomStringConvertible {
  let description: String
}
