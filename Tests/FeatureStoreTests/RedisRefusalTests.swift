import Dataflow
import FeatureStore
import TestServers
import TestThreads
import Testing

/// What Redis refuses, and what Tally refuses of Redis.
@Suite(.onThreads) struct RedisRefusalTests {
  @Test func logsInWithThePassword() throws {
    let server = try RedisServer(password: "open sesame")
    #expect(try server.store().records([0]) == [nil])
    try server.command("ACL", "SETUSER", "tally", "on", ">user word", "~*", "+@all")
    let store = try server.store {
      $0.user = "tally"
      $0.password = Secret("user word")
    }
    #expect(try store.write(.of(0, from: "", to: "r1")) == .written)
  }

  @Test(arguments: [nil, "tally"] as [String?])
  func aWrongPasswordIsRefusedAndNotShown(_ user: String?) throws {
    let server = try RedisServer(password: "open sesame")
    let store = try server.store {
      $0.user = user
      $0.password = Secret("hunter2")
    }
    let error = try #require(portError { try store.connect() })
    #expect(error.code == .refused)
    #expect(error.description == "redis 127.0.0.1:\(server.port): AUTH: WRONGPASS: wrong user or password")
  }

  @Test func aMissingPasswordIsRefused() throws {
    let server = try RedisServer(password: "open sesame")
    let error = try #require(portError { try server.store { $0.password = nil }.connect() })
    #expect(error.code == .refused)
    #expect(error.cause.hasPrefix("NOAUTH"))
  }

  @Test func aPasswordForAServerWithoutOneIsRefused() throws {
    let server = try RedisServer()
    let error = try #require(portError { try server.store { $0.password = Secret("hunter2") }.connect() })
    #expect(error.code == .refused)
    #expect(!error.description.contains("hunter2"))
  }

  @Test func aMissingDatabaseIsRefused() throws {
    let server = try RedisServer()
    let error = try #require(portError { try server.store { $0.database = 99 }.connect() })
    #expect(error.code == .refused)
    #expect(error.cause.contains("database"))
  }

  @Test func evictionIsRefusedWithWhatToDo() throws {
    let server = try RedisServer(options: ["--maxmemory-policy", "allkeys-lru"])
    let error = try #require(portError { try server.store().connect() })
    #expect(error.code == .refused)
    #expect(error.cause.contains("allkeys-lru"))
    #expect(error.cause.contains("CONFIG SET maxmemory-policy noeviction"))
    try server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    #expect(portError { try server.store().connect() } == nil)
  }

  @Test(arguments: ["-config", "-info"])
  func checksEvictionByTheCommandThatTheACLAllows(_ forbidden: String) throws {
    let server = try RedisServer(options: ["--maxmemory-policy", "volatile-ttl"])
    try server.command("ACL", "SETUSER", "tally", "on", ">word", "~*", "+@all", forbidden)
    func connect() -> PortError? {
      portError {
        try server.store {
          $0.user = "tally"
          $0.password = Secret("word")
        }.connect()
      }
    }
    #expect(connect()?.cause.contains("volatile-ttl") == true)
    try server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    #expect(connect() == nil)
  }

  @Test func aMissingPermissionIsRefusedWithWhatToAllow() throws {
    let server = try RedisServer()
    try server.command("ACL", "SETUSER", "tally", "on", ">word", "~*", "+@all", "-evalsha")
    let store = try server.store {
      $0.user = "tally"
      $0.password = Secret("word")
    }
    let error = try #require(portError { _ = try store.write(.of(0, from: "", to: "r1")) })
    #expect(error.code == .refused)
    #expect(error.cause.contains("+evalsha"))
  }

  /// The permissions that the error text names are enough.
  @Test func theNamedPermissionsAreEnough() throws {
    let server = try RedisServer()
    let allowed = [
      "+mget", "+evalsha", "+script|load", "+get", "+set", "+mset", "+info", "+select", "+multi",
      "+exec",
    ]
    for permission in ["on", ">word", "~tally:*"] + allowed {
      try server.command("ACL", "SETUSER", "tally", permission)
    }
    for expiry in [nil, 60_000] as [Int64?] {
      let store = try server.store {
        $0.user = "tally"
        $0.password = Secret("word")
        $0.keyPrefix = "tally:"
        $0.expiryMs = expiry
        $0.database = 1
      }
      let move = expiry == nil ? ("", "r1") : ("r1", "r2")
      #expect(try store.write(.of(0, from: move.0, to: move.1, texts: ["a": "1"])) == .written)
      let many = (0..<9_000).map { (Int32(1), Array("e\($0)".utf8)) }
      #expect(try store.fetched([0], many).records == [Array(move.1.utf8)])
    }
  }

  @Test func fullMemoryIsUnavailableAndWritesNothing() throws {
    let server = try RedisServer(options: ["--maxmemory", "4mb"])
    let store = try server.store()
    var record = 0
    let states = (0..<100).map { (Array("e\($0)".utf8), [UInt8](repeating: 1, count: 2_048)) }
    let error = portError {
      while record < 1_000 {
        _ = try store.write(
          .of(
            0, from: record == 0 ? "" : "r\(record)", to: "r\(record + 1)",
            states.map { (Array("\(record)/".utf8) + $0.0, $0.1) }))
        record += 1
      }
    }
    #expect(error?.code == .unavailable)
    #expect(error?.cause.contains("maxmemory") == true)
    #expect(try store.records([0]) == [Array("r\(record)".utf8)])
    #expect(try store.fetched([], [(0, Array("\(record)/e0".utf8))]).states == [nil])
    try server.command("CONFIG", "SET", "maxmemory", "100mb")
    #expect(try store.write(.of(0, from: "r\(record)", to: "more")) == .written)
  }

  @Test func aReplicaIsUnavailableForWrites() throws {
    let server = try RedisServer()
    let store = try server.store()
    #expect(try store.write(.of(0, from: "", to: "r1")) == .written)
    try server.command("REPLICAOF", "127.0.0.1", "1")
    let error = portError { _ = try store.write(.of(0, from: "r1", to: "r2")) }
    #expect(error?.code == .unavailable)
    #expect(error?.cause.contains("replica") == true)
    try server.command("REPLICAOF", "NO", "ONE")
    #expect(try store.write(.of(0, from: "r1", to: "r2")) == .written)
  }

  @Test func aKeyOfAnotherTypeIsRefusedWithoutNamingIt() throws {
    let server = try RedisServer()
    try server.command("SADD", "{engagement/1/0}:r", "x")
    let error = try #require(
      portError { _ = try server.store().write(.of(0, from: "", to: "r1", texts: ["anna": "1"])) })
    #expect(error.code == .refused)
    #expect(!error.description.contains("anna"))
  }

  @Test func somethingElseThanRedisIsRefusedOrUnavailable() throws {
    let other = try PostgresServer.common()
    let store = try RedisStateStore(
      RedisConfiguration(address: .tcp(host: "127.0.0.1", port: other.port), commandTimeoutMs: 500),
      pipeline: "p",
      generation: 1, partitionCount: 1)
    #expect(portError { try store.connect() } != nil)
  }
}
