import TestPlaces
import Foundation
import TestServers
import Testing

import Kafka

@testable import Configuration

/// Paths of a configuration file are relative to that file, whatever the working folder; those of flags and variables to the latter.
@Suite struct SettingsPathTests {
  private let folder: String

  init() throws { folder = try Places.newFolder("conf") }

  private func write(_ text: String, as name: String) throws {
    let path = "\(folder)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, 0o600)
  }

  private func loaded(
    _ text: String, environment: [String: String] = [:], set: [String] = [],
    flags: [(path: String, text: String, flag: String)] = [], warn: (String) -> Void = { _ in }
  ) throws -> Settings {
    try write(text, as: "tally.yaml")
    return try Settings.load(
      config: folder + "/tally.yaml", set: set, flags: flags, environment: environment, warn: warn)
  }

  @Test func ofAFileAreRelativeToIt() throws {
    for name in ["redis.secret", "table.secret", "key.secret"] { try write("of \(name)", as: name) }
    let settings = try loaded(
      """
      pipeline: p/engagement.yaml
      models: ./models
      redis: {password_file: redis.secret}
      table: {sqlite: ../t.db, password_file: table.secret, sslrootcert: ca.pem, sslcert: /c.pem, sslkey: k.pem}
      kafka:
        properties: {client.rack: a/b, sasl.kerberos.keytab: tally.keytab, ssl.ca.location: probe}
        properties_file: {ssl.key.password: key.secret}

      """)
    #expect(settings.pipeline == folder + "/p/engagement.yaml")
    #expect(settings.models == folder + "/./models")
    #expect(settings.table == .sqlite(folder + "/../t.db"))
    #expect(settings.redisPassword?.revealed == "of redis.secret")
    #expect(settings.postgresPassword?.revealed == "of table.secret")
    #expect(
      settings.postgresOptions
        == ["sslrootcert": folder + "/ca.pem", "sslcert": "/c.pem", "sslkey": folder + "/k.pem"])
    let properties = Dictionary(uniqueKeysWithValues: settings.librdkafkaProperties)
    #expect(
      properties == [
        "client.rack": "a/b", "sasl.kerberos.keytab": folder + "/tally.keytab", "ssl.ca.location": "probe",
        "ssl.key.password": "of key.secret",
      ])
    // What is printed means the same as a file anywhere else.
    let again = try load(file: settings.description)
    #expect(again.description == settings.description)
    #expect(again.pipeline == settings.pipeline && again.table == settings.table)
  }

  private static func isPath(_ setting: Setting) -> Bool {
    switch setting.kind {
    case .path, .names(.path): true
    default: false
    }
  }

  /// One rule for all of them, whatever they are for; read without looking whether the file is there.
  @Test(arguments: SettingSample.all.filter { $0.setting.map(isPath) == true })
  func everyPathHasTheSameRule(_ sample: SettingSample) throws {
    let setting = try #require(sample.setting)
    func shown(_ layer: SettingsLayer?) throws -> String {
      var settings = Settings()
      try #require(layer).apply(to: &settings)
      switch setting.show(settings) {
      case .path(let path): return path
      case .names(let names): return names.first?.text ?? "no name"
      default: return "no path"
      }
    }
    let printed = { (path: String) in setting.isMap ? SettingsPath.absolute(path) : path }
    for text in ["a.b", "./a.b", "../c/a.b", "/c/a.b"] {
      try write(sample.file(text), as: "tally.yaml")
      let file = try shown(SettingsFile.layer(path: folder + "/tally.yaml", environment: [:]))
      #expect(file == (text.hasPrefix("/") ? text : "\(folder)/\(text)"))
      let variable = try shown(SettingsOverrides.layer(environment: [sample.variable: text]).layer)
      #expect(variable == printed(text))
      let set = try shown(SettingsOverrides.layer(set: ["\(sample.path)=\(text)"]))
      #expect(set == printed(text))
      for flag in setting.flags {
        let given = try SettingsOverrides.layer(flags: SettingsOverrides.flags([(flag, text)]))
        #expect(try shown(given) == printed(text))
      }
    }
  }

  /// A setting that takes a path is one of them.
  @Test(arguments: SettingSample.all) func whatLooksLikeAPathIsOne(_ sample: SettingSample) {
    let isNamed = sample.path.hasSuffix("_file") || sample.path.contains("_file.")
    #expect(sample.setting.map(Self.isPath) == (sample.good.hasPrefix("/") || isNamed))
  }

  @Test(arguments: [
    (
      "host=h sslrootcert=ca.pem passfile='my pass'",
      "host=h sslrootcert=FOLDER/ca.pem passfile='FOLDER/my pass'"
    ),
    ("postgresql://u@h/d?sslcert=c.pem&sslrootcert=system", "sslcert=FOLDER/c.pem"),
    ("host=/run/pg sslkey=engine:key sslcrl=/crl", "host=/run/pg sslkey=engine:key sslcrl=/crl"),
  ])
  func ofAConnectionString(_ text: String, _ expected: String) throws {
    let settings = try loaded("table: {postgres: \"\(text)\"}\n")
    guard case .postgres(let connection) = settings.table else { throw TestFailure("no postgres") }
    for word in expected.replacing("FOLDER/my pass", with: "\(folder)/my pass").split(separator: " ") {
      #expect(connection.contains(word.replacing("FOLDER", with: folder)), "\(connection)")
    }
    let flag = try loaded("worker: {}\n", flags: [("table.postgres", text, "--postgres")])
    #expect(flag.table == .postgres(text))
  }

  @Test(arguments: [
    ("plugin.library.paths", "a.so;lib/b.so;/c.so", "a.so;FOLDER/lib/b.so;/c.so"),
    ("ssl.certificate.location", "c.pem", "FOLDER/c.pem"), ("SSL.KEY.LOCATION", "k.pem", "FOLDER/k.pem"),
    ("ssl.engine.location", "pkcs11", "pkcs11"), ("ssl.engine.location", "./e.so", "FOLDER/./e.so"),
    ("sasl.username", "a/b", "a/b"),
  ])
  func ofAProperty(_ name: String, _ value: String, _ expected: String) {
    let found = KafkaProperties.value(value, of: name) { SettingsPath.joined($0, to: folder) }
    #expect(found == expected.replacing("FOLDER", with: folder))
  }

  @Test func ofFlagsAndVariablesAreAsTheyStand() throws {
    let settings = try loaded(
      "pipeline: p.yaml\nmodels: m\ntable: {sqlite: t.db}\n",
      environment: ["TALLY_MODELS": "of-variable"], set: ["table.sqlite=of-set.db"],
      flags: [("pipeline", "of-flag.yaml", "--pipeline")])
    #expect(settings.pipeline == "of-flag.yaml" && settings.models == "of-variable")
    #expect(settings.table == .sqlite("of-set.db"))
    let here = FileManager.default.currentDirectoryPath
    #expect(settings.description.contains("pipeline: \(here)/of-flag.yaml\n"))
    for (file, expected) in [
      ("tally.yaml", ""), ("./tally.yaml", ""), ("a/b/tally.yaml", "a/b"), ("/tally.yaml", "/"),
    ] { #expect(SettingsPath.folder(of: file) == expected) }
    #expect(SettingsPath.joined("x", to: "/") == "/x" && SettingsPath.joined("", to: "/a") == "")
  }

  /// What versions before 0.3 found in the working folder is spoken of, until it is found.
  @Test func theOldMeaningIsSpokenOf() throws {
    let name = "tally-path-\(UInt64.random(in: 0...UInt64.max)).db"
    var said: [String] = []
    _ = try loaded("table: {sqlite: \(name)}\n") { said.append($0) }
    #expect(said.isEmpty)
    try Data().write(to: URL(fileURLWithPath: name))
    defer { try? FileManager.default.removeItem(atPath: name) }
    _ = try loaded("# first\ntable: {sqlite: \(name)}\n") { said.append($0) }
    #expect(said.count == 1 && said[0].hasPrefix("\(folder)/tally.yaml:2:"), "\(said)")
    #expect(said[0].contains("relative to that file") && said[0].contains("\(folder)/\(name) is not there"))
    _ = try loaded("table: {sqlite: \(name)}\n", environment: ["TALLY_SQLITE": name]) { said.append($0) }
    try write("", as: name)
    _ = try loaded("table: {sqlite: \(name)}\n") { said.append($0) }
    #expect(said.count == 1, "\(said)")
  }
}
