import Dataflow
import Events
import FeatureStore
import TestServers
import TestThreads
import Testing

/// What processes have dropped, added up in Redis.
@Suite(.onThreads) struct RedisNameTotalsTests {
  let server: RedisServer

  init() throws { server = try RedisServer() }

  private func totals(_ pipeline: String = "engagement") throws -> RedisNameTotals {
    var configuration = try RedisConfiguration(url: "redis://127.0.0.1:\(server.port)/0")
    configuration.keyPrefix = "tally:"
    return try RedisNameTotals(configuration, pipeline: pipeline)
  }

  private func counts(_ types: [(String, UInt64)], _ attributes: [(String, UInt64)] = []) -> NameCounts {
    var counts = NameCounts()
    counts.types = types.map { NameCount($0, $1) }
    counts.attributes = attributes.map { NameCount($0, $1) }
    return counts
  }

  @Test func addUpOverProcesses() throws {
    let (first, second) = (try totals(), try totals())
    #expect(try first.read() == NameCounts())
    try first.add(NameCounts())
    #expect(try server.command("DBSIZE") == "0")
    try first.add(counts([("logn", 2)], [("os", 1), ("other", 3)]))
    try second.add(counts([("logn", 1 << 40), ("x", 1)], [("os", 4)]))
    let expected = counts([("logn", 1 << 40 + 2), ("x", 1)], [("os", 5), ("other", 3)])
    #expect(try first.read() == expected)
    #expect(try totals("another").read() == NameCounts())
    #expect(try server.command("TYPE", "tally:{engagement/undeclared}") == "string")
    let days = try #require(Int(try server.command("TTL", "tally:{engagement/undeclared}"))) / 86_400
    #expect(days >= 29)
    // A server that has lost its connections, and what somebody else wrote there.
    _ = try server.command("CLIENT", "KILL", "TYPE", "normal")
    #expect(throws: PortError.self) { try first.add(expected) }
    #expect(try first.read() == expected)
    _ = try server.command("SET", "tally:{engagement/undeclared}", "t:a\u{7}b 1\nt:ok 2\nnonsense\na:x y z")
    #expect(try first.read() == counts([("ok", 2)]))
  }

  @Test func areBounded() throws {
    let totals = try totals()
    for start in stride(from: 0, to: 200, by: 40) {
      try totals.add(counts((start..<start + 40).map { ("t\($0)", 2) }, [("a\(start)", 1)]))
    }
    let found = try totals.read()
    #expect(found.types.count == 65 && found.attributes.count == 5)
    #expect(found.types.first { $0.name == "other" }?.count == 2 * (200 - 64))
    #expect(found.types.filter { $0.name != "other" }.map(\.name) == (0..<64).map { "t\($0)" })
  }
}
