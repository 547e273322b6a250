public import Features

/// One key of a section with its value.
public struct YAMLEntry: Sendable {
  /// Key, as written.
  public let key: String
  /// Where the key stands.
  public let position: SourcePosition
  /// What it holds.
  public let value: YAMLValue
}

/// Keys with values, in the order of the file; each key once.
///
/// For configuration: name the known keys with `allow`, then read them by the typed methods of `YAMLValue`:
/// `let port = try section["port"]?.int(in: 1...65535) ?? 6379`.
public struct YAMLSection: Sendable {
  /// Keys from the top, with dots between; empty at the top.
  public let path: String
  /// Where it begins.
  public let position: SourcePosition
  /// Its keys and values.
  public let entries: [YAMLEntry]

  /// The value of a key; nil: the section does not have it.
  public subscript(key: String) -> YAMLValue? {
    entries.first { sameBytes($0.key, key) }?.value
  }

  /// The value of a key; throws when the section does not have it.
  public func required(_ key: String) throws(DeclarationError) -> YAMLValue {
    if let value = self[key] { return value }
    let place = path.isEmpty ? "the file" : path
    throw DeclarationError(position, found: "\(place) without the key \(key)", allowed: "\(key), given once")
  }

  /// Throws at the first key that is not among `keys`, naming them.
  public func allow(_ keys: [String]) throws(DeclarationError) {
    for entry in entries where !keys.contains(where: { sameBytes($0, entry.key) }) {
      throw DeclarationError(
        entry.position, found: "the key \(quoted(entry.key))", allowed: keys.joined(separator: ", "))
    }
  }
}
