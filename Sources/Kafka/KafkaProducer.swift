import CRdKafka

extension Int {
  fileprivate mutating func formMinimum(_ other: Int) { self = Swift.min(self, other) }
}

/// A topic to produce to; valid until its producer is closed.
public struct KafkaTopic {
  let pointer: OpaquePointer
}

/// A header of a message to be produced; both pointers are read during the call only.
public struct KafkaHeader {
  /// Name.
  public var name: StaticString
  /// Value.
  public var value: UnsafeRawBufferPointer

  /// `value` must stay valid until the message was handed over.
  public init(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
    self.name = name
    self.value = value
  }
}

/// An idempotent producer: acks from all replicas, order kept, retries without duplicates.
///
/// One thread. librdkafka copies what is produced. Keys are spread by `murmur2_random`, as Java's clients do, if nothing else is said.
/// A failure that waiting does not mend is counted and kept (`takeDeliveryError`). Call `close` before the process
/// ends; `deinit` does not.
public final class KafkaProducer {
  let handle: KafkaHandle
  private let notes: ClientNotes
  private var topics: [(name: String, topic: KafkaTopic)] = []
  private let parts: UnsafeMutablePointer<rd_kafka_vu_t>
  private var isClosed = false

  /// Topic, partition, flags, key, value, timestamp.
  private static let fixedParts = 6

  /// Properties that define this producer; they win over what the configuration says.
  public static let fixedProperties: [(String, String)] = [
    ("enable.idempotence", "true"), ("acks", "all"),
  ]

  /// Properties that a configuration may replace. Without a message timeout an outage of the brokers is waited
  /// out: `flush` returns false meanwhile.
  public static let defaultProperties: [(String, String)] = [
    ("compression.codec", "lz4"), ("linger.ms", "1"), ("message.timeout.ms", "0"),
    ("queue.buffering.max.messages", "100000"), ("queue.buffering.max.kbytes", "131072"),
    ("reconnect.backoff.ms", "50"), ("reconnect.backoff.max.ms", "1000"), ("socket.nagle.disable", "true"),
  ]

  /// A producer; `configuration` must name `bootstrap.servers`. `partitioner`: one of librdkafka's.
  public init(
    _ configuration: KafkaConfiguration, partitioner: String = "murmur2_random"
  ) throws(KafkaError) {
    var all = KafkaConfiguration(Self.defaultProperties)
    for (name, value) in configuration.properties { all.set(name, value) }
    for (name, value) in Self.fixedProperties { all.set(name, value) }
    all.set("partitioner", partitioner)
    // A transaction's own timeout bounds its messages'.
    if all.value("transactional.id") != nil { all.remove("message.timeout.ms") }
    notes = ClientNotes(log: configuration.log)
    let conf = try all.makeConf()
    rd_kafka_conf_set_dr_msg_cb(conf) { _, message, opaque in
      guard let message, let notes = ClientNotes.of(opaque) else { return }
      notes.report(message)
    }
    handle = try KafkaHandle(RD_KAFKA_PRODUCER, conf, notes)
    parts = .allocate(capacity: Self.fixedParts + 1)
  }

  deinit { parts.deallocate() }

