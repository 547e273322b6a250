/// Where scores and dead letters go as messages. One thread. All calls throw `PortError`.
public protocol TopicSink: AnyObject {
  /// Rows with `toTopic` that the topic will never take, by their position in `batch.rows`. Asked before anything of the batch is
  /// delivered.
  func refused(_ batch: ScoredBatch) throws -> [Int]
  /// Queues messages of all rows and letters with `toTopic`; does not wait.
  func send(_ batch: ScoredBatch) throws
  /// Waits up to `timeoutMs` for all acknowledgements. Returns whether all have come.
  func flush(timeoutMs: Int) throws -> Bool
  /// Closes; what is not acknowledged may be lost.
  func close()
}

extension TopicSink {
  /// None.
  public func refused(_ batch: ScoredBatch) throws -> [Int] { [] }
}

/// A topic sink whose messages become visible together with the group's offsets, or not at all. One thread. All calls throw
/// `PortError`.
public protocol TransactionalTopicSink: TopicSink {
  /// Ends what this sink, or an earlier one of the same transactional id, has left open, and makes the earlier one unable to
  /// go on. To be called before positions are read. Throws `.unavailable`: call again.
  func settle() throws
  /// Writes the messages of all rows and letters with `toTopic` and moves the group's offsets, in one transaction.
  ///
  /// `membership`: of the source that the records came from. Returns `.written`; `.conflict`: nothing of it is visible, because the
  /// group or another sink of the same transactional id has gone on without this one, or the transaction took too long.
  /// Throws `.unavailable`: call again with the same batch, it goes on where it stopped, or `settle`.
  func commit(_ batch: ScoredBatch, offsets: [OffsetMark], membership: [UInt8]) throws -> WriteOutcome
}
