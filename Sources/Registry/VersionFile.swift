internal import Events

/// A file of a version.
public struct VersionFile: Equatable, Sendable {
  /// Name within the version.
  public let name: String
  /// What it holds.
  public let bytes: [UInt8]

  package init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  var description: VersionMetadata.File {
    VersionMetadata.File(
      name: name, length: bytes.count, hash: bytes.withUnsafeBytes { Hash128(of: $0) }.hex)
  }
}

extension ModelVersion {
  /// The version of a registered model: of all its files that are hashed, in the order of their names.
  ///
  /// Each file counts with its name, a zero byte, its length (8 bytes, little-endian) and its bytes, so that no two lists of
  /// files give the same bytes.
  init(ofFiles files: [VersionFile]) {
    var bytes: [UInt8] = []
    let hashed = files.filter { RegistryNames.isHashed($0.name) }
    for file in hashed.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      bytes.append(contentsOf: file.name.utf8)
      bytes.append(0)
      withUnsafeBytes(of: UInt64(file.bytes.count).littleEndian) { bytes.append(contentsOf: $0) }
      bytes.append(contentsOf: file.bytes)
    }
    self.init(ofFile: bytes)
  }

  /// A version as it is written: 16 lower-case hex digits.
  public init?(hex: String) {
    let digits = Set("0123456789abcdef".utf8)
    guard hex.utf8.count == 16, hex.utf8.allSatisfy({ digits.contains($0) }) else { return nil }
    self.hex = hex
  }
}
