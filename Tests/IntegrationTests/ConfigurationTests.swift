import Foundation
import TestServers
import Testing

/// File, environment, --set and flags; secrets; what is refused and how.
@Suite struct ConfigurationTests {
  @Test(arguments: [
    ("kafka: {session_timeout: soon}", "5s"), ("kafka: {start_at: middle}", "earliest"),
    ("kafka: {brokerz: x}", "brokers"), ("redis: {generation: 0}", "at least 1"),
    ("redis: {expiry: perhaps}", "true"), ("redis: {connect_timeout: 1h}", "1ms to 1m"),
    ("redis: {password_env: NO_SUCH_VARIABLE}", "NO_SUCH_VARIABLE"),
    ("redis: {password_file: /nonexistent}", "/nonexistent"),
    ("cache: {entries: 0}", "1 to 100000000"), ("cache: {size: huge}", "MiB"),
    ("scores: {encoding: xml}", "protobuf"),
    ("scores: {compression: rar}", "lz4"), ("table: {postgres: x, sqlite: y}", "more than one table"),
    ("table: {sslmode: perhaps}", "verify-full"), ("worker: {threads: 0}", "1 to 256"),
    ("worker: {batch_rows_max: 513}", "512"), ("worker: {value_size_max: 1B}", "KiB"),
    ("worker: {commit_interval: 0ms}", "1ms to 1m"), ("http: {port: 1}", "listen"),
    ("unknown: 1", "kafka"), ("kafka: [1]", "section"),
    ("kafka: {properties_file: {sasl.password: /nonexistent}}", "/nonexistent"),
    ("kafka: {properties_env: {sasl.password: NO_SUCH_VARIABLE}}", "NO_SUCH_VARIABLE"),
  ])
  func badFileNamesPlaceAndWhatIsAllowed(_ text: String, _ expected: String) async throws {
    try await onThread {
      let file = try Places.write("# a comment\n\(text)\n", as: "tally.yaml")
      let result = try tally(["run", "--config", file])
      #expect(result.code == 1)
      #expect(result.errors.contains("\(file):2:"), "\(result.errors)")
      #expect(result.errors.contains(expected), "\(result.errors)")
    }
  }

