public import Dataflow
internal import Events
internal import Synchronization

/// An entity that may leave.
public struct AtRiskEntry: Equatable, Sendable {
  /// Entity id.
  public var entityID: String
  /// Its latest churn output.
  public var churn: Float
  /// Its latest engagement output; nil: the pipeline has none.
  public var engagement: Float?
  /// Its latest category; nil: the pipeline has none.
  public var category: String?

  /// An entry.
  public init(entityID: String, churn: Float, engagement: Float?, category: String?) {
    self.entityID = entityID
    self.churn = churn
    self.engagement = engagement
    self.category = category
  }
}

/// The entities most at risk by their latest scores: bounded, safe from several threads, updated once per
/// batch.
///
/// Keeps the `candidatesMax` highest of those seen. One that was outside, and comes to be among the highest
/// only because others fall, appears with its next score.
public final class AtRiskBoard: Sendable {
  /// Entities that are kept between updates.
  public static let candidatesMax = 1_024

  private let churn: Int
  private let engagement: Int?
  private let category: Int?
  private let categoryLabels: [String]
  private let candidates = Mutex(Candidates())

  /// A board for a pipeline's outputs; nil: it has no output of the name `churn`.
  public init?(context: ScoreContext, churn: String, engagement: String?, category: String?) {
    guard let column = context.outputNames.firstIndex(of: churn) else { return nil }
    self.churn = column
    self.engagement = engagement.flatMap { context.outputNames.firstIndex(of: $0) }
    self.category = category.flatMap { context.decisionNames.firstIndex(of: $0) }
    categoryLabels = self.category.map { context.decisionLabels[$0] } ?? []
  }

  /// Takes a batch's scores in; a later row of an entity counts. The same batch again changes nothing.
  public func update(_ batch: ScoredBatch) {
    let decisions = batch.context.decisionNames.count
    candidates.withLock { candidates in
      for (index, row) in batch.rows.enumerated() {
        let outputs = batch.outputs.row(index)
        let slice = batch.events.events[Int(row.event)].entityID
        let key = batch.events.withBytes(of: slice) { Hash128(of: $0) }
        let code = category.map { batch.decisions[index * decisions + $0] }
        candidates.put(key, outputs[churn], engagement.map { outputs[$0] }, code) {
          batch.events.string(slice)
        }
      }
    }
  }

  /// The `count` entities most at risk, most first; ties by id.
  public func top(_ count: Int) -> [AtRiskEntry] {
    let sorted = candidates.withLock { $0.highest(count) }
    return sorted.map { candidate in
      let label = candidate.category.flatMap { code in
        categoryLabels.indices.contains(Int(code)) ? categoryLabels[Int(code)] : nil
      }
      return AtRiskEntry(
        entityID: candidate.id, churn: candidate.churn, engagement: candidate.engagement, category: label)
    }
  }
}

/// What the lock guards.
private struct Candidates {
  struct Candidate {
    var id: String
    var churn: Float
    var engagement: Float?
    var category: Int32?

    static func isBefore(_ first: Candidate, _ second: Candidate) -> Bool {
      first.churn == second.churn
        ? first.id.utf8.lexicographicallyPrecedes(second.id.utf8) : first.churn > second.churn
    }
  }

  private var all: [Hash128: Candidate] = [:]
  /// Below this, an entity is not among the highest.
  private var threshold = -Float.infinity

  /// Sets an entity's latest scores; `id` is called for an entity that comes in.
  mutating func put(
    _ key: Hash128, _ churn: Float, _ engagement: Float?, _ category: Int32?, id: () -> String
  ) {
    guard churn >= threshold else {
      // NaN too: no score to rank by.
      if all.removeValue(forKey: key) != nil, all.count < AtRiskBoard.candidatesMax { threshold = -.infinity }
      return
    }
    if let index = all.index(forKey: key) {
      all.values[index].churn = churn
      all.values[index].engagement = engagement
      all.values[index].category = category
      return
    }
    all[key] = Candidate(id: id(), churn: churn, engagement: engagement, category: category)
    if all.count >= 2 * AtRiskBoard.candidatesMax { prune() }
  }

  /// The first `count`.
  func highest(_ count: Int) -> [Candidate] { Array(all.values.sorted(by: Candidate.isBefore).prefix(count)) }

  private mutating func prune() {
    let sorted = all.sorted { Candidate.isBefore($0.value, $1.value) }.prefix(AtRiskBoard.candidatesMax)
    threshold = sorted.last?.value.churn ?? -.infinity
    all = Dictionary(uniqueKeysWithValues: sorted.map { ($0.key, $0.value) })
  }
}
