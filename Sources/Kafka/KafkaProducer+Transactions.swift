import CRdKafka

/// Transactions (KIP-98, KIP-447), for a producer whose configuration names a `transactional.id`.
///
/// Every call may throw an error that says what to do next: `isFatal`: the producer is of no use any more, make another;
/// `requiresAbort`: call `abortTransaction`; `isRetriable`: call the same again. Messages are produced between `begin…` and
/// `sendOffsets`.
extension KafkaProducer {
  /// Time for offsets: the remaining time of the transaction, as librdkafka recommends.
  private static let remainingTime: Int32 = -1
  /// Time for one try to commit or abort, milliseconds. librdkafka 2.0.2 would take -1 as no limit at all
  /// (`rd_kafka_txn_curr_api_begin` without a cap), and the caller has a group to serve; the next try takes up where this one
  /// stood.
  private static let tryMs: Int32 = 1000

  /// Ends what an earlier producer of the same id has left open, and makes it unable to go on. Once, before all else.
  ///
  /// Resumable: call again after a retriable error.
  public func initTransactions(timeoutMs: Int) throws(KafkaError) {
    try check(rd_kafka_init_transactions(handle.pointer, Int32(timeoutMs)), "begin transactions")
  }

  /// Opens a transaction.
  public func beginTransaction() throws(KafkaError) {
    try check(rd_kafka_begin_transaction(handle.pointer), "begin a transaction")
  }

  /// Makes the group's offsets part of the transaction. `membership`: `KafkaConsumer.membership` of their reader.
  public func sendOffsets(
    _ positions: [KafkaPosition], of topic: String, membership: [UInt8]
  ) throws(KafkaError) {
    let list = KafkaPartitionList(topic: topic, positions)
    var metadata: OpaquePointer?
    try check(
      membership.withUnsafeBytes {
        rd_kafka_consumer_group_metadata_read(&metadata, $0.baseAddress, $0.count)
      },
      "read the membership")
    defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
    try check(
      rd_kafka_send_offsets_to_transaction(handle.pointer, list.pointer, metadata, Self.remainingTime),
      "add offsets to the transaction")
  }

  /// Waits for all acknowledgements and commits. Resumable: call again after a retriable error, and nothing else in between.
  public func commitTransaction() throws(KafkaError) {
    try check(rd_kafka_commit_transaction(handle.pointer, Self.tryMs), "commit the transaction")
  }

  /// Throws all of the transaction away. Resumable, as `commitTransaction`.
  public func abortTransaction() throws(KafkaError) {
    try check(rd_kafka_abort_transaction(handle.pointer, Self.tryMs), "abort the transaction")
  }

  private func check(_ error: OpaquePointer?, _ what: String) throws(KafkaError) {
    if let error { throw KafkaError(consuming: error, doing: what) }
  }
}
