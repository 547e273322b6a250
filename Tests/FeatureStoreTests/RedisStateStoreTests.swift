import Dataflow
import FeatureStore
import TestServers
import TestThreads
import Testing

@Suite(.onThreads) struct RedisStateStoreTests {
  let server: RedisServer

  init() throws { server = try RedisServer() }

  @Test func writesAndFetchesUnderThePublicKeyNames() throws {
    let store = try server.store { $0.keyPrefix = "tally:" }
    let everyByte = Array(UInt8.min...UInt8.max)
    let write = StateWrite.of(
      2, from: "", to: "r1", [(everyByte, everyByte + [0, 13, 10]), (Array("e".utf8), [0])])
    #expect(try store.write(write) == .written)
    let fetched = try store.fetched([2, 0], [(2, everyByte), (2, Array("none".utf8)), (2, Array("e".utf8))])
    #expect(fetched.records == [Array("r1".utf8), nil])
    #expect(fetched.states == [everyByte + [0, 13, 10], nil, [0]])
    #expect(try server.command("GET", "tally:{engagement/1/2}:r") == "r1")
    #expect(try server.command("EXISTS", "tally:{engagement/1/2}:e:e") == "1")
    #expect(try server.command("DBSIZE") == "3")
    #expect(try store.records([0, 2]) == [nil, Array("r1".utf8)])
  }

  @Test(arguments: [nil, 60_000] as [Int64?])
  func anEmptyStateRemovesWhatIsThere(expiryMs: Int64?) throws {
    let store = try server.store { $0.expiryMs = expiryMs }
    #expect(try store.write(.of(1, from: "", to: "r1", texts: ["a": "1", "b": "2", "c": "3"])) == .written)
    #expect(try store.write(.of(1, from: "r1", to: "r2", texts: ["a": "", "b": "22", "x": ""])) == .written)
    #expect(try store.fetchedTexts(1, "a", "b", "c", "x") == [nil, "22", "3", nil])
    #expect(try server.command("DBSIZE") == "3")
  }

  @Test func clearsOnePartitionWhileItsRecordStays() throws {
    let store = try server.store { $0.keyPrefix = "odd[*]?\\:" }
    let texts = Dictionary(uniqueKeysWithValues: (0..<400).map { ("e\($0)", "s") })
    for partition in 0..<3 as Range<Int32> {
      #expect(try store.write(.of(partition, from: "", to: "r1", texts: texts)) == .written)
    }
    try server.command("SET", "oddX:{engagement/1/1}:e:alien", "1")
    #expect(try store.clear(1, whileRecordIs: Array("r0".utf8)) == false)
    #expect(try server.command("DBSIZE") == "1204")
    #expect(try store.clear(1, whileRecordIs: Array("r1".utf8)))
    #expect(try server.command("DBSIZE") == "804")
    #expect(try store.records([1]) == [Array("r1".utf8)])
    #expect(try store.fetchedTexts(0, "e0", "e399") == ["s", "s"])
    #expect(try store.fetchedTexts(1, "e0") == [nil])
    var seen: Set<String> = []
    try store.forEachState { partition, id, state in
      #expect(state.elementsEqual("s".utf8))
      seen.insert("\(partition) \(String(decoding: id, as: UTF8.self))")
    }
    #expect(seen.count == 800 && seen.contains("0 e0") && seen.contains("2 e399"))
  }

  @Test func movesTheRecordOnlyFromTheExpectedOne() throws {
    let (first, second) = (try server.store(), try server.store())
    #expect(try first.write(.of(0, from: "", to: "r1", texts: ["a": "1"])) == .written)
    #expect(try second.write(.of(0, from: "", to: "r9", texts: ["a": "9", "b": "9"])) == .conflict)
    #expect(try second.write(.of(0, from: "r0", to: "r9", texts: ["a": "9"])) == .conflict)
    #expect(try first.fetchedTexts(0, "a", "b") == ["1", nil])
    #expect(try second.write(.of(0, from: "r1", to: "r2", texts: ["a": "2"])) == .written)
    #expect(try first.write(.of(0, from: "r1", to: "r2x", texts: ["a": "x"])) == .conflict)
    #expect(try first.fetchedTexts(0, "a") == ["2"])
    #expect(try first.write(.of(1, from: "", to: "r1")) == .written)
  }

