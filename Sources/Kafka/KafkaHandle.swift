import CRdKafka
import Glibc

/// What a broker says of a topic.
public struct KafkaTopicMetadata: Equatable, Sendable {
  /// Number of partitions.
  public var partitionCount: Int32
}

/// One `rd_kafka_t`: made, asked and destroyed here; consumers and producers are built on it.
struct KafkaHandle {
  let pointer: OpaquePointer
  private let notes: ClientNotes

  /// Makes a client whose callbacks `notes` takes; takes `conf` over.
  init(_ type: rd_kafka_type_t, _ conf: OpaquePointer, _ notes: ClientNotes) throws(KafkaError) {
    notes.install(in: conf)
    var text = [CChar](repeating: 0, count: KafkaConfiguration.errorTextBytesMax)
    guard let made = rd_kafka_new(type, conf, &text, text.count) else {
      let code = rd_kafka_last_error()
      rd_kafka_conf_destroy(conf)
      notes.releaseAfterDestroy()
      throw KafkaError(code, "client: \(string(text))")
    }
    pointer = made
    self.notes = notes
  }

  /// Frees the client; `flags` as of `rd_kafka_destroy_flags`.
  func destroy(flags: Int32 = 0) {
    rd_kafka_destroy_flags(pointer, flags)
    notes.releaseAfterDestroy()
  }

  /// As `destroy`, on a thread of its own: for a client that a broker keeps waiting. The process may end meanwhile.
  func destroyInBackground(flags: Int32) {
    let work = Unmanaged.passRetained(Destruction(handle: self, flags: flags))
    var thread = pthread_t()
    let failed = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let work = Unmanaged<Destruction>.fromOpaque(argument).takeRetainedValue()
        work.handle.destroy(flags: work.flags)
        return nil
      }, work.toOpaque())
    if failed == 0 {
      pthread_detach(thread)
    } else {
      work.release()
      destroy(flags: flags)
    }
  }

  /// What `destroyInBackground` hands to its thread.
  private final class Destruction {
    let handle: KafkaHandle
    let flags: Int32

    init(handle: KafkaHandle, flags: Int32) {
      self.handle = handle
      self.flags = flags
    }
  }

  /// The cluster's id.
  func clusterID(timeoutMs: Int) throws(KafkaError) -> String {
    guard let id = rd_kafka_clusterid(pointer, Int32(timeoutMs)) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "no broker told the cluster's id within \(timeoutMs) ms")
    }
    defer { rd_kafka_mem_free(pointer, id) }
    return String(cString: id)
  }

  /// Asks a broker now; nil: no such topic.
  func metadata(topic: String, timeoutMs: Int) throws(KafkaError) -> KafkaTopicMetadata? {
    guard let handle = rd_kafka_topic_new(pointer, topic, nil) else {
      throw KafkaError(rd_kafka_last_error(), doing: "topic \(topic)")
    }
    defer { rd_kafka_topic_destroy(handle) }
    var answer: UnsafePointer<rd_kafka_metadata>?
    let code = rd_kafka_metadata(pointer, 0, handle, &answer, Int32(timeoutMs))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else {
      throw KafkaError(code, doing: "metadata of topic \(topic)")
    }
    defer { rd_kafka_metadata_destroy(answer) }
    guard answer.pointee.topic_cnt > 0 else { return nil }
    let found = answer.pointee.topics[0]
    if KafkaError.kind(of: found.err) == .unknownTopic { return nil }
    guard found.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw KafkaError(found.err, doing: "metadata of topic \(topic)")
    }
    return KafkaTopicMetadata(partitionCount: found.partition_cnt)
  }

  /// Asks the brokers whether they are there, without naming a topic.
  func ping(timeoutMs: Int) throws(KafkaError) {
    var answer: UnsafePointer<rd_kafka_metadata>?
    let code = rd_kafka_metadata(pointer, 0, nil, &answer, Int32(timeoutMs))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer else {
      throw KafkaError(code, doing: "metadata of brokers")
    }
    rd_kafka_metadata_destroy(answer)
  }

  /// First offset and next offset, asked from the broker now.
  func watermarks(topic: String, partition: Int32, timeoutMs: Int) throws(KafkaError) -> (
    low: Int64, high: Int64
  ) {
    var low: Int64 = 0
    var high: Int64 = 0
    let code = rd_kafka_query_watermark_offsets(
      pointer, topic, partition, &low, &high, Int32(timeoutMs))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw KafkaError(code, doing: "offsets of \(topic)/\(partition)")
    }
    return (low, high)
  }

  /// The error that made this client unusable, if one did.
  var fatalError: KafkaError? {
    var text = [CChar](repeating: 0, count: KafkaConfiguration.errorTextBytesMax)
    let code = rd_kafka_fatal_error(pointer, &text, text.count)
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(code, string(text), isFatal: true)
  }
}
