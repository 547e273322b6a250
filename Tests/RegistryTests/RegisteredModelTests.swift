import Foundation
import Testing

@testable import Registry

/// Versions on disk, whole or refused with the reason.
@Suite struct RegisteredModelTests {
  @Test func aVersionIsTheHashOfItsFiles() throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register("one")
    let content = try fixture.model.read(version)
    #expect(content.model.bytes == Array("one".utf8) && content.model.version == version)
    #expect(
      content.metadata.version == version.hex
        && content.metadata.files.map(\.name) == ["model.json", "histograms.json"])
    // The same files in another order are the same version and keep their metadata; others are another one.
    var metadata = RegistryFixture.metadata()
    metadata.who = "bob"
    let again = try fixture.model.register(RegistryFixture.files("one").reversed(), metadata: metadata)
    #expect(again.version == version && !again.isNew)
    #expect(try fixture.model.metadata(version).who == "ann")
    #expect(try fixture.register("two") != version)
    let alone = try fixture.model.register(
      [VersionFile(name: "model.json", bytes: Array("one".utf8))], metadata: metadata)
    #expect(alone.version != version)
    #expect(try fixture.model.versions().count == 3 && fixture.registry.findings().isEmpty)
  }

  /// Neither card nor reference decides what is scored: they are no part of the name, and no reason not to serve; verify finds their faults.
  @Test func cardsAreCheckedAndNotHashed() throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register("one")
    let files = ["card.md", "card.html", "reference.json"].map {
      VersionFile(name: $0, bytes: Array("of two".utf8))
    }
    let other = try fixture.model.register(
      RegistryFixture.files("two") + files, metadata: RegistryFixture.metadata())
    let alone = try RegistryFixture().model.register(
      RegistryFixture.files("two"), metadata: RegistryFixture.metadata())
    #expect(other.version == alone.version && other.version != version)
    #expect(try fixture.model.text(of: "card.md", other.version) == "of two")
    #expect(try fixture.registry.findings().isEmpty)
    try fixture.write("# Card", to: "\(version.hex)/card.md")
    try fixture.write("of one", to: "\(other.version.hex)/card.html")
    try FileManager.default.removeItem(atPath: "\(fixture.model.path)/\(other.version.hex)/reference.json")
    #expect(try fixture.model.read(version).model.version == version)
    #expect(try fixture.model.read(other.version).model.version == other.version)
    let found = Set(try fixture.model.findings().map(\.problem))
    #expect(found == ["foreign: card.md", "altered: card.html", "missing: reference.json"], "\(found)")
    for (name, version) in [
      ("card.md", version), ("card.html", other.version), ("reference.json", other.version),
      ("../x", version),
    ] {
      #expect(throws: RegistryError.self) { _ = try fixture.model.text(of: name, version) }
    }
    try FileManager.default.removeItem(atPath: "\(fixture.model.path)/\(version.hex)/checksums.json")
    #expect(try fixture.model.findings().contains { $0.problem == "missing: checksums.json" })
  }

  @Test(arguments: [
    "truncated", "altered", "foreign", "missing", "metadata", "figures", "link", "copied", "no model",
  ])
  func whatIsNotAsItWasRegisteredIsRefused(_ fault: String) throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register("one and only")
    let folder = "\(fixture.model.path)/\(version.hex)"
    var model = fixture.model
    let expected: String
    switch fault {
    case "truncated":
      try fixture.write("one", to: "\(version.hex)/model.json")
      expected = "truncated: model.json has 3 of 12 bytes"
    case "altered":
      try fixture.write("one and more", to: "\(version.hex)/model.json")
      expected = "altered: model.json"
    case "foreign":
      try fixture.write("{}", to: "\(version.hex)/postprocessing.json")
      expected = "foreign: postprocessing.json"
    case "missing":
      try FileManager.default.removeItem(atPath: "\(folder)/histograms.json")
      expected = "missing: histograms.json"
    case "metadata":
      try fixture.write("{", to: "\(version.hex)/metadata.json")
      expected = "altered: metadata.json is not what a registry writes"
    case "figures":
      let text = fixture.text(of: "\(version.hex)/metadata.json")
      try fixture.write(
        text.replacingOccurrences(of: "ann", with: "bob"), to: "\(version.hex)/metadata.json")
      expected = "altered: metadata.json"
    case "link":
      try FileManager.default.moveItem(atPath: "\(folder)/model.json", toPath: "\(folder)/../.elsewhere")
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/model.json", withDestinationPath: "../.elsewhere")
      expected = "foreign: model.json is no plain file"
    case "copied":
      model = try fixture.registry.model("spend", of: "shop")
      try FileManager.default.createDirectory(atPath: model.path, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: folder, toPath: "\(model.path)/\(version.hex)")
      expected = "foreign: metadata.json is of \(version.hex) of shop/churn"
    default:
      try FileManager.default.removeItem(atPath: "\(folder)/model.json")
      expected = "missing: model.json"
    }
    let error = #expect(throws: RegistryError.self) { _ = try model.read(version) }
    #expect(error?.code == .altered && error?.detail.contains(expected) == true, "\(error?.detail ?? "")")
    let found = try model.findings()
    #expect(
      found.contains { $0.problem == expected && $0.place == "\(model.title)/\(version.hex)" }, "\(found)")
    #expect(throws: RegistryError.self) { try model.promote(version, reason: RegistryFixture.reason) }
  }

  @Test func foldersOfPaths() {
    let paths = [("m", ""), ("m/a.json", "m"), ("/m", "/"), ("/m/n", "/m"), ("", "")]
    for (path, folder) in paths { #expect(Disk.parent(path) == folder) }
  }

  @Test func namesThatLeadOutAreRefused() throws {
    let fixture = try RegistryFixture()
    for name in ["", ".", "..", "a/b", "../a", ".new-x", "a b"] {
      #expect(throws: RegistryError.self) { _ = try fixture.registry.model(name, of: "shop") }
      #expect(throws: RegistryError.self) { _ = try fixture.registry.model("churn", of: name) }
      let files = RegistryFixture.files("one") + [VersionFile(name: name, bytes: [1])]
      #expect(throws: RegistryError.self) {
        _ = try fixture.model.register(files, metadata: RegistryFixture.metadata())
      }
    }
    for files in [[], [VersionFile(name: "model.ubj", bytes: [1])] + RegistryFixture.files("x")] {
      #expect(throws: RegistryError.self) {
        _ = try fixture.model.register(files, metadata: RegistryFixture.metadata())
      }
    }
    #expect(!FileManager.default.fileExists(atPath: fixture.registry.path))
  }

  /// Every file of the folder of an interrupted write may be there: it is no version, and the next change takes it away.
  @Test func interruptedWritesLeaveNothing() throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register("one")
    for name in [".new-0123456789abcdef-7", ".gone-0123456789abcdef-7"] {
      try FileManager.default.copyItem(
        atPath: "\(fixture.model.path)/\(version.hex)", toPath: "\(fixture.model.path)/\(name)")
    }
    try fixture.write("{}", to: "aliases.json.7.tmp")
    #expect(try fixture.model.versions() == [version] && fixture.registry.findings().isEmpty)
    try fixture.register("two")
    let names = try FileManager.default.contentsOfDirectory(atPath: fixture.model.path)
    #expect(names.allSatisfy { $0 == ".lock" || ModelVersion(hex: $0) != nil }, "\(names)")
  }

  @Test func versionsByAnyName() throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register("one")
    #expect(try fixture.model.version(version.hex) == version)
    #expect(try fixture.model.version(String(version.hex.prefix(4))) == version)
    for text in [String(version.hex.prefix(3)), "zzzz", "production", ""] {
      #expect(throws: RegistryError.self) { _ = try fixture.model.version(text) }
    }
    try fixture.model.promote(version, reason: RegistryFixture.reason)
    #expect(try fixture.model.version("production") == version)
  }

  @Test func whatIsServedIsChecked() throws {
    let fixture = try RegistryFixture()
    let served = AliasedModels(fixture.registry, pipeline: "shop")
    let version = try fixture.register("one")
    #expect(try !served.has("churn", file: "any.json"))
    let absent = #expect(throws: RegistryError.self) { _ = try served.read("churn", file: "any.json") }
    #expect(absent?.detail.contains("no version of shop/churn") == true)
    try fixture.model.promote(version, reason: RegistryFixture.reason)
    #expect(
      try served.has("churn", file: "any.json") && served.read("churn", file: "any.json").version == version)
    try fixture.write("two", to: "\(version.hex)/model.json")
    let altered = #expect(throws: RegistryError.self) { _ = try served.read("churn", file: "any.json") }
    #expect(altered?.code == .altered && altered?.detail.contains("altered: model.json") == true)
  }
}
