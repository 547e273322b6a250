internal import Histogram

/// Histograms of one stage's latency: since the start, and since the interval began.
///
/// HDR histograms (G. Tene): two significant digits from 1 ns to 50 days, about 50 KB each, nothing allocated
/// when recording.
struct StageLatency {
  /// Longest time that is told apart, nanoseconds; longer ones count as this.
  static let nanosMax: UInt64 = 1 << 52

  private var total = Self.histogram()
  private var interval = Self.histogram()
  private var sum: UInt64 = 0

  private static func histogram() -> Histogram<UInt64> {
    Histogram(highestTrackableValue: nanosMax, numberOfSignificantValueDigits: .two)
  }

  /// Counts `events` events of `nanos` each.
  mutating func record(_ nanos: UInt64, events: UInt64) {
    let value = min(nanos, Self.nanosMax)
    total.record(value, count: events)
    interval.record(value, count: events)
    sum &+= value &* events
  }

  /// Forgets the interval.
  mutating func startInterval() {
    if interval.totalCount > 0 { interval.reset() }
  }

  /// Latency since the start.
  var totalSummary: LatencySummary { Self.summary(of: total) }
  /// Latency since the interval began.
  var intervalSummary: LatencySummary { Self.summary(of: interval) }

  /// Since the start, by the buckets' bounds; an event counts as the largest value of its histogram's bucket.
  var distribution: LatencyDistribution {
    var distribution = LatencyDistribution()
    distribution.count = total.totalCount
    distribution.sum = sum
    var bound = 0
    var below: UInt64 = 0
    for entry in total.recordedValues() {
      while bound < LatencyDistribution.bounds.count, entry.value > LatencyDistribution.bounds[bound] {
        distribution.cumulative[bound] = below
        bound += 1
      }
      below += entry.count
    }
    for rest in bound..<LatencyDistribution.bounds.count { distribution.cumulative[rest] = below }
    return distribution
  }

  private static func summary(of histogram: Histogram<UInt64>) -> LatencySummary {
    var summary = LatencySummary()
    guard histogram.totalCount > 0 else { return summary }
    summary.events = histogram.totalCount
    summary.p50 = histogram.valueAtPercentile(50)
    summary.p90 = histogram.valueAtPercentile(90)
    summary.p99 = histogram.valueAtPercentile(99)
    summary.p999 = histogram.valueAtPercentile(99.9)
    summary.max = histogram.maxRecorded
    return summary
  }
}
