/// A set of models, and the promotion by which it is in force.
public struct ModelSetInForce: Equatable, Sendable {
  /// Number of the promotion; 0: the pipeline began with the set.
  public var number: UInt64
  /// Hash of the set, 32 hex digits.
  public var hash: String

  /// A set with its promotion.
  public init(number: UInt64, hash: String) {
    self.number = number
    self.hash = hash
  }
}

/// The sets of models that a worker may have to score with. Promotions in the log say which one when. One thread.
public protocol ModelSets: AnyObject {
  /// What is known, beside the log and the partition's record, to be in force at an offset of a partition: of promotions below it; nil: only
  /// what the process began with is known. Throws `PortError`.
  func inForce(at offset: Int64, of partition: Int32) throws -> ModelSetInForce?
  /// A scorer of a set. Throws `.unavailable` as long as it cannot be had, with the reason: whoever needs it waits, and never scores with
  /// another one. Throws `.refused` where waiting is of no use.
  func scorer(of hash: String) throws -> any RowScorer
  /// Only these sets are in force on the worker's partitions: others may go.
  func keep(_ hashes: Set<String>)
}

/// The models that a process began with, and no others.
public final class OneModelSet: ModelSets {
  private let scorer: any RowScorer
  private let hash: String?
  private let advice: String
  private let waits: Bool

  /// `hash` of the only set that can be scored with, and what to do where another one is in force; nil: this scorer stands for all sets,
  /// because nothing is scored, or somebody wants it so. `waits`: whether another set is waited for; else it is refused.
  public init(_ scorer: any RowScorer, hash: String? = nil, advice: String = "", waits: Bool = true) {
    self.scorer = scorer
    self.hash = hash
    self.advice = advice
    self.waits = waits
  }

  /// Nothing is known.
  public func inForce(at offset: Int64, of partition: Int32) -> ModelSetInForce? { nil }

  /// The scorer; throws `.unavailable`, or `.refused`, for another set.
  public func scorer(of hash: String) throws -> any RowScorer {
    guard self.hash == nil || self.hash == hash else {
      throw PortError(
        waits ? .unavailable : .refused,
        "the set of models \(hash), which a promotion in the log puts in force: \(advice)",
        reason: .modelUnusable)
    }
    return scorer
  }

  /// There is nothing to let go.
  public func keep(_ hashes: Set<String>) {}
}
