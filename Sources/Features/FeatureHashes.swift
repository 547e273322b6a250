internal import Events

/// What each feature of a pipeline means, as a hash: a model records those that it was trained with.
///
/// Two pipelines give a feature the same hash when the same events give it the same value: spelling, the names of intermediates
/// and the order of features do not matter. Attribute types do: decimals, bounds, and a category's words in their order. A word
/// more at a vocabulary's end is a change, too: it had the code of `other`, whose code is another now.
public struct FeatureHashes: Equatable, Sendable {
  /// The attribute of a model file that holds them.
  public static let modelAttribute = "tally_features"

  /// Name and hash (16 hex digits) of each feature, in column order, then of what all depend on: `(idle_ttl)` and, where
  /// words are folded, `(state_max)`.
  public let entries: [(name: String, hash: String)]
  /// Of which kind the hashes are; those of another kind cannot be compared.
  public let schema: Int

  /// `stateMax`: bytes at which words of categories are folded; nil: they never are.
  init(_ columns: [ColumnDescription], idleTTL: Int64?, stateMax: Int? = nil) {
    schema = FeatureMeaning.schema
    let ttl = Hash128(of: "idle_ttl \(idleTTL ?? -1)")
    var entries = columns.map { ($0.name, $0.meaning) } + [("(idle_ttl)", String(ttl.hex.prefix(16)))]
    if let stateMax {
      entries.append((Self.bound, String(Hash128(of: "state_max \(stateMax)").hex.prefix(16))))
    }
    self.entries = entries
  }

  private static let bound = "(state_max)"

  /// What `text` wrote; nil: something else did.
  public init?(_ text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard let schema = parts.first.flatMap({ Int($0) }) else { return nil }
    var entries: [(name: String, hash: String)] = []
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", omittingEmptySubsequences: false)
      guard pair.count == 2 else { return nil }
      entries.append((String(pair[0]), String(pair[1])))
    }
    self.schema = schema
    self.entries = entries
  }

  /// `1 logins=0123456789abcdef …`: names are identifiers.
  public var text: String {
    (["\(schema)"] + entries.map { "\($0.name)=\($0.hash)" }).joined(separator: " ")
  }

  /// Names of what is not the same in `other`; all of them when the hashes are of another kind.
  public func differences(from other: FeatureHashes) -> [String] {
    guard schema == other.schema else { return entries.map(\.name) }
    let known = Dictionary(other.entries.map { ($0.name, $0.hash) }) { first, _ in first }
    var names = entries.filter { known[$0.name] != $0.hash }.map(\.name)
    // Absent where nothing is folded.
    if known[Self.bound] != nil && !entries.contains(where: { $0.name == Self.bound }) {
      names.append(Self.bound)
    }
    return names
  }

  /// Same kind, names and hashes.
  public static func == (left: FeatureHashes, right: FeatureHashes) -> Bool { left.text == right.text }
}
