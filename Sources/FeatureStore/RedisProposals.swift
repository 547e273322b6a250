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
/// proposed, and `…:answers:TOKEN:ID` is what a process has answered. Only texts, as an ACL that lets workers write states lets them.
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
      [
        "EVAL", Self.script, "2", "\(stem)live", "\(stem)live:\(id)", id, "\(Self.aliveMs)",
        "\(Self.idsMs)",
      ],
      ["GET", "\(stem)proposal"],
    ])
    let words = found[1].split(separator: " ")
    guard words.count == 3, let number = UInt64(words[1]) else { return nil }
    return ModelProposal(token: String(words[0]), number: number, set: String(words[2]))
  }

  /// Says that a process ends. Throws `PortError`.
  public func leave(_ id: String) throws { _ = try texts([["DEL", "\(stem)live:\(id)"]]) }

  /// Answers a proposal: nil: the process can score with the set; else why not. Throws `PortError`.
  public func answer(_ id: String, to token: String, refusal: String?) throws {
    let text = refusal.flatMap { $0.isEmpty ? nil : $0 } ?? Self.accepted
    _ = try texts([["SET", "\(stem)answers:\(token):\(id)", text, "PX", "\(Self.proposalMs)"]])
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
    let ids = try self.ids()
    let alive = try texts(ids.map { ["GET", "\(stem)live:\($0)"] })
    return zip(ids, alive).filter { !$1.isEmpty }.map(\.0).sorted()
  }

  /// What processes have answered; empty: the process can score with the set. Throws `PortError`.
  public func answers(to token: String) throws -> [String: String] {
    let ids = try self.ids()
    let found = try texts(ids.map { ["GET", "\(stem)answers:\(token):\($0)"] })
    var answers: [String: String] = [:]
    for (id, answer) in zip(ids, found) where !answer.isEmpty {
      answers[id] = answer == Self.accepted ? "" : answer
    }
    return answers
  }

  private static let accepted = "+"

  private func ids() throws -> [String] {
    try texts([["GET", "\(stem)live"]])[0].split(separator: "\n").map(String.init)
  }

  /// Closes the connection.
  public func close() { session = nil }

  /// Sends commands and returns their answers; what is no text is empty.
  private func texts(_ all: [[String]]) throws -> [String] {
    guard !all.isEmpty else { return [] }
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
        try current.next(words[0]) { $0.bytes.map { String(decoding: $0, as: UTF8.self) } ?? "" }
      }
    } catch {
      session = nil
      throw error
    }
  }

  /// Notes a process among those that are alive, and forgets others. KEYS: the list of ids, a line each; the process's own. ARGV: its id; how
  /// long it is alive; how long the list is kept, milliseconds.
  private static let script = """
    redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
    local ids = ''
    local isThere = false
    for id in string.gmatch(redis.call('GET', KEYS[1]) or '', '[^\\n]+') do
      if id == ARGV[1] then isThere = true end
      if id == ARGV[1] or redis.call('GET', KEYS[1] .. ':' .. id) then ids = ids .. id .. '\\n' end
    end
    if not isThere then ids = ids .. ARGV[1] .. '\\n' end
    redis.call('SET', KEYS[1], ids, 'PX', ARGV[3])
    return 1
    """
}