  @Test func aRepeatedWriteIsAlreadyWritten() throws {
    let store = try server.store()
    let write = StateWrite.of(0, from: "", to: "r1", texts: ["a": "1"])
    #expect(try store.write(write) == .written)
    #expect(try store.write(write) == .alreadyWritten)
    #expect(try server.store().write(write) == .alreadyWritten)
  }

  @Test func aWriteWhoseAnswerIsLostMayBeRepeated() throws {
    let store = try server.store { $0.commandTimeoutMs = 100 }
    #expect(try store.write(.of(0, from: "", to: "r1")) == .written)
    let write = StateWrite.of(0, from: "r1", to: "r2", texts: ["a": "1"])
    server.freeze()
    let error = portError { _ = try store.write(write) }
    server.thaw()
    #expect(error?.code == .unavailable)
    #expect(error?.description == "redis 127.0.0.1:\(server.port): answer: no answer in time")
    #expect(try eventually { try server.command("GET", "{engagement/1/0}:r") == "r2" })
    #expect(try store.write(write) == .alreadyWritten)
    #expect(try store.fetchedTexts(0, "a") == ["1"])
  }

  @Test func aFlushIsAConflict() throws {
    let store = try server.store()
    #expect(try store.write(.of(0, from: "", to: "r1", texts: ["a": "1"])) == .written)
    try server.command("FLUSHALL")
    #expect(try store.write(.of(0, from: "r1", to: "r2", texts: ["a": "2"])) == .conflict)
    #expect(try server.command("DBSIZE") == "0")
    #expect(try store.records([0]) == [nil])
  }

  @Test func reloadsALostScript() throws {
    let store = try server.store()
    #expect(try store.write(.of(0, from: "", to: "r1")) == .written)
    try server.command("SCRIPT", "FLUSH")
    #expect(try store.write(.of(0, from: "r1", to: "r2")) == .written)
  }

  /// Entities of the partitions asked for, also those whose partitions use other generations.
  @Test func findsTheEntitiesOfPartitions() throws {
    let store = try server.store(partitions: 5)
    _ = try store.write(.of(3, from: "", to: "r", texts: ["a": "1", "c": "3"]))
    _ = try store.write(.of(0, from: "", to: "r", texts: ["b": "2", "c": "0"]))
    store.use(generation: 9, of: 0)
    _ = try store.write(.of(0, from: "", to: "r", texts: ["d": "2"]))
    let expected: Set = [Lodger(partition: 3, id: [0x61]), Lodger(partition: 3, id: [0x63])]
    #expect(try store.entities(of: [3, 4]) == expected)
    #expect(try store.entities(of: [0, 1]) == [Lodger(partition: 0, id: [0x64])])
  }

  @Test func fetchesInOneRoundTrip() throws {
    let store = try server.store()
    let states = (0..<200).map { (Array("e\($0)".utf8), Array("s\($0)".utf8)) }
    _ = try store.write(.of(0, from: "", to: "r", states))
    try server.command("CONFIG", "RESETSTAT")
    let fetched = try store.fetched([0, 1], states.map { (0, $0.0) })
    #expect(fetched.states == states.map { $0.1 })
    let calls = try server.command("INFO", "commandstats")
    #expect(calls.contains("cmdstat_mget:calls=1,"))
    #expect(!calls.contains("cmdstat_exists"))
  }

  @Test func splitsALargeFetchInsideOneTransaction() throws {
    let store = try server.store()
    let states = (0..<512).map { (Array("e\($0)".utf8), Array("s\($0)".utf8)) }
    _ = try store.write(.of(0, from: "", to: "r0", states))
    try server.command("CONFIG", "RESETSTAT")
    let wanted = (0..<20_000).map { Array("e\($0 % 512)".utf8) }
    let fetched = try store.fetched([0, 3], wanted.map { (0, $0) })
    #expect(fetched.records == [Array("r0".utf8), nil])
    #expect(fetched.states == wanted.map { [UInt8(ascii: "s")] + $0.dropFirst() })
    let calls = try server.command("INFO", "commandstats")
    #expect(calls.contains("cmdstat_mget:calls=3,"))
    #expect(calls.contains("cmdstat_exec:calls=1,"))
  }

