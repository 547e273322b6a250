import CRdKafka
import Glibc

/// A partition and an offset in it.
public struct KafkaPosition: Equatable, Sendable {
  /// Partition.
  public var partition: Int32
  /// Offset.
  public var offset: Int64
  /// What a group keeps beside a committed offset, up to some kilobytes; without NUL.
  public var metadata: String

  package init(partition: Int32, offset: Int64, metadata: String = "") {
    self.partition = partition
    self.offset = offset
    self.metadata = metadata
  }
}

/// One `rd_kafka_topic_partition_list_t`, freed with its owner.
struct KafkaPartitionList: ~Copyable {
  let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(topic: String, _ partitions: [Int32]) {
    pointer = rd_kafka_topic_partition_list_new(Int32(partitions.count))
    for partition in partitions { rd_kafka_topic_partition_list_add(pointer, topic, partition) }
  }

  init(topic: String, _ positions: [KafkaPosition]) {
    pointer = rd_kafka_topic_partition_list_new(Int32(positions.count))
    for position in positions {
      guard let element = rd_kafka_topic_partition_list_add(pointer, topic, position.partition) else {
        continue
      }
      element.pointee.offset = position.offset
      guard !position.metadata.isEmpty else { continue }
      // The list frees it.
      element.pointee.metadata = UnsafeMutableRawPointer(strdup(position.metadata))
      element.pointee.metadata_size = position.metadata.utf8.count
    }
  }

  deinit { rd_kafka_topic_partition_list_destroy(pointer) }

  /// Partitions in the list's order.
  static func partitions(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [Int32] {
    guard let list else { return [] }
    return (0..<Int(list.pointee.cnt)).map { list.pointee.elems[$0].partition }
  }

  /// Offsets in the list's order; nil where there is none. Throws the first partition's error.
  func offsets(doing what: String) throws(KafkaError) -> [Int64?] {
    try positions(doing: what).map { $0?.offset }
  }

  /// Positions in the list's order, with their metadata; nil where there is none. Throws the first partition's error.
  func positions(doing what: String) throws(KafkaError) -> [KafkaPosition?] {
    var positions: [KafkaPosition?] = []
    for index in 0..<Int(pointer.pointee.cnt) {
      let element = pointer.pointee.elems[index]
      guard element.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
        throw KafkaError(element.err, doing: "\(what) of partition \(element.partition)")
      }
      guard element.offset >= 0 else {
        positions.append(nil)
        continue
      }
      let metadata = UnsafeRawBufferPointer(start: element.metadata, count: element.metadata_size)
      positions.append(
        KafkaPosition(
          partition: element.partition, offset: element.offset,
          metadata: String(decoding: metadata, as: UTF8.self)))
    }
    return positions
  }
}