  /// The topic of that name; made once.
  public func topic(_ name: String) throws(KafkaError) -> KafkaTopic {
    if let known = topics.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) { return known.topic }
    guard let pointer = rd_kafka_topic_new(handle.pointer, name, nil) else {
      throw KafkaError(rd_kafka_last_error(), doing: "topic \(name)")
    }
    let topic = KafkaTopic(pointer: pointer)
    topics.append((name, topic))
    return topic
  }

  /// Queues a message; allocates nothing of Swift's.
  ///
  /// `key` and `value`: `baseAddress == nil` is null. `partition` -1: by the key. `timestampMs` 0: now. Throws
  /// `.queueFull` when the queue has no room: `poll`, then try again.
  public func produce(
    to topic: KafkaTopic, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer,
    headers: UnsafeBufferPointer<KafkaHeader> = UnsafeBufferPointer(start: nil, count: 0),
    partition: Int32 = -1, timestampMs: Int64 = 0
  ) throws(KafkaError) {
    guard !headers.isEmpty else {
      setFixedParts(topic, key: key, value: value, partition: partition, timestampMs: timestampMs)
      return try queue(topic, parts: Self.fixedParts)
    }
    // Headers that librdkafka 2.0.2 makes itself of single ones are freed twice when it does not take the message
    // (`rd_kafka_produceva`), as after a topic's ACL was taken away.
    guard let list = rd_kafka_headers_new(headers.count) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, doing: "headers")
    }
    for header in headers {
      rd_kafka_header_add(
        list, UnsafeRawPointer(header.name.utf8Start).assumingMemoryBound(to: CChar.self),
        header.name.utf8CodeUnitCount, header.value.baseAddress, header.value.count)
    }
    do throws(KafkaError) {
      try produce(
        to: topic, key: key, value: value, partition: partition, timestampMs: timestampMs, owning: list)
    } catch {
      rd_kafka_headers_destroy(list)
      throw error
    }
  }

  /// As above, with headers that librdkafka takes over unless an error is thrown.
  func produce(
    to topic: KafkaTopic, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, partition: Int32,
    timestampMs: Int64, owning headers: OpaquePointer
  ) throws(KafkaError) {
    setFixedParts(topic, key: key, value: value, partition: partition, timestampMs: timestampMs)
    parts[Self.fixedParts].vtype = RD_KAFKA_VTYPE_HEADERS
    parts[Self.fixedParts].u.headers = headers
    try queue(topic, parts: Self.fixedParts + 1)
  }

  private func setFixedParts(
    _ topic: KafkaTopic, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, partition: Int32,
    timestampMs: Int64
  ) {
    parts[0].vtype = RD_KAFKA_VTYPE_RKT
    parts[0].u.rkt = topic.pointer
    parts[1].vtype = RD_KAFKA_VTYPE_PARTITION
    parts[1].u.i32 = partition
    parts[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS
    parts[2].u.i = RD_KAFKA_MSG_F_COPY
    parts[3].vtype = RD_KAFKA_VTYPE_KEY
    parts[3].u.mem.ptr = UnsafeMutableRawPointer(mutating: key.baseAddress)
    parts[3].u.mem.size = key.count
    parts[4].vtype = RD_KAFKA_VTYPE_VALUE
    parts[4].u.mem.ptr = UnsafeMutableRawPointer(mutating: value.baseAddress)
    parts[4].u.mem.size = value.count
    parts[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP
    parts[5].u.i64 = timestampMs
  }

  private func queue(_ topic: KafkaTopic, parts count: Int) throws(KafkaError) {
    if let error = rd_kafka_produceva(handle.pointer, parts, count) {
      throw KafkaError(
        consuming: error, doing: "produce to \(String(cString: rd_kafka_topic_name(topic.pointer)))")
    }
    notes.outstanding += 1
  }

  /// Takes acknowledgements, waiting at most `timeoutMs` for the first.
  public func poll(timeoutMs: Int) { rd_kafka_poll(handle.pointer, Int32(timeoutMs)) }

  /// Sends at once and waits up to `timeoutMs` for all acknowledgements. Returns whether all have come.
  public func flush(timeoutMs: Int) -> Bool {
    if notes.outstanding > 0 { rd_kafka_flush(handle.pointer, Int32(timeoutMs)) }
    return notes.outstanding == 0
  }

  /// Messages queued and neither acknowledged nor failed.
  public var outstanding: Int { notes.outstanding }

  /// Messages acknowledged since the start.
  public var delivered: UInt64 { notes.delivered }

  /// The first failure since the last call, if any, naming code and topic.
  public func takeDeliveryError() -> KafkaError? {
    guard notes.failed > 0 else { return nil }
    let text = "\(notes.failed) message(s) not delivered to \(notes.deliveryErrorTopic)"
    let error = KafkaError(
      notes.deliveryErrorCode, "\(text): \(String(cString: rd_kafka_err2str(notes.deliveryErrorCode)))",
      isFatal: handle.fatalError != nil)
    notes.failed = 0
    notes.deliveryErrorCode = RD_KAFKA_RESP_ERR_NO_ERROR
    return error
  }

  /// Of the messages that brokers found too large since the last call, alone or with others in one batch: for each topic the
  /// bytes of the smallest one's key and value.
  public func takeTooLarge() -> [String: Int] {
    defer { notes.tooLarge.removeAll() }
    return notes.tooLarge
  }

  /// What ails the connection as a whole since the last call: no broker, or credentials.
  public func takeError() -> KafkaError? { handle.fatalError ?? notes.takeError() }

  /// Frees everything; what is not acknowledged may be lost. A second call does nothing.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    rd_kafka_purge(handle.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    rd_kafka_poll(handle.pointer, 0)
    for topic in topics { rd_kafka_topic_destroy(topic.topic.pointer) }
    topics.removeAll()
    handle.destroy()
  }
}

extension ClientNotes {
  /// Takes a delivery report; allocates only for the first failure.
  func report(_ message: UnsafePointer<rd_kafka_message_t>) {
    outstanding -= 1
    if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
      delivered += 1
      return
    }
    // What an aborted transaction throws away has not failed.
    let isPurged =
      message.pointee.err == RD_KAFKA_RESP_ERR__PURGE_QUEUE
      || message.pointee.err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT
    guard !isPurged else { return }
    failed += 1
    if KafkaError.kind(of: message.pointee.err) == .tooLarge, let topic = message.pointee.rkt {
      let bytes = message.pointee.len + message.pointee.key_len
      tooLarge[String(cString: rd_kafka_topic_name(topic)), default: bytes].formMinimum(bytes)
    }
    guard deliveryErrorCode == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    deliveryErrorCode = message.pointee.err
    deliveryErrorTopic = message.pointee.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? "?"
  }
}
