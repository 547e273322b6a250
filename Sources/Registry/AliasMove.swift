/// A name that leads to one version of a model, and can be moved to another.
public enum ModelAlias: String, Codable, CaseIterable, Sendable {
  /// What is served.
  case production
  /// What was trained last.
  case candidate
  /// What is scored beside production.
  case shadow
}

/// Who changes a registry, when and why.
public struct ChangeReason: Equatable, Sendable {
  /// The user's name.
  public var who: String
  /// RFC 3339.
  public var at: String
  /// In the operator's words.
  public var why: String

  package init(who: String, at: String, why: String) {
    self.who = who
    self.at = at
    self.why = why
  }
}

/// A move of an alias, as a line of `log.jsonl`.
public struct AliasMove: Codable, Equatable, Sendable {
  /// How it came about.
  public enum Action: String, Codable, Sendable {
    /// To a version that was named.
    case promote
    /// To the version before.
    case rollback
  }

  /// From 1 on without gaps, over all aliases of the model.
  public let number: Int
  /// What was moved.
  public let alias: ModelAlias
  /// How.
  public let action: Action
  /// 16 hex digits; nil: it led nowhere.
  public let from: String?
  /// 16 hex digits.
  public let to: String
  /// The user's name.
  public let who: String
  /// RFC 3339.
  public let at: String
  /// In the operator's words.
  public let why: String
}

/// `aliases.json`: where the aliases lead, and the move that made it so.
struct AliasFile: Codable, Equatable {
  var aliases: [String: String] = [:]
  /// The whole line of the log: what the log lacks after a crash is made from it.
  var last: AliasMove?
}
