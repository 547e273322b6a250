import Dataflow

/// A set of models that is proposed to the processes of a pipeline.
public struct ModelProposal: Equatable, Sendable {
  /// Tells it from earlier ones: letters, digits and dashes.
  public var token: String
  /// Number that its promotion is to have.
  public var number: UInt64
  /// Hash of the set, 32 hex digits.
  public var set: String

  /// A proposal with every field given.
  public init(token: String, number: UInt64, set: String) {
    self.token = token
    self.number = number
    self.set = set
  }
}

/// Which processes of a pipeline are alive, what is proposed to them, and what they answer: values in Redis, beside the states. All of them
/// go by themselves. One thread; connects when first used, anew after any error.
///
/// Keys: `PREFIX{PIPELINE/models}:live` has the ids of processes, `…:live:ID` is there while the process is alive, `…:proposal` is what is
/// proposed, and `…:answers:TOKEN` has what each process has answered.
public final class RedisProposals {
  /// A process that has not said so for this long is no longer alive, milliseconds.
  public static let aliveMs: Int64 = 10_000
  /// How long a proposal stands, and answers are kept, milliseconds.
  private static let proposalMs: Int64 = 120_000
  /// How long ids are kept when nobody is alive, milliseconds.
  private static let idsMs: Int64 = 86_400_000

  private let configuration: RedisConfiguration
  private let stem: String
  private var session: RedisSession?

  /// Those of a pipeline; does not connect. Throws `PortError.misuse`.
  public init(_ configuration: RedisConfiguration, pipeline: String) throws {
    try configuration.validate()
    self.configuration = configuration
    stem = "\(configuration.keyPrefix){\(pipeline)/models}:"
  }

  /// Says that a process is alive. Returns what is proposed; nil: nothing. Throws `PortError`.
  public func beat(_ id: String) throws -> ModelProposal? {
    let found = try texts([
      ["SET", "\(stem)live:\(id)", "1", "PX", "\(Self.aliveMs)"], ["SADD", "\(stem)live", id],
      ["PEXPIRE", "\(stem)live", "\(Self.idsMs)"], ["GET", "\(stem)proposal"],
    ])
    let words = (found.last?.first ?? "").split(separator: " ")
    guard words.count == 3, let number = UInt64(words[1]) else { return nil }
    return ModelProposal(token: String(words[0]), number: number, set: String(words[2]))
  }

  /// Says that a process ends. Throws `PortError`.
  public func leave(_ id: String) throws {
    _ = try texts([["DEL", "\(stem)live:\(id)"], ["SREM", "\(stem)live", id]])
  }

  /// Answers a proposal: nil: the process can score with the set; else why not. Throws `PortError`.
  public func answer(_ id: String, to token: String, refusal: String?) throws {
    let key = "\(stem)answers:\(token)"
    _ = try texts([
      ["HSET", key, id, refusal ?? ""], ["PEXPIRE", key, "\(Self.proposalMs)"],
    ])
  }

  /// Proposes a set, in place of what was proposed. Throws `PortError`.
  public func propose(_ proposal: ModelProposal) throws {
    _ = try texts([
      [
        "SET", "\(stem)proposal", "\(proposal.token) \(proposal.number) \(proposal.set)", "PX",
        "\(Self.proposalMs)",
      ]
    ])
  }

  /// Takes the proposal back. Throws `PortError`.
  public func withdraw() throws { _ = try texts([["DEL", "\(stem)proposal"]]) }

  /// Ids of the processes that are alive, ascending. Throws `PortError`.
  public func live() throws -> [String] {
    let ids = try texts([["SMEMBERS", "\(stem)live"]])[0]
    guard !ids.isEmpty else { return [] }
    let alive = try texts(ids.map { ["GET", "\(stem)live:\($0)"] })
    return zip(ids, alive).filter { !$1.isEmpty && $1 != [""] }.map(\.0).sorted()
  }

  /// What processes have answered; empty: the process can score with the set. Throws `PortError`.
  public func answers(to token: String) throws -> [String: String] {
    let found = try texts([["HGETALL", "\(stem)answers:\(token)"]])[0]
    var answers: [String: String] = [:]
    for place in stride(from: 0, to: found.count - 1, by: 2) { answers[found[place]] = found[place + 1] }
    return answers
  }

  /// Closes the connection.
  public func close() { session = nil }

  /// Sends commands and returns their answers, each as a list of texts: what is no text is one that is empty.
  private func texts(_ all: [[String]]) throws -> [[String]] {
    var commands = RespBuffer()
    for words in all {
      commands.begin(words: words.count)
      for word in words { commands.word(word) }
    }
    do {
      let current = try session ?? RedisSession(configuration)
      session = current
      try current.send(commands)
      return try all.map { words in
        try current.next(words[0]) { view in
          if let bytes = view.bytes { return [String(decoding: bytes, as: UTF8.self)] }
          return (0..<view.count).map { place in
            view[place].bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
          }
        }
      }
    } catch {
      session = nil
      throw error
    }
  }
}
