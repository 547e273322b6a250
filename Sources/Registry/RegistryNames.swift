/// Names of what stands in a registry.
enum RegistryNames {
  static let metadata = "metadata.json"
  /// Hashes of the files that the version's hash does not cover.
  static let checksums = "checksums.json"
  /// How features and outputs were spread.
  static let reference = "reference.json"
  static let aliases = "aliases.json"
  static let log = "log.jsonl"
  static let lock = ".lock"
  /// Beside a pipeline's models: the sets of them, and the promotions that put sets in force.
  static let sets = "sets"
  static let promotions = "promotions.jsonl"
  /// Names of the file with the trees; a version has exactly one of them.
  static let models = ["model.json", "model.ubj"]
  private static let unfinished = ".new-"
  private static let removed = ".gone-"

  /// The folder that becomes a version when all its files are on disk.
  static func unfinished(_ version: ModelVersion, process: Int32) -> String {
    "\(unfinished)\(version.hex)-\(process)"
  }

  /// The folder that was a version.
  static func removed(_ version: ModelVersion, process: Int32) -> String {
    "\(removed)\(version.hex)-\(process)"
  }

  /// Whether an interrupted change has left this in a model's folder; nobody reads it.
  static func isLeftover(_ name: String) -> Bool {
    name.hasPrefix(unfinished) || name.hasPrefix(removed)
      || (name.hasPrefix(aliases + ".") && name.hasSuffix(".tmp"))
  }

  /// Whether the version's hash covers a file of this name: all that decides what is scored. Not the description, which says when and by
  /// whom it was made; nor the card and the reference, which a later release may make otherwise of the same model.
  static func isHashed(_ name: String) -> Bool {
    name != metadata && name != checksums && name != reference && !name.hasPrefix("card.")
  }

  /// Whether this can be the name of a file, a model or a pipeline: letters, digits, `_`, `-`, `.`, the first one no dot.
  static func isPlain(_ name: String) -> Bool {
    guard let first = name.utf8.first, first != UInt8(ascii: "."), name.utf8.count <= 128 else {
      return false
    }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
  }
}
