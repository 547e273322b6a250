import CRdKafka

/// Transactions (KIP-98, KIP-447), for a producer whose configuration names a `transactional.id`.
///
/// Every call may throw an error that says what to do next: `isFatal`: the producer is of no use any more, make another;
/// `requiresAbort`: call `abortTransaction`; `isRetriable`: call the same again. Messages are produced between `begin…` and
/// `sendOffsets`.
extension KafkaProducer {
  /// The remaining time of the transaction, as librdkafka recommends.
  private static let remainingTime: Int32 = -1

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

  /// Waits for all acknowledgements and commits; may take as long as the transaction may. Resumable.
  public func commitTransaction() throws(KafkaError) {
    try check(rd_kafka_commit_transaction(handle.pointer, Self.remainingTime), "commit the transaction")
  }

  /// Throws all of the transaction away. Resumable.
  public func abortTransaction() throws(KafkaError) {
    try check(rd_kafka_abort_transaction(handle.pointer, Self.remainingTime), "abort the transaction")
  }

  private func check(_ error: OpaquePointer?, _ what: String) throws(KafkaError) {
    if let error { throw KafkaError(consuming: error, doing: what) }
  }
}
