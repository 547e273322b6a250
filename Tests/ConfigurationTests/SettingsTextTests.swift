import TestPlaces
import Foundation
import Ingest
import Kafka
import Testing

@testable import Configuration
import TestNumbers

/// What is printed of settings: the same when read again, and never a secret.
@Suite struct SettingsTextTests {
  /// Texts that YAML would take for something else.
  private static let hostile = [
    "null", "~", "true", "1e3", "0x10", "a: b", "a #b", "#x", "- x", "-", "?", "*a", "&a", "!t", "|", ">",
    "%x", "@x",
    "`x`", "\"", "'", "it's", "\\", "a\\n", "[x]", "{x}", "a,b", " x", "x ", "x:", "é ü 日本 🙂", "tab\there",
    "line\nbreak",
    "\u{1}", "\u{7f}", "\u{85}", "\u{2028}", "a\u{feff}b", "...", "---", "=", "<<", "yes", "2026-01-01",
    "e\u{301}",
  ]

  @Test(arguments: hostile)
  func anyTextIsReadAgain(_ text: String) throws {
    let first = try load(flags: [
      ("kafka.group", text, "--group"), ("pipeline", text, "--pipeline"),
      ("kafka.properties.client.rack", text, "-X client.rack"),
    ])
    let again = try load(file: first.description)
    #expect(Array(again.group.utf8) == Array(text.utf8))
    #expect(Array(again.pipeline.utf8) == Array(SettingsPath.absolute(text).utf8))
    #expect(again.kafkaProperties.first.map { Array($0.value.revealed.utf8) } == Array(text.utf8))
    #expect(again.description == first.description)
  }

