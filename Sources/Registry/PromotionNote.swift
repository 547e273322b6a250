/// A set of models as the registry keeps it: which version of each model.
struct SetFile: Codable, Equatable {
  /// Versions by the model's name.
  var models: [String: String]
}

/// A line of `promotions.jsonl`: what a promotion put in force, or is about to.
public struct PromotionNote: Codable, Equatable, Sendable {
  /// How it came about.
  public enum Action: String, Codable, Sendable {
    /// What the pipeline began with.
    case baseline
    /// To a version that was named.
    case promote
    /// To the version before.
    case rollback
  }

  /// Rises; 0: the baseline.
  public let number: UInt64
  /// Hash of the set, 32 hex digits.
  public let set: String
  /// How.
  public let action: Action
  /// The model whose version is another one than before; nil: of the baseline.
  public let model: String?
  /// Its version, 16 hex digits.
  public let version: String?
  /// The user's name.
  public let who: String
  /// RFC 3339.
  public let at: String
  /// In the operator's words.
  public let why: String
  /// By partition, an offset from which on the event lies: ends of the log before it was appended.
  public let from: [Int64]?
  /// By partition, the event's offset; nil: it is not known to be on all of them yet.
  public let offsets: [Int64]?

  /// A note with every field given; `offsets` nil: nothing need be appended yet.
  package init(
    number: UInt64, set: String, action: Action, model: String?, version: String?, reason: ChangeReason,
    from: [Int64]?, offsets: [Int64]? = nil
  ) {
    self.number = number
    self.set = set
    self.action = action
    self.model = model
    self.version = version
    who = reason.who
    at = reason.at
    why = reason.why
    self.from = from
    self.offsets = offsets
  }

  /// The same, of a promotion that lies on all partitions.
  package func appended(at offsets: [Int64]) -> PromotionNote {
    PromotionNote(
      number: number, set: set, action: action, model: model, version: version,
      reason: ChangeReason(who: who, at: at, why: why), from: from, offsets: offsets)
  }
}
