import CRdKafka

/// Asks where a topic's partitions end, on a client of its own: no fetch stands before its questions. One thread; call `close`.
public final class KafkaEnds {
  /// Which end.
  public enum Kind: String, Sendable {
    /// The last stable offset: readers of committed records get no further.
    case stable = "read_committed"
    /// The high watermark: behind the last record, open transactions' included.
    case high = "read_uncommitted"
  }

  private let topic: String
  private let handle: KafkaHandle
  private let notes: ClientNotes
  private var isClosed = false

  /// A client that has asked nothing yet; `configuration` must name `bootstrap.servers`.
  public init(_ configuration: KafkaConfiguration, topic: String, _ kind: Kind) throws(KafkaError) {
    self.topic = topic
    var all = configuration
    all.set("allow.auto.create.topics", "false")
    all.set("isolation.level", kind.rawValue)
    notes = ClientNotes(log: configuration.log)
    handle = try KafkaHandle(RD_KAFKA_CONSUMER, try all.makeConf(), notes)
  }

  /// The ends of those partitions whose brokers answer in time; empty: none does.
  public func ends(of partitions: [Int32], timeoutMs: Int) -> [Int32: Int64] {
    // What concerns the whole client is shown by answers that do not come.
    rd_kafka_poll(handle.pointer, 0)
    _ = notes.takeError()
    let asked = KafkaPartitionList(
      topic: topic,
      partitions.map { KafkaPosition(partition: $0, offset: Int64(RD_KAFKA_OFFSET_END)) })
    let code = rd_kafka_offsets_for_times(handle.pointer, asked.pointer, Int32(timeoutMs))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return [:] }
    var ends: [Int32: Int64] = [:]
    for index in 0..<Int(asked.pointer.pointee.cnt) {
      let element = asked.pointer.pointee.elems[index]
      if element.err == RD_KAFKA_RESP_ERR_NO_ERROR && element.offset >= 0 {
        ends[element.partition] = element.offset
      }
    }
    return ends
  }

  /// Frees the client. A second call does nothing.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    handle.destroy(flags: RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
  }
}
