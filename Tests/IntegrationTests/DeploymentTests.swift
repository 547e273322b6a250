import TestPlaces
import Declaration
import Foundation
import TestServers
import Testing

/// compose.yaml, Dockerfile and deploy/, as far as they can be checked without a container engine.
@Suite struct DeploymentTests {
  private func text(_ path: String) -> String { readText(Places.package + "/" + path) }

  @Test func everyServiceIsWatchedAndRestarted() throws {
    let services = try #require(try readYAML(text("compose.yaml"))["services"]).section()
    let names = Set(services.entries.map(\.key))
    #expect(names == ["kafka", "create-topics", "redis", "postgres", "tally", "prometheus"])
    for entry in services.entries where entry.key != "create-topics" {
      let service = try entry.value.section()
      #expect(service["healthcheck"] != nil, "\(entry.key) has no health check")
      #expect(try service["restart"]?.string() == "unless-stopped", "\(entry.key)")
      for port in try service["ports"]?.strings() ?? [] {
        #expect(port.hasPrefix("127.0.0.1:"), "\(entry.key) listens to everybody at \(port)")
      }
    }
    for name in ["kafka", "redis", "postgres", "prometheus"] {
      #expect(try services[name]?.section()["volumes"] != nil, "\(name) forgets")
    }
  }

  @Test func noServiceHasMoreThanItNeeds() throws {
    let services = try #require(try readYAML(text("compose.yaml"))["services"]).section()
    for entry in services.entries {
      let service = try entry.value.section()
      // Tally's image has its own user.
      #expect(service["user"] != nil || entry.key == "tally", "\(entry.key) may run as root")
      #expect(service["mem_limit"] != nil, "\(entry.key) may take all memory")
      #expect(try service["cap_drop"]?.strings() == ["ALL"], "\(entry.key)")
      #expect(try service["security_opt"]?.strings() == ["no-new-privileges:true"], "\(entry.key)")
      // Kafka's image writes its configuration beside its program.
      let isKafka = ["kafka", "create-topics"].contains(entry.key)
      #expect(try service["read_only"]?.bool() ?? false != isKafka, "\(entry.key)")
    }
    for package in ["Package.swift"] {
      #expect(!text(package).contains("from: \""), "\(package) takes whatever is newest")
    }
  }

  /// The command of the container, with another program in the place of its server: whatever the password is, it is one setting.
  @Test(arguments: ["sesame", "a\"b", "x\nsave 1 1", "$HOME `id` \\x41 %s %d", "ü 😀", "'", " "])
  func noPasswordReachesIntoTheSettings(_ password: String) async throws {
    try await onThread {
      let services = try #require(try readYAML(text("compose.yaml"))["services"]).section()
      let command = try #require(try services["redis"]?.section()["command"]).strings()
      try #require(command.prefix(2) == ["sh", "-c"])
      let folder = try Places.newFolder("compose")
      let script = command[2].replacing("$$", with: "$").replacing(
        "/tmp/redis.conf", with: folder + "/redis.conf"
      )
      .replacing("dir /data", with: "dir \(folder)").replacing("exec redis-server", with: "exec true")
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      shell.arguments = ["-c", script]
      shell.environment = ["REDIS_PASSWORD": password, "PATH": "/usr/bin:/bin"]
      try shell.run()
      shell.waitUntilExit()
      #expect(shell.terminationStatus == 0)
      let lines = readText(folder + "/redis.conf").split(separator: "\n")
      #expect(lines.count == 5 && lines[3] == "maxmemory-policy noeviction")
      let hex = password.utf8.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      #expect(lines[4] == "requirepass \"\(hex)\"")
    }
  }

  @Test func noPasswordHasADefault() throws {
    let compose = text("compose.yaml")
    for match in compose.matches(of: /\$\{([A-Z_]+)([^}]*)\}/) {
      #expect(match.2.hasPrefix(":?"), "\(match.1) may be left unset")
    }
    #expect(
      compose.contains("POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?") && compose.contains("${REDIS_PASSWORD:?"))
    for file in ["compose.yaml", "deploy/tally.yaml", "Dockerfile", "deploy/prometheus.yml"] {
      #expect(
        !text(file).contains(/(?i)password: *["']?[a-z0-9]+["']? *$/.anchorsMatchLineEndings()), "\(file)")
    }
  }

  /// The container's settings, with real servers of this machine in place of the containers'.
  @Test func theContainersSettingsRun() async throws {
    try await onThread {
      let redis = try RedisServer(password: "sesame")
      defer { redis.stop() }
      let rig = try Rig(.postgres, redis: redis)
      try rig.broker.produce([rig.history.message(at: 0)], to: "events")
      let options = [
        "--config", Places.package + "/deploy/tally.yaml", "--pipeline", Places.pipeline, "--models",
        rig.history.models, "--brokers", rig.broker.bootstrapServers, "--topic",
        rig.broker.name("events"),
        "--group", rig.broker.name("tally"), "--scores-topic", rig.broker.name("scores"),
        "--dead-letters-topic", rig.broker.name("dead-letters"), "--redis", rig.redisURL, "--set",
        "http.listen=127.0.0.1:0",
      ]
      let environment = ["REDIS_PASSWORD": "sesame", "POSTGRES_PASSWORD": "unused"]
      let run = try tally(
        ["run", "--until-end"] + options + rig.table.options, environment: environment)
      #expect(run.code == 0, "\(run.text)")
      #expect(try Totals(run.output) == Totals(read: 1, scored: 1))
      let without = try tally(["run"] + options, environment: [:])
      #expect(without.code == 1 && without.errors.contains("REDIS_PASSWORD, which is not set"))
    }
  }

  /// Alerts speak only of metrics that there are.
  @Test func alertsNameRealMetrics() throws {
    let source = text("Sources/Serve/PrometheusText.swift")
    let alerts = text("deploy/alerts.yml")
    _ = try readYAML(alerts)
    _ = try readYAML(text("deploy/prometheus.yml"))
    for match in alerts.matches(of: /tally_[a-z_]+/) {
      let name = match.0.replacing(/_bucket$/, with: "")
      #expect(source.contains("\"\(name)\""), "\(name)")
    }
  }

  /// The image has every library that the program is linked with, by the names of Debian 12's packages.
  @Test func theImageHasTheLibraries() throws {
    let dockerfile = text("Dockerfile")
    let package = text("Package.swift")
    for match in package.matches(of: /providers: \[\.apt\(\["([a-z0-9-]+)"\]\)/) {
      #expect(dockerfile.contains(" \(match.1)"), "\(match.1) is not in the build stage")
    }
    for library in [
      "librdkafka1", "libhiredis0.14", "libxgboost0", "libsimdjson14", "libprotobuf-c1", "libpq5",
      "libsqlite3-0",
      "zlib1g", "libzstd1", "libssl3",
    ] { #expect(dockerfile.contains(" \(library)"), "\(library)") }
    #expect(dockerfile.contains("USER tally") && dockerfile.contains("HEALTHCHECK"))
  }
}
