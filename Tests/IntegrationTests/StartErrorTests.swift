import TestPlaces
import Foundation
import TestServers
import Testing

/// What is wrong at start: a non-zero exit, one clear line, soon.
@Suite struct StartErrorTests {
  /// A port that nobody listens on: the lowest that exists and that no program takes.
  private static let nobody = "127.0.0.1:1"

  @Test func wrongModels() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let folder = try Places.newFolder("models")
      try refuses(rig, ["--models", folder], [folder + "/engagement.json", "tally train"])

      let lines = readText(Places.pipeline).components(separatedBy: "\n")
      let fewer = lines.filter { !$0.contains("match_rate_x_profile_views") }
      #expect(fewer.count == lines.count - 1)
      let other = try Places.write(fewer.joined(separator: "\n"), as: "fewer.yaml")
      try refuses(rig, ["--pipeline", other], ["engagement.json", "47", "46"])

      let hostile = try Places.newFolder("models")
      for name in ["engagement", "churn", "lifetime_value"] {
        try Data("{\"learner\":".utf8).write(to: URL(fileURLWithPath: "\(hostile)/\(name).json"))
      }
      try refuses(rig, ["--models", hostile], ["engagement.json"])
    }
  }

  @Test func unreachableServers() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try refuses(rig, ["--brokers", Self.nobody], ["kafka \(Self.nobody)", "kafka.brokers"], seconds: 15)
      try refuses(rig, ["--redis", "redis://\(Self.nobody)/0"], ["redis \(Self.nobody)"])
      try refuses(rig, ["--sqlite", "/nowhere/at/all.db"], ["/nowhere/at/all.db"])
      let both = try tally(["run"] + rig.connection + ["--postgres", "host=x"])
      #expect(both.code == 64 && both.errors.contains("--postgres, --sqlite"), "\(both.text)")
      // A mock broker makes every topic that it is asked for.
      if rig.broker.mock == nil {
        try refuses(rig, ["--topic", "no-such-topic"], ["the topic no-such-topic does not exist"])
      }
      let postgres = "host=127.0.0.1 port=1 user=postgres dbname=x password=pg-secret"
      let other = try Rig(.postgres)
      try refuses(other, ["--postgres", postgres], ["postgres \(Self.nobody)"], secret: "pg-secret")
    }
  }

  @Test func wrongRedis() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let evicting = try RedisServer(options: ["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"])
      defer { evicting.stop() }
      let url = "redis://127.0.0.1:\(evicting.port)/0"
      try refuses(rig, ["--redis", url], ["allkeys-lru", "noeviction"])

      let locked = try RedisServer(password: "right-password")
      defer { locked.stop() }
      let place = "127.0.0.1:\(locked.port)/0"
      try refuses(rig, ["--redis", "redis://\(place)"], ["password"], secret: "right-password")
      try refuses(
        rig, ["--redis", "redis://:wrong-secret@\(place)"], ["WRONGPASS"], secret: "wrong-secret")
      try refuses(
        rig, ["--redis", "redis://\(place)"], ["WRONGPASS"], secret: "wrong-secret",
        environment: ["TALLY_REDIS_PASSWORD": "wrong-secret"])
      let right = try tally(
        ["status"] + rig.connection + ["--redis", "redis://\(place)"],
        environment: ["TALLY_REDIS_PASSWORD": "right-password"])
      #expect(right.code == 0, "\(right.text)")
      #expect(!right.text.contains("right-password"))
    }
  }

  @Test func wrongFiles() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try refuses(rig, ["--pipeline", "/nowhere.yaml"], ["/nowhere.yaml"])
      let pipeline = try Places.write("pipeline: x\nfeatures:\n  a: count(login, 30d\n", as: "broken.yaml")
      try refuses(rig, ["--pipeline", pipeline], ["\(pipeline):"])
      let unknown = try Places.write("kafka:\n  broker: localhost:9092\n", as: "tally.yaml")
      try refuses(rig, ["--config", unknown], ["\(unknown):2:3", "brokers"])
      let kind = try Places.write("worker:\n  threads: many\n", as: "tally.yaml")
      try refuses(rig, ["--config", kind], ["\(kind):2:12"])
      let malformed = try Places.write("kafka: [\n", as: "tally.yaml")
      try refuses(rig, ["--config", malformed], ["\(malformed):"])
    }
  }

  /// `tally run` with these options ends soon with code 1 and one line that has all the words.
  private func refuses(
    _ rig: Rig, _ options: [String], _ words: [String], secret: String? = nil,
    environment: [String: String] = [:], seconds: Int = 40, at location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try tally(
      ["run", "--until-end"] + rig.connection + options, environment: environment, seconds: seconds)
    #expect(result.code == 1, "\(result.text)", sourceLocation: location)
    #expect(result.output == "", sourceLocation: location)
    // A password on the command line is warned of, and optional models that are not there are named.
    let lines = result.errors.split(separator: "\n").filter {
      !$0.hasPrefix("tally: warning: ") && !$0.contains(" is optional, and ")
    }
    #expect(
      lines.count == 1 && result.errors.hasPrefix("tally: "), "\(result.errors)", sourceLocation: location)
    for word in words {
      #expect(result.errors.contains(word), "\(result.errors)", sourceLocation: location)
    }
    if let secret { #expect(!result.text.contains(secret), sourceLocation: location) }
  }
}
