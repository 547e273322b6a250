import TestPlaces
import Events
import TestServers

/// All that a run has made of a log, in one canonical text: every row of the tables without the wall clock, every value of
/// the score topic once, every stored state. Equal digests: equal in every bit of it.
struct RunDigest: Equatable {
  /// Lines by what they are of, sorted.
  private let parts: [String: [String]]

  /// Of a stage's live pipeline, or of the replay `run`, whose scores went to `topic`; `features` are those of its
  /// latest rows.
  init(_ rig: Rig, features: [String], run: String = "", topic: String = "scores") throws {
    func lines(_ values: [String: String]) -> [String] { values.map { "\($0.key) \($0.value)" }.sorted() }
    var values: [String: String] = [:]
    for message in try rig.messages(topic) {
      let score = try TopicScore(json: message.value ?? [])
      let text = String(decoding: score.value, as: UTF8.self)
      if let first = values.updateValue(text, forKey: score.place), first != text {
        throw TestFailure("two values at \(score.place)")
      }
    }
    // {PIPELINE/GENERATION/PARTITION}:e:ENTITY, without the generation.
    var states: [String: String] = [:]
    for (key, hash) in try rig.storedStates() {
      let words = key.split(separator: "/", maxSplits: 2)
      if (words[1] == "1") == run.isEmpty { states["\(words[2])"] = hash }
    }
    parts = [
      "scores": lines(try rig.table.scores(of: run)),
      "latest": lines(try rig.table.latest(of: run, features: features)),
      "topic": lines(values), "states": lines(states),
    ]
  }

  /// For people: `latest 40 9f…, scores 5391 07…`.
  var text: String {
    parts.sorted { $0.key < $1.key }.map { name, lines in
      "\(name) \(lines.count) \(Hash128(of: lines.joined(separator: "\n")).hex)"
    }.joined(separator: ", ")
  }

  /// Number of lines of a part.
  func count(_ part: String) -> Int { parts[part]?.count ?? 0 }

  /// The first line of each part that is in one of the two only.
  func difference(from other: RunDigest) -> String {
    parts.keys.sorted().compactMap { part in
      let (one, two) = (Set(parts[part] ?? []), Set(other.parts[part] ?? []))
      let lines = [one.subtracting(two).min(), two.subtracting(one).min()].map { $0 ?? "nothing" }
      return one == two ? nil : "\(part): \(lines.joined(separator: "\n  against "))"
    }.joined(separator: "\n")
  }
}
