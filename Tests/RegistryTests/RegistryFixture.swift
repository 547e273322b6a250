import Foundation

@testable import Registry

/// A registry in a folder of its own, which goes with it.
final class RegistryFixture {
  let registry = ModelRegistry(path: NSTemporaryDirectory() + "tally-registry-" + UUID().uuidString)
  let model: RegisteredModel

  init() throws { model = try registry.model("churn", of: "shop") }

  deinit { try? FileManager.default.removeItem(atPath: registry.path) }

  static let reason = ChangeReason(who: "ann", at: "2026-01-31T12:00:00.000Z", why: "a test")

  static func metadata() -> VersionMetadata {
    VersionMetadata(
      pipeline: "shop", model: "churn", source: "import", algorithm: "trees", objective: "binary:logistic",
      codeVersion: "0", createdAt: reason.at, who: reason.who)
  }

  /// Files of a made-up model with this text; two models of different texts are different.
  static func files(_ text: String) -> [VersionFile] {
    [
      VersionFile(name: "model.json", bytes: Array(text.utf8)),
      VersionFile(name: "histograms.json", bytes: Array("[\(text)]".utf8)),
    ]
  }

  @discardableResult
  func register(_ text: String) throws -> ModelVersion {
    try model.register(Self.files(text), metadata: Self.metadata()).version
  }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(model.path)/\(name)"))
  }

  func text(of name: String) -> String {
    FileManager.default.contents(atPath: "\(model.path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
      ?? ""
  }
}
