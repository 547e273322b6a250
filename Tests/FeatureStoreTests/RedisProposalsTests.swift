import Dataflow
import FeatureStore
import TestServers
import TestThreads
import Testing

/// Who is alive, what is proposed, and what is answered, in Redis.
@Suite(.onThreads) struct RedisProposalsTests {
  let server: RedisServer

  init() throws { server = try RedisServer() }

  private func proposals(_ pipeline: String = "shop", _ user: String = "") throws -> RedisProposals {
    var configuration = try RedisConfiguration(url: "redis://\(user)127.0.0.1:\(server.port)/0")
    configuration.keyPrefix = "tally:"
    return try RedisProposals(configuration, pipeline: pipeline)
  }

  @Test func processesAnswerWhatIsProposed() throws {
    // No more than a worker's ACL lets it do (docs/operating/deploying.md).
    _ = try server.command(
      "ACL", "SETUSER", "tally", "on", ">secret", "~tally:*", "+get", "+mget", "+set", "+mset", "+del",
      "+unlink", "+eval", "+evalsha", "+script|load", "+scan", "+multi", "+exec", "+select", "+info",
      "+config|get")
    let (asking, first, second) = (
      try proposals("shop", "tally:secret@"), try proposals("shop", "tally:secret@"), try proposals()
    )
    #expect(try asking.live().isEmpty)
    #expect(try first.beat("a/1") == nil && second.beat("b/2") == nil && first.beat("a/1") == nil)
    #expect(try asking.live() == ["a/1", "b/2"])
    let proposal = ModelProposal(token: "7-1", number: 7, set: String(repeating: "ab", count: 16))
    try asking.propose(proposal)
    #expect(try first.beat("a/1") == proposal && second.beat("b/2") == proposal)
    try first.answer("a/1", to: "7-1", refusal: nil)
    #expect(try asking.answers(to: "7-1") == ["a/1": ""])
    try second.answer("b/2", to: "7-1", refusal: "no such file")
    #expect(try asking.answers(to: "7-1") == ["a/1": "", "b/2": "no such file"])
    #expect(try asking.answers(to: "8-1").isEmpty)
    try asking.withdraw()
    #expect(try first.beat("a/1") == nil)
    try second.leave("b/2")
    #expect(try asking.live() == ["a/1"])
    // Another pipeline has others.
    #expect(try proposals("age").live().isEmpty)
    // Who says nothing more is forgotten by Redis, and then by the list.
    _ = try server.command("DEL", "tally:{shop/models}:live:a/1")
    #expect(try asking.live().isEmpty && second.beat("c/3") == nil)
    #expect(try server.command("GET", "tally:{shop/models}:live") == "c/3\n")
    let milliseconds = try #require(Int(try server.command("PTTL", "tally:{shop/models}:live:c/3")))
    #expect(milliseconds > 0 && milliseconds <= Int(RedisProposals.aliveMs))
  }

  @Test func aBrokenProposalIsNone() throws {
    let process = try proposals()
    for text in ["", "7-1", "7-1 x \(String(repeating: "ab", count: 16))", "a b c d"] {
      _ = try server.command("SET", "tally:{shop/models}:proposal", text)
      #expect(try process.beat("a/1") == nil, "\(text)")
    }
  }
}
