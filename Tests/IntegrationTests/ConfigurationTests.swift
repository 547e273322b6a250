import TestPlaces
import Foundation
import TestServers
import Testing

/// File, environment, --set and flags; secrets; what is refused and how.
@Suite struct ConfigurationTests {
  @Test func theProgramReadsItsFileEnvironmentAndFlags() async throws {
    try await onThread {
      let file = try Places.write("kafka:\n  topic: of-file\n  group: of-file\n", as: "tally.yaml")
      let result = try tally(
        [
          "config", "--origin", "--config", file, "--set", "redis.prefix=of-set:", "--set",
          "worker.threads=3", "--brokers", "of-flag:1", "-X", "client.rack=r", "--http", "9464",
        ], environment: ["TALLY_KAFKA_GROUP": "of-environment", "TALLY_SQLITE": "/of-alias.db"])
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      for (value, origin) in [
        ("topic: of-file", "\(file):2"), ("group: of-environment", "environment TALLY_KAFKA_GROUP"),
        ("prefix: \"of-set:\"", "--set redis.prefix"), ("threads: 3", "--set worker.threads"),
        ("brokers: of-flag:1", "--brokers"), ("client.rack: r", "-X client.rack"), ("listen: 9464", "--http"),
        ("sqlite: /of-alias.db", "environment TALLY_SQLITE"), ("encoding: json", "default"),
      ] {
        let line = result.output.split(separator: "\n").first { $0.contains(value) } ?? ""
        #expect(line.hasSuffix("# \(origin)"), "\(value): \(result.output)")
      }
      let again = try Places.write(try tally(["config", "--config", file]).output, as: "tally.yaml")
      #expect(try tally(["config", "--config", again]).output == readText(again))
      // The file of the folder, and the one that the environment names.
      #expect(try tally(["config"], environment: ["TALLY_CONFIG": file]).output.contains("topic: of-file"))
      let wrong = try tally(["config"], environment: ["TALLY_CONFIG": "/nonexistent.yaml"])
      #expect(wrong.code == 1 && wrong.errors.contains("/nonexistent.yaml"))
    }
  }

  @Test func checkSaysNothingOfWhatIsRight() async throws {
    try await onThread {
      let right = try tally(["config", "--check", "--pipeline", Places.pipeline])
      #expect(right.code == 0 && right.text.isEmpty, "\(right.text)")
      let file = try Places.write("kafka:\n  topic: a b\n", as: "tally.yaml")
      for command in [["config", "--check"], ["config"], ["run"], ["status"], ["train", "--labels", "x"]] {
        let wrong = try tally(command + ["--config", file, "--pipeline", Places.pipeline])
        #expect(wrong.code == 1 && wrong.output.isEmpty, "\(wrong.text)")
        #expect(wrong.errors.hasPrefix("tally: \(file):2:10: found \"a b\"; allowed: "), "\(wrong.errors)")
      }
      let typo = try tally(
        ["config", "--check", "--pipeline", Places.pipeline], environment: ["TALLY_KAFKA_TOPIK": "x"])
      #expect(typo.code == 0 && typo.errors.contains("is it TALLY_KAFKA_TOPIC?"), "\(typo.text)")
    }
  }

  /// Certificates and mechanisms are checked before anything connects, by librdkafka itself.
  @Test(.enabled(if: TestCertificates.areAvailable, "the program openssl is not installed"))
  func librdkafkaReadsCertificatesBeforeItConnects() async throws {
    try await onThread {
      let (own, other) = (try TestCertificates(), try TestCertificates())
      func said(_ properties: [String]) throws -> TallyResult {
        try tally(["config"] + properties.flatMap { ["-X", $0] })
      }
      let tls = [
        "security.protocol=sasl_ssl", "ssl.ca.location=\(own.folder)/ca.pem",
        "ssl.certificate.location=\(own.folder)/client.pem", "sasl.mechanisms=SCRAM-SHA-512",
        "sasl.username=u",
        "sasl.password=p",
      ]
      let right = try said(tls + ["ssl.key.location=\(own.folder)/client.key"])
      #expect(right.code == 0, "\(right.errors)")
      let foreign = try said(tls + ["ssl.key.location=\(other.folder)/client.key"])
      #expect(foreign.code == 1 && foreign.errors.contains("ssl."), "\(foreign.errors)")
      let broken = try said(["security.protocol=ssl", "ssl.ca.location=\(own.folder)/ca.key"])
      #expect(broken.code == 1 && broken.errors.contains("-X ssl.ca.location"), "\(broken.errors)")
      let without = try said(["security.protocol=sasl_ssl", "sasl.mechanisms=PLAIN"])
      #expect(without.code == 1 && without.errors.contains("sasl.password must be set"), "\(without.errors)")
    }
  }

