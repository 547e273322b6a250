import CRdKafka

extension KafkaConsumer {
  /// Commits the group's offsets and waits for the answer.
  public func commit(_ offsets: [KafkaPosition]) throws(KafkaError) {
    let list = KafkaPartitionList(topic: topic, offsets)
    try check(rd_kafka_commit(handle.pointer, list.pointer, 0), "commit to \(topic)")
    _ = try list.offsets(doing: "commit")
  }

  /// The group's committed offsets with their metadata, in the order asked; nil: none.
  ///
  /// Offsets of a transaction under way are waited for (the isolation level is `read_committed`, so that the coordinator is
  /// asked for stable offsets, KIP-447).
  public func committed(_ partitions: [Int32], timeoutMs: Int) throws(KafkaError) -> [KafkaPosition?] {
    let list = KafkaPartitionList(topic: topic, partitions)
    try check(
      rd_kafka_committed(handle.pointer, list.pointer, Int32(timeoutMs)), "committed offsets of \(topic)")
    return try list.positions(doing: "committed offset")
  }

  /// The group's membership as of now, in librdkafka's own form (`rd_kafka_consumer_group_metadata_write`); nil: this member
  /// has lost its assignment, or never had one.
  ///
  /// To be taken when an assignment comes: once the group has gone on, a coordinator takes offsets of a member without a name from
  /// anybody, so that a membership taken later would prove nothing.
  public func membership() throws(KafkaError) -> [UInt8]? {
    guard let metadata = rd_kafka_consumer_group_metadata(handle.pointer) else { return nil }
    defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
    guard !isAssignmentLost, let member = rd_kafka_memberid(handle.pointer) else { return nil }
    defer { rd_kafka_mem_free(handle.pointer, member) }
    guard member.pointee != 0 else { return nil }
    var buffer: UnsafeMutableRawPointer?
    var size = 0
    if let error = rd_kafka_consumer_group_metadata_write(metadata, &buffer, &size) {
      throw KafkaError(consuming: error, doing: "membership of \(topic)")
    }
    defer { rd_kafka_mem_free(nil, buffer) }
    return Array(UnsafeRawBufferPointer(start: buffer, count: size))
  }

  /// First and next offset of a partition, asked from its broker now.
  public func watermarks(_ partition: Int32, timeoutMs: Int) throws(KafkaError) -> (low: Int64, high: Int64) {
    try handle.watermarks(topic: topic, partition: partition, timeoutMs: timeoutMs)
  }

  /// The log's end as the last fetch told it; nil: not known yet. Asks nobody.
  public func knownEnd(_ partition: Int32) -> Int64? {
    var low: Int64 = 0
    var high: Int64 = -1
    let code = rd_kafka_get_watermark_offsets(handle.pointer, topic, partition, &low, &high)
    return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
  }

  /// For each partition the first offset at or after the time; nil: none so late (or a mock broker, which
  /// cannot tell).
  public func offsets(at timeMs: Int64, _ partitions: [Int32], timeoutMs: Int) throws(KafkaError) -> [Int64?]
  {
    let list = KafkaPartitionList(
      topic: topic, partitions.map { KafkaPosition(partition: $0, offset: timeMs) })
    try check(
      rd_kafka_offsets_for_times(handle.pointer, list.pointer, Int32(timeoutMs)),
      "offsets by time of \(topic)")
    return try list.offsets(doing: "offset by time")
  }

  /// The topic as the brokers know it now; nil: there is none.
  public func metadata(timeoutMs: Int) throws(KafkaError) -> KafkaTopicMetadata? {
    try handle.metadata(topic: topic, timeoutMs: timeoutMs)
  }

  /// The cluster's id.
  public func clusterID(timeoutMs: Int) throws(KafkaError) -> String {
    try handle.clusterID(timeoutMs: timeoutMs)
  }

  /// Throws unless a broker answers.
  public func ping(timeoutMs: Int) throws(KafkaError) { try handle.ping(timeoutMs: timeoutMs) }
}