  /// Two topics of one name are refused, and the error names them: shows which setting counted.
  @Test func laterSourcesWin() async throws {
    try await onThread {
      let file = try Places.write("kafka: {topic: of-file}\nscores: {topic: of-file}\n", as: "tally.yaml")
      func said(_ options: [String], _ environment: [String: String]) throws -> String {
        let result = try tally(["run", "--config", file] + options, environment: environment)
        #expect(result.code == 1)
        return result.errors
      }
      #expect(try said([], [:]).contains("of events (of-file), scores (of-file)"))
      #expect(
        try said([], ["TALLY_KAFKA_TOPIC": "", "TALLY_TOPIC": "", "TALLY_CONFIG": ""]).contains("(of-file)"))
      let variables = ["TALLY_KAFKA_TOPIC": "of-env", "TALLY_SCORES_TOPIC": "of-env"]
      #expect(try said([], variables).contains("of events (of-env), scores (of-env)"))
      let set = ["--set", "kafka.topic=of-set", "--set", "scores.topic=of-set"]
      #expect(try said(set, variables).contains("of events (of-set), scores (of-set)"))
      let flags = ["--topic", "of-flag", "--scores-topic", "of-flag"]
      #expect(try said(set + flags, variables).contains("of events (of-flag), scores (of-flag)"))
      #expect(try said([], ["TALLY_KAFKA_TOPIK": "x"]).contains("TALLY_KAFKA_TOPIK is no setting"))
    }
  }

  @Test(arguments: [
    ("nonsense", "SECTION.KEY=VALUE"), ("kafca.topic=x", "there are pipeline"),
    ("kafka.topik=x", "kafka has brokers"),
    ("kafka.topic.more=x", "no parts"), ("kafka.properties=x", "NAME=VALUE"),
    ("kafka.session_timeout=never", "allowed"), ("pipeline.x=1", "no parts"),
    ("worker.threads=\"; rm", "allowed"),
  ])
  func badSet(_ text: String, _ expected: String) async throws {
    try await onThread {
      let result = try tally(["run", "--set", text])
      #expect(result.code == 1 && result.errors.contains(expected), "\(result.errors)")
    }
  }

  @Test func librdkafkaPropertiesAreRefusedByName() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      func refused(_ property: String, _ expected: String) throws {
        let result = try tally(["run", "--until-end", "-X", property] + stage.connection)
        #expect(result.code == 1 && result.errors.contains(expected), "\(property): \(result.text)")
      }
      for name in ["enable.auto.commit", "group.id", "auto.offset.reset", "transactional.id", "acks"] {
        try refused("\(name)=1", "\"\(name)\" cannot be set")
      }
      try refused("no.such.property=1", "no.such.property")
      try refused("security.protocol=telepathy", "security.protocol")
      let tls = try tally(
        ["run", "--until-end", "-X", "security.protocol=ssl", "-X", "ssl.ca.location=/nonexistent.pem"]
          + stage.connection)
      #expect(tls.code == 1 && tls.errors.contains("ssl.ca.location"), "\(tls.text)")
      // Properties of either kind of client, and those of TLS and SASL, go through.
      let passed = try tally(
        [
          "run", "--until-end", "-X", "fetch.min.bytes=1", "-X", "batch.num.messages=100", "-X",
          "security.protocol=plaintext",
        ] + stage.connection)
      #expect(passed.code == 0, "\(passed.text)")
    }
  }

  /// Wherever a secret may stand, it is not said again.
  @Test func secretsAreNeverPrinted() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      let secret = "hunter2-sesame"
      let folder = try Places.newFolder("secrets")
      try Data((secret + "\n").utf8).write(to: URL(fileURLWithPath: folder + "/secret"))
      let file = try Places.write(
        """
        redis: {password_file: \(folder)/secret}
        kafka: {properties_file: {sasl.password: \(folder)/secret}, properties: {sasl.username: u}}
        table: {postgres: "host=127.0.0.1 port=1 dbname=x", password_file: \(folder)/secret, sslmode: require}
        """, as: "tally.yaml")
      let base = Array(stage.connectionWithoutTable)
      let tries: [([String], [String: String])] = [
        (["--config", file] + base, [:]),
        (["--config", file] + base + ["--postgres", "postgresql://u:\(secret)@127.0.0.1:1/x"], [:]),
        (["--postgres", "host=127.0.0.1 port=1 password=\(secret) user=u"] + base, [:]),
        (["--postgres", "host=127.0.0.1 port=nonsense password='\(secret)"] + base, [:]),
        (base + ["--no-table", "--redis", "redis://u:\(secret)@127.0.0.1:1/0"], [:]),
        (base + ["--no-table", "--redis", "redis://u:\(secret)@:x"], [:]),
        (base + ["--no-table"], ["TALLY_REDIS_PASSWORD": secret]),
        (
          base + ["--no-table", "-X", "sasl.password=\(secret)", "-X", "security.protocol=sasl_plaintext"],
          [:]
        ),
        (
          base + ["--no-table", "--set", "kafka.properties.ssl.key.password=\(secret)", "-X", "x=\(secret)"],
          [:]
        ),
      ]
      for (options, environment) in tries {
        let result = try tally(
          ["run", "--until-end", "--set", "redis.connect_timeout=200ms"] + options, environment: environment,
          seconds: 90)
        #expect(result.code != 0, "\(options)")
        #expect(!result.text.contains("hunter2"), "\(options.joined(separator: " ")): \(result.text)")
      }
    }
  }

  /// Also where it stands in the wrong place.
  @Test(arguments: [
    "redis: redis://u:hunter2@127.0.0.1", "table: postgresql://u:hunter2@h/db", "redis: {password: hunter2}",
    "kafka: {properties: sasl.password=hunter2}", "kafka: {properties: [sasl.password=hunter2]}",
    "kafka: {properties_env: hunter2}", "kafka: {properties: {sasl.password: [hunter2]}}",
    "table: {postgres: {url: hunter2}}",
  ])
  func misplacedSecretsAreNotPrinted(_ text: String) async throws {
    try await onThread {
      let file = try Places.write(text + "\n", as: "tally.yaml")
      let result = try tally(["run", "--config", file])
      #expect(result.code == 1 && result.errors.contains("\(file):1:"), "\(result.errors)")
      #expect(!result.text.contains("hunter2"), "\(result.errors)")
    }
  }

  @Test func aSecondWriterOfASQLiteFileIsRefused() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      let first = try stage.start()
      try until("the first to hold it", telling: { first.text }) { first.errors.contains("worker(s)") }
      let second = try tally(["run", "--until-end"] + stage.connection)
      #expect(second.code == 1 && second.errors.contains("another process writes to it"), "\(second.text)")
      first.terminate()
      #expect(try first.wait().code == 0)
    }
  }

  @Test func completions() async throws {
    try await onThread {
      for shell in ["bash", "zsh", "fish"] {
        let script = try tally(["completions", shell])
        #expect(script.code == 0 && script.output.contains("dead-letters"), "\(shell)")
      }
      let script = try Places.write(try tally(["completions", "bash"]).output, as: "tally.bash")
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/bash")
      process.arguments = [
        "-c",
        """
        set -e
        bash -n \(script)
        source \(script)
        COMP_WORDS=(tally re); COMP_CWORD=1; COMP_LINE='tally re'; COMP_POINT=8; COMPREPLY=()
        $(complete -p tally | sed 's/.*-F \\([^ ]*\\).*/\\1/') tally re tally
        printf '%s\\n' "${COMPREPLY[@]}"
        """,
      ]
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(text.contains("rebuild") && text.contains("replay"), "\(text)")
    }
  }
}
