public import Dataflow

/// How the keys of a log's first records are spread over its partitions: by which of the known partitioners.
///
/// A key counts as at home when most of its records are: single strays say nothing of how a log's producers work.
public struct KeySpread {
  /// What the keys look like.
  public enum Verdict: Equatable, Sendable {
    /// Most keys are at home.
    case fits
    /// Most are at home by another partitioner, and not by the one asked for.
    case looksLike(Partitioner)
    /// Most are at home by none that is known.
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

  /// Counts a record; one without a key has no home, and later keys than the first `keysMax` are passed over.
  public mutating func add(_ record: RawRecord) {
    guard !record.key.isEmpty else { return }
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

  /// Whether the keys are spread as `partitioner` does.
  public func verdict(on partitioner: Partitioner) -> Verdict {
    guard keys > 0, 2 * atHome(by: partitioner) < keys else { return .fits }
    let best = Partitioner.allCases.max { atHome(by: $0) < atHome(by: $1) }
    guard let best, 2 * atHome(by: best) > keys else { return .looksLikeNone }
    return .looksLike(best)
  }
}
