import Testing

@testable import Configuration
@testable import tally

@Suite struct TopicWatchTests {
  /// What changes while events are scored is told once, and again when it comes back.
  @Test func changesAreToldOnce() throws {
    let topic = TopicName(name: "events", brokers: "b:9092")
    let good = LogReview()
    let bad = LogReview(letters: topic, LogTerms(["cleanup.policy": "compact"]), accepts: true)
    #expect(!bad.complaints.isEmpty)
    let answers = Answers([good, bad, bad, nil, bad, good, bad])
    let watch = TopicWatch(after: good) { try answers.next() }
    let told = (0..<7).map { _ in watch.news().count }
    #expect(told == [0, 1, 0, 0, 0, 0, 1])
  }
}

/// Reviews one after the other; nil: the brokers did not answer.
private final class Answers: @unchecked Sendable {
  private var rest: ArraySlice<LogReview?>

  init(_ all: [LogReview?]) { rest = all[...] }

  func next() throws -> LogReview {
    guard let first = rest.popFirst(), let answer = first else { throw Failure("no answer") }
    return answer
  }
}
