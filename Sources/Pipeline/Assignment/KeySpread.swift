public import Dataflow
import Events

/// How the keys of a log's first records are spread over its partitions: by which of the known partitioners.
///
/// A key counts as at home when most of its records are: single strays say nothing of how a log's producers work.
public struct KeySpread {
  /// What the keys look like.
  public enum Verdict: Equatable, Sendable {
    /// Nearly all keys are at home.
    case fits
    /// Nearly all are at home by another partitioner, and more than by the one asked for.
    case looksLike(Partitioner)
    /// Too few are at home by any that is known.
    case looksLikeNone
  }

  /// Keys that are counted, at most.
  public static let keysMax = 1_000
  /// Keys from which on a verdict is more than chance.
  public static let keysToTell = 5

  private let partitionCount: Int32
  private var counts: [[UInt8]: Count] = [:]

  private struct Count {
    var records = 0
    /// By `Partitioner.allCases`.
    var atHome = [0, 0, 0]
  }

  /// Nothing looked at.
  public init(partitionCount: Int32) { self.partitionCount = partitionCount }

  /// Counts a record; one without a key has no home, nor has a promotion, and later keys than the first `keysMax` are passed over.
  public mutating func add(_ record: RawRecord) {
    guard !record.key.isEmpty, !record.key.elementsEqual(Promotion.entityID.utf8) else { return }
    let key = Array(record.key)
    guard counts[key] != nil || counts.count < Self.keysMax else { return }
    counts[key, default: Count()].records += 1
    for (index, partitioner) in Partitioner.allCases.enumerated()
    where partitioner.partition(of: record.key, count: partitionCount) == record.partition {
      counts[key]?.atHome[index] += 1
    }
  }

  /// Distinct keys.
  public var keys: Int { counts.count }

  /// Keys that are at home by a partitioner.
  public func atHome(by partitioner: Partitioner) -> Int {
    guard let index = Partitioner.allCases.firstIndex(of: partitioner) else { return 0 }
    return counts.values.count { 2 * $0.atHome[index] > $0.records }
  }

  /// Whether the keys are spread as `partitioner` does: three quarters of them at the least, and by no other more of them.
  ///
  /// Half of them would not do: of two partitions any partitioner has half of the keys at home, by chance.
  public func verdict(on partitioner: Partitioner) -> Verdict {
    let best = Partitioner.allCases.max { atHome(by: $0) < atHome(by: $1) } ?? partitioner
    guard keys > 0, !isMost(partitioner) || atHome(by: best) > atHome(by: partitioner) else { return .fits }
    return isMost(best) ? .looksLike(best) : .looksLikeNone
  }

  private func isMost(_ partitioner: Partitioner) -> Bool { 4 * atHome(by: partitioner) >= 3 * keys }
}
