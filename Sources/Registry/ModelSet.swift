internal import Events

/// Version of a model: the first 16 hex digits of the `Hash128` of its file's bytes.
///
/// The same bytes have the same version everywhere; the hash is not cryptographic.
public struct ModelVersion: Equatable, Hashable, Sendable, CustomStringConvertible {
  /// 16 lower-case hex digits.
  public let hex: String

  /// The version of a file's bytes.
  public init(ofFile bytes: [UInt8]) {
    hex = String(bytes.withUnsafeBytes { Hash128(of: $0) }.hex.prefix(16))
  }

  /// 32 hex digits, as partition records have it.
  public var description: String { hex }
}

/// The models that a pipeline scores with, in order: a record says by its hash under which set it was scored.
public struct ModelSet: Equatable, Sendable {
  /// One model of the set.
  public struct Member: Equatable, Sendable {
    /// The model's name in the pipeline.
    public let name: String
    /// Its version.
    public let version: ModelVersion

    package init(name: String, version: ModelVersion) {
      self.name = name
      self.version = version
    }
  }

  /// The models in the pipeline's order.
  public let members: [Member]

  package init(_ members: [Member]) { self.members = members }

  /// 32 hex digits of the hash of names and versions in order; for a pipeline without models too.
  public var hashHex: String {
    var bytes: [UInt8] = []
    for member in members {
      // An end that no name contains, so that no two sets give the same bytes.
      bytes.append(contentsOf: member.name.utf8)
      bytes.append(0)
      bytes.append(contentsOf: member.version.hex.utf8)
      bytes.append(0)
    }
    return bytes.withUnsafeBytes { Hash128(of: $0) }.hex
  }
}
