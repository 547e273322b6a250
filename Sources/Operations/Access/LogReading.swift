import Configuration
package import Dataflow

/// Reads a bounded log from given offsets to its end: the one loop of everything that looks back.
package struct LogReading {
  /// Records of one poll.
  package static let recordsAtOnce = 512
  private static let pollTimeoutMs = 500

  private let source: any RecordSource
  private let from: [Int32: Int64]
  private let report: (any OperationReport)?

  /// `from`: first offset by partition; without one the log's first. `report` is told of offsets that nobody can read; nil: they are
  /// passed over without a word.
  package init(_ source: any RecordSource, from: [Int32: Int64] = [:], report: (any OperationReport)? = nil) {
    self.source = source
    self.from = from
    self.report = report
  }

  /// Where a log cannot be read on.
  package struct Stuck {
    package let partition: Int32
    package let from: Int64
    package let why: String
  }

  /// Calls `body` with the records of every poll, in the order of each partition's log, until it returns false or the end is reached.
  /// Throws `Failure` where the log cannot be read on.
  package func forEachBatch(_ body: (RecordBatch) throws -> Bool) throws {
    if let stuck = try readOn(body) { throw Failure.unread(stuck.partition, from: stuck.from, stuck.why) }
  }

  /// As `forEachBatch`; returns where the log could not be read on, nil: it was read to its end.
  package func readOn(_ body: (RecordBatch) throws -> Bool) throws -> Stuck? {
    let batch = RecordBatch()
    while true {
      let outcome = try source.poll(
        into: batch, limit: Self.recordsAtOnce, timeoutMs: Self.pollTimeoutMs, fillMs: 0)
      switch outcome {
      case .assigned(let partitions):
        try source.assign(
          try partitions.map {
            let low = try source.bounds($0).low
            return (partition: $0, offset: max(from[$0] ?? low, low))
          })
      case .revoked, .finished: return nil
      // A worker leaves them out, too.
      case .unreadable(let partition, let from, let until, let why):
        report?.tellUnreadable(partition, from..<until, why)
      case .stuck(let partition, let from, _, let why):
        return Stuck(partition: partition, from: from, why: why)
      case .records:
        guard try body(batch) else { return nil }
      }
    }
  }
}