  @Test func writesAsManyStatesAsThePortAllows() throws {
    let large = [UInt8](repeating: 7, count: 4_096)
    let states = (0..<StateStoreLimits.statesMax).map { (Array("e\($0)".utf8), large) }
    for expiry in [nil, 60_000] as [Int64?] {
      let store = try server.store { $0.expiryMs = expiry }
      let generation = expiry == nil ? ("", "r1") : ("r1", "r2")
      #expect(try store.write(.of(0, from: generation.0, to: generation.1, states)) == .written)
      #expect(try store.fetched([], states.map { (0, $0.0) }).states == states.map { $0.1 })
    }
    let tooMany = states + [(Array("one more".utf8), large)]
    let error = portError { _ = try server.store().write(.of(0, from: "r2", to: "r3", tooMany)) }
    #expect(error?.code == .misuse)
  }

  @Test func statesExpireAndRecordsDoNot() throws {
    let store = try server.store { $0.expiryMs = 3_600_000 }
    #expect(try store.write(.of(0, from: "", to: "r1", texts: ["a": "1"])) == .written)
    let left = try #require(Int(try server.command("PTTL", "{engagement/1/0}:e:a")))
    #expect((3_500_000...3_600_000).contains(left))
    #expect(try server.command("PTTL", "{engagement/1/0}:r") == "-1")
    let forever = try server.store()
    #expect(try forever.write(.of(0, from: "r1", to: "r2", texts: ["a": "1"])) == .written)
    #expect(try server.command("PTTL", "{engagement/1/0}:e:a") == "-1")
  }

  @Test func generationsDoNotMeet() throws {
    let (old, new) = (try server.store(generation: 1), try server.store(generation: 2))
    #expect(try old.write(.of(0, from: "", to: "r1", texts: ["a": "1"])) == .written)
    #expect(try new.records([0]) == [nil])
    #expect(try new.fetchedTexts(0, "a") == [nil])
  }

  @Test func reconnectsAfterARestart() throws {
    let durable = try RedisServer(appendOnly: true)
    let store = try durable.store()
    #expect(try store.write(.of(0, from: "", to: "r1", texts: ["a": "1"])) == .written)
    durable.kill9()
    #expect(portError { _ = try store.records([0]) }?.code == .unavailable)
    let refused = portError { _ = try store.records([0]) }
    #expect(refused?.code == .unavailable)
    #expect(refused?.description == "redis 127.0.0.1:\(durable.port): connect: Connection refused")
    try durable.restart()
    #expect(try store.write(.of(0, from: "r1", to: "r2")) == .written)
    #expect(try store.fetchedTexts(0, "a") == ["1"])
  }

  @Test func anUnknownPartitionIsMisuse() throws {
    let store = try server.store(partitions: 2)
    for partition in [-1, 2] as [Int32] {
      #expect(portError { _ = try store.records([partition]) }?.code == .misuse)
      #expect(portError { _ = try store.fetched([], [(partition, [1])]) }?.code == .misuse)
      #expect(portError { _ = try store.write(.of(partition, from: "", to: "r")) }?.code == .misuse)
    }
  }

  @Test func worksOverAUnixSocketAndInAnotherDatabase() throws {
    let store = try RedisStateStore(
      RedisConfiguration(url: "unix://\(server.socketPath)?db=3"), pipeline: "p", generation: 1,
      partitionCount: 1)
    #expect(try store.write(.of(0, from: "", to: "r1")) == .written)
    #expect(try server.command("-n", "3", "GET", "{p/1/0}:r") == "r1")
    #expect(try server.command("DBSIZE") == "0")
  }
}