  @Test func librdkafkaPropertiesAreRefusedByName() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      func refused(_ property: String, _ expected: String) throws {
        let result = try tally(["run", "--until-end", "-X", property] + rig.connection)
        #expect(result.code == 1 && result.errors.contains(expected), "\(property): \(result.text)")
      }
      for name in [
        "enable.auto.commit", "group.id", "auto.offset.reset", "transactional.id", "acks", "partitioner",
        "compression.codec", "group.instance.id", "bootstrap.servers", "opaque",
      ] {
        try refused("\(name)=1", "\"\(name)\" cannot be set")
      }
      try refused("no.such.property=1", "no.such.property")
      try refused("security.protocol=telepathy", "security.protocol")
      // Properties of either kind of client, and those of TLS and SASL, go through.
      let passed = try tally(
        [
          "run", "--until-end", "-X", "fetch.min.bytes=1", "-X", "batch.num.messages=100", "-X",
          "security.protocol=plaintext",
        ] + rig.connection)
      #expect(passed.code == 0, "\(passed.text)")
    }
  }

  /// Options and a variable with a secret in them: `SECRET`, or in the file `SETTINGS`.
  private static let withSecrets: [(options: String, variable: String)] = [
    ("--config SETTINGS", ""), ("--config SETTINGS --postgres postgresql://u:SECRET@127.0.0.1:1/x", ""),
    ("--postgres password=SECRET", ""), ("--postgres password='SECRET", ""),
    ("--redis redis://u:SECRET@127.0.0.1:1/0", ""), ("--redis redis://u:SECRET@:x", ""),
    ("--redis redis://u:SECRET@REDIS", ""),
    ("-X sasl.password=SECRET -X security.protocol=sasl_plaintext", ""),
    (
      "-X sasl.password=SECRET -X security.protocol=sasl_plaintext -X sasl.mechanisms=PLAIN -X sasl.username=u -X debug=all",
      ""
    ),
    (
      "-X sasl.oauthbearer.config=SECRET -X security.protocol=sasl_plaintext -X sasl.mechanisms=OAUTHBEARER -X "
        + "enable.sasl.oauthbearer.unsecure.jwt=true -X debug=all", ""
    ),
    ("-X security.protocol=ssl -X ssl.key.pem=SECRET", ""),
    ("--set kafka.properties.ssl.key.password=SECRET -X x=SECRET", ""), ("-X sasl.jaas.config=SECRET", ""),
    ("--set redis.password=SECRET", ""), ("--set redis=redis://:SECRET@h", ""),
    ("--set postgresql://u:SECRET@h/d?sslmode=require", ""), ("--set table.password=SECRET", ""),
    ("-X acks=0", "TALLY_REDIS_PASSWORT=SECRET"),
    ("-X acks=0", "TALLY_KAFKA_PROPERTIES_SASL_PASSWORD=SECRET"),
    ("", "TALLY_REDIS_PASSWORD=SECRET"), ("", "TALLY_POSTGRES=postgresql://u:SECRET@127.0.0.1:1/d"),
    ("", "TALLY_POSTGRES=postgresql://u:SECRET/d"), ("", "TALLY_REDIS=SECRET"),
  ]

  /// Wherever a secret may stand, a run that fails does not say it again, nor does what shows the settings.
  @Test(arguments: withSecrets)
  func secretsAreNeverPrinted(_ words: String, _ variable: String) async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let secret = try Places.write("hunter2-sesame\n", as: "secret")
      let file = try Places.write(
        """
        redis: {password_file: \(secret)}
        kafka: {properties_file: {sasl.password: \(secret)}, properties: {sasl.username: u}}
        table: {postgres: "host=127.0.0.1 port=1 dbname=x", password_file: \(secret), sslmode: require}
        """, as: "tally.yaml")
      func filled(_ text: some StringProtocol) -> String {
        text.replacingOccurrences(of: "SECRET", with: "hunter2-sesame").replacingOccurrences(
          of: "SETTINGS", with: file
        )
        .replacingOccurrences(of: "REDIS", with: "127.0.0.1:\(rig.redis.port)/0")
      }
      let given = words.split(separator: " ").map { filled($0) }
      let pair = variable.split(separator: "=", maxSplits: 1).map(String.init)
      let environment = pair.count == 2 ? [pair[0]: filled(pair[1])] : [:]
      let hasTable =
        (words + variable).contains("POSTGRES") || words.contains("--postgres") || words.contains("SETTINGS")
      let options = rig.connectionWithoutTable + given + (hasTable ? [] : ["--no-table"])
      let result = try tally(
        ["run", "--until-end", "--set", "redis.connect_timeout=200ms"] + options, environment: environment)
      #expect(result.code != 0 && !result.errors.isEmpty)
      let shown = try tally(["config", "--origin"] + options, environment: environment)
      for text in [result.text, shown.text] { #expect(!text.contains("hunter2")) }
    }
  }

  @Test func aSecondWriterOfASQLiteFileIsRefused() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let first = try rig.start()
      try until("the first to hold it", telling: { first.text }) { first.errors.contains("worker(s)") }
      let second = try tally(["run", "--until-end"] + rig.connection)
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
      #expect(try Self.completed("re", by: script) == ["rebuild", "replay"])
      #expect(try Self.completed("dead-letters s", by: script) == ["show"])
      #expect(try Self.completed("run --sess", by: script) == [])
      #expect(try Self.completed("run --set redis.p", by: script).contains("redis.prefix="))
      #expect(try Self.completed("run --on-lost-state reb", by: script) == ["rebuild"])
      #expect(try Self.completed("config --config ta", by: script) == ["tally.yaml"])
      #expect(try Self.completed("completions f", by: script) == ["fish"])
    }
  }

  /// What bash offers for a command line, in a folder with tally.yaml and tally.txt.
  private static func completed(_ line: String, by script: String) throws -> [String] {
    let folder = try Places.newFolder("completion")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [
      "-c",
      """
      cd \(folder) && touch tally.yaml tally.txt && bash -n \(script) && source \(script) || exit 1
      COMP_WORDS=(tally \(line)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE='tally \(line)'
      COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMPREPLY=()
      $(complete -p tally | sed 's/.*-F \\([^ ]*\\).*/\\1/') tally "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """,
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw TestFailure("bash ends with \(process.terminationStatus)")
    }
    return text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.sorted()
  }
}