  /// Any settings at once: what is printed gives the same when it is read.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func settingsAreReadAgain(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var taken: [SettingSample] = []
    for sample in SettingSample.all.shuffled(using: &random) where Bool.random(using: &random) {
      let isOther = taken.contains {
        $0.setting?.group != nil && $0.setting?.group == sample.setting?.group
      }
      if !isOther { taken.append(sample) }
    }
    // A user needs a password.
    if !taken.contains(where: { $0.path.hasPrefix("redis.password") }) {
      taken.removeAll { $0.path == "redis.user" }
    }
    let first = try load(set: taken.map { "\($0.path)=\($0.good)" })
    let again = try load(file: first.description)
    #expect(again.description == first.description, "seed \(seed)")
    #expect(again.redisPassword?.revealed == first.redisPassword?.revealed)
    #expect(again.postgresPassword?.revealed == first.postgresPassword?.revealed)
    #expect(
      Dictionary(uniqueKeysWithValues: again.librdkafkaProperties)
        == Dictionary(uniqueKeysWithValues: first.librdkafkaProperties))
  }

  @Test func theExampleHasEverySetting() throws {
    let text = readText(Places.package + "/examples/tally.yaml")
    var section = ""
    var found: Set<String> = []
    for line in text.split(separator: "\n") {
      let line = line.replacing(#/^  # /#, with: "  ").replacing(#/^# (?=[a-z_]+: [a-z]+$)/#, with: "")
      if let match = line.firstMatch(of: /^( *)([a-z_]+):/) {
        if match.1.isEmpty { section = String(match.2) }
        found.insert(match.1.isEmpty ? section : "\(section).\(match.2)")
      }
    }
    for setting in Setting.all where !setting.isSecret {
      #expect(found.contains(setting.path), "examples/tally.yaml does not show \(setting.path)")
    }
    let settings = try load(file: text)
    #expect(settings.table != .none && settings.http != nil)
  }

  /// Wherever a secret stands, nothing that can be printed shows it.
  @Test func noTextOfSettingsShowsASecret() throws {
    let secret = "hunter2"
    let file = try Places.write(secret, as: "secret")
    let settings = try load(
      environment: [
        "TALLY_REDIS_PASSWORD": secret, "TALLY_POSTGRES_PASSWORD": secret,
        "TALLY_KAFKA_PROPERTIES_SASL_PASSWORD": secret, "TALLY_KAFKA_PROPERTIES_FILE_SSL_KEY_PASSWORD": file,
      ],
      flags: [
        ("redis.url", "redis://u:\(secret)@h:1/0", "--redis"),
        ("table.postgres", "postgresql://u:\(secret)@h/d?sslpassword=\(secret)", "--postgres"),
        ("kafka.properties.ssl.keystore.password", secret, "-X"),
        ("kafka.properties.sasl.oauthbearer.config", "x=\(secret)", "-X"),
      ])
    #expect(settings.redisPassword?.revealed == secret && settings.postgresPassword?.revealed == secret)
    #expect(settings.librdkafkaProperties.filter { $0.1.contains(secret) }.count == 4)
    var dumped = ""
    dump(settings, to: &dumped)
    dump(settings.kafkaProperties, to: &dumped)
    dump(settings.redisPassword, to: &dumped)
    dump(settings.table, to: &dumped)
    let texts = [
      dumped, "\(settings)", String(reflecting: settings), SettingsText(settings).yaml(origins: true),
      "\(settings.kafkaProperties)", String(reflecting: settings.redisPassword), "\(settings.table)",
      String(reflecting: settings.table),
    ]
    for text in texts { #expect(!text.contains(secret), "\(text)") }
    #expect(texts[3].contains("redis://u:***@h:1/0") && texts[3].contains("password=***"))
    #expect(texts[3].contains("# password: ***"))
    #expect(texts[3].contains("sasl.password: \"***\"") || texts[3].contains("sasl.password: ***"))
    // A mask is not taken for a password.
    #expect(try refusal(file: settings.description)?.contains("***") == true)
  }

  /// Passwords with characters that URLs give a meaning to, so that libpq or we may cut them apart.
  @Test(arguments: [
    "hunt@er2", "hunt/er2", "hunt:er2", "hunt#er2", "hunt?er2", "hunt er2", "hunt'er2", "hunt%er2",
    "hunt\\er2",
  ])
  func noPieceOfAPasswordIsSaid(_ password: String) throws {
    let strings = [
      "postgresql://u:\(password)@h/d", "postgresql://u:\(password)@h:5432/d?sslmode=require",
      "postgresql://\(password)@h/d",
      "postgres://u:\(password)", "host=h password=\(password) user=u", "host=h password='\(password)",
      "\(password)",
      "host=h pasword=\(password)",
    ]
    let urls = [
      "redis://u:\(password)@h:1/0", "redis://\(password)@h", "redis://:\(password)", "\(password)",
      "rediss://:\(password)@h",
    ]
    let tries = strings.map { ("table.postgres", $0) } + urls.map { ("redis.url", $0) }
    for (path, text) in tries {
      var said: [String] = []
      for place in 0..<3 {
        do {
          let settings =
            switch place {
            case 0:
              try load(
                file: SettingSample(path: path, good: "", bad: []).file(SettingsText.quoted(text)),
                warn: { said.append($0) })
            case 1: try load(set: ["\(path)=\(text)"], warn: { said.append($0) })
            default: try load(file: "\(path.prefix { $0 != "." }): \(SettingsText.quoted(text))\n")
            }
          said.append(SettingsText(settings).yaml(origins: true))
        } catch { said.append("\(error)") }
      }
      // What the form makes a user's or a host's name is no secret.
      let isName =
        text.hasSuffix("//\(password)@h/d") || text == "redis://:\(password)"
        || (text == "postgres://u:\(password)" && password.contains("@"))
        || (text == "redis://\(password)@h" && password.contains(":"))
      for line in said where !isName {
        #expect(!line.contains("er2") && !line.contains("hunt"), "\(text): \(line)")
      }
    }
  }

  /// A secret that stands where something else should is not repeated, either.
  @Test(arguments: [
    "redis: redis://u:hunter2@h", "table: postgresql://u:hunter2@h/db", "redis: {password: hunter2}",
    "kafka: {properties: sasl.password=hunter2}", "kafka: {properties: [sasl.password=hunter2]}",
    "kafka: {properties_env: hunter2}", "kafka: {properties: {sasl.password: [hunter2]}}",
    "table: {postgres: {url: hunter2}}", "redis: {'redis://:hunter2@h': 1}", "'postgresql://u:hunter2@h': 1",
  ])
  func misplacedSecretsAreNotSaid(_ text: String) throws {
    let said = try refusal(file: text + "\n")
    #expect(said?.hasPrefix("FILE:1:") == true && said?.contains("hunter2") == false, "\(said ?? "taken")")
  }

  @Test func secretsInPlainAreSpokenOf() throws {
    func warnings(file: String? = nil, environment: [String: String] = [:], set: [String] = []) throws
      -> String
    {
      var said: [String] = []
      _ = try load(file: file, environment: environment, set: set) { said.append($0) }
      return said.joined(separator: "\n")
    }
    let property = "kafka.properties.sasl.password=hunter2"
    #expect(try warnings(set: [property]).contains("--set kafka.properties.sasl.password"))
    #expect(try warnings(file: "kafka: {properties: {sasl.password: hunter2}}\n").contains("tally.yaml:1:"))
    #expect(try warnings(set: ["redis.url=redis://:hunter2@h"]).contains("redis.url"))
    #expect(try warnings(set: ["table.postgres=password=hunter2"]).contains("table.postgres"))
    #expect(try warnings(environment: ["TALLY_KAFKA_PROPERTIES_SASL_PASSWORD": "hunter2"]).isEmpty)
    #expect(try warnings(environment: ["TALLY_REDIS": "redis://:hunter2@h"]).isEmpty)
    let open = try Places.write("hunter2", as: "secret")
    chmod(open, 0o644)
    #expect(try warnings(set: ["redis.password_file=\(open)"]).contains("chmod 600"))
    chmod(open, 0o640)
    #expect(try warnings(set: ["redis.password_file=\(open)"]).isEmpty)
  }
}
