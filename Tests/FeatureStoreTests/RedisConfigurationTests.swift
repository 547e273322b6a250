import Dataflow
import FeatureStore
import Testing

struct RedisConfigurationTests {
  @Test(
    arguments: [
      ("redis://localhost", "localhost:6379", nil, nil, 0),
      ("redis://10.0.0.7:7000/3", "10.0.0.7:7000", nil, nil, 3),
      ("redis://:hunter2@redis:6380", "redis:6380", nil, "hunter2", 0),
      ("redis://tally:p%40ss%3Aw%2Frd@redis/2", "redis:6379", "tally", "p@ss:w/rd", 2),
      ("redis://tally:a@b@redis:1", "redis:1", "tally", "a@b", 0),
      ("redis://[::1]:7001/1", "[::1]:7001", nil, nil, 1),
      ("redis://[fe80::2]", "[fe80::2]:6379", nil, nil, 0),
      ("unix:///run/redis.sock", "/run/redis.sock", nil, nil, 0),
      ("unix://tally:secret@/run/redis.sock?db=5", "/run/redis.sock", "tally", "secret", 5),
    ] as [(String, String, String?, String?, Int)])
  func readsURL(_ url: String, _ address: String, _ user: String?, _ password: String?, _ database: Int)
    throws
  {
    let configuration = try RedisConfiguration(url: url)
    #expect(configuration.address.description == address)
    #expect(configuration.user == user)
    #expect(configuration.password?.revealed == password)
    #expect(configuration.database == database)
  }

  @Test(arguments: [
    "http://:hunter2@redis", "redis://", "redis://:hunter2@", "redis://hunter2@redis",
    "redis://:hunter2@redis:port",
    "redis://:hunter2@redis:70000", "redis://:hunter2@redis/db", "redis://:hunter2%zz@redis",
    "redis://u:@redis",
    "unix://:hunter2@run/redis.sock", "unix://:hunter2@/run/redis.sock?database=2", "rediss://:hunter2@redis",
    "redis://:hunter2%ff@redis", "hunter2",
  ])
  func refusesURLWithoutRepeatingIt(_ url: String) throws {
    let error = try #require(portError { _ = try RedisConfiguration(url: url) })
    #expect(!error.description.contains("hunter2"))
    #expect(!error.cause.isEmpty)
  }

  @Test func refusesTLSAndNamesStunnel() throws {
    let error = try #require(portError { _ = try RedisConfiguration(url: "rediss://redis:6380") })
    #expect(error.code == .refused)
    #expect(error.cause.contains("stunnel"))
  }

  @Test func neverShowsPassword() throws {
    let configuration = try RedisConfiguration(url: "redis://tally:hunter2@redis")
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] {
      #expect(!text.contains("hunter2"))
    }
    #expect("\(Secret("hunter2"))" == "***")
  }

  @Test(arguments: [
    RedisConfiguration(keyPrefix: "a{b"), RedisConfiguration(database: -1), RedisConfiguration(user: "tally"),
    RedisConfiguration(commandTimeoutMs: 0), RedisConfiguration(expiryMs: 0),
    RedisConfiguration(address: .unix(path: "")), RedisConfiguration(address: .tcp(host: "h", port: 0)),
  ])
  func refusesConfiguration(_ configuration: RedisConfiguration) {
    let error = portError {
      _ = try RedisStateStore(configuration, pipeline: "p", generation: 1, partitionCount: 1)
    }
    #expect(error?.code == .misuse)
  }
}
