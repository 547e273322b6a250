import Glibc
public import Kafka

/// A message to produce, or one that was read, with its own copy of everything.
public struct BrokerMessage: Equatable, Sendable {
  /// Partition; -1: by the key.
  public var partition: Int32 = -1
  /// Offset; -1 before it is produced.
  public var offset: Int64 = -1
  /// Timestamp, milliseconds UTC; 0: now.
  public var timestampMs: Int64 = 0
  /// Key; nil: null.
  public var key: [UInt8]?
  /// Value; nil: null.
  public var value: [UInt8]?
  /// `content-type`, if any.
  public var contentType: String?
  /// Other headers that a reader asked for.
  public var headers: [String: String] = [:]

  /// A message of texts.
  public init(_ key: String?, _ value: String?, contentType: String? = nil, partition: Int32 = -1) {
    self.init(key: key.map { Array($0.utf8) }, value: value.map { Array($0.utf8) })
    self.contentType = contentType
    self.partition = partition
  }

  /// A message of bytes.
  public init(key: [UInt8]?, value: [UInt8]?) {
    self.key = key
    self.value = value
  }
}

extension TestBroker {
  /// Produces messages and waits for all acknowledgements; `topic` is the test's name for it.
  public func produce(_ messages: [BrokerMessage], to topic: String) throws {
    let producer = try KafkaProducer(KafkaConfiguration([("bootstrap.servers", bootstrapServers)]))
    defer { producer.close() }
    let handle = try producer.topic(name(topic))
    for message in messages { try Self.produce(message, with: producer, to: handle) }
    guard producer.flush(timeoutMs: Self.answerTimeoutMs) else {
      throw BrokerTimeout(what: "produce to \(topic)")
    }
    if let error = producer.takeDeliveryError() { throw error }
  }

  /// Queues a message with a producer of the caller's.
  public static func produce(_ message: BrokerMessage, with producer: KafkaProducer, to topic: KafkaTopic)
    throws
  {
    let key = message.key.map { Array($0 + [0]) }
    let value = message.value.map { Array($0 + [0]) }
    try view(key) { key in
      try view(value) { value in
        var type = message.contentType ?? ""
        try type.withUTF8 { type in
          let headers = [KafkaHeader("content-type", UnsafeRawBufferPointer(type))]
          try headers.prefix(message.contentType == nil ? 0 : 1).withContiguousStorageIfAvailable {
            try producer.produce(
              to: topic, key: key, value: value, headers: $0, partition: message.partition,
              timestampMs: message.timestampMs)
          }
        }
      }
    }
  }

  /// Reads `count` messages of all partitions from the beginning; `topic` is the test's name for it, `headers`
  /// those to be copied.
  public func read(_ topic: String, count: Int, headers: [StaticString] = []) throws -> [BrokerMessage] {
    let consumer = try KafkaConsumer(
      KafkaConfiguration([
        ("bootstrap.servers", bootstrapServers), ("group.id", name("reader")), ("fetch.wait.max.ms", "10"),
      ]), topic: name(topic))
    defer { consumer.close() }
    guard let found = try consumer.metadata(timeoutMs: Self.answerTimeoutMs) else {
      throw BrokerTimeout(what: topic)
    }
    try consumer.assign((0..<found.partitionCount).map { KafkaPosition(partition: $0, offset: 0) })
    var messages: [BrokerMessage] = []
    let deadline = Deadline(milliseconds: Self.answerTimeoutMs)
    while messages.count < count {
      guard !deadline.isOver else { throw BrokerTimeout(what: "\(messages.count) of \(count) from \(topic)") }
      try consumer.poll(limit: 1000, timeoutMs: 100)
      messages += consumer.messages.map { copy($0, headers: headers) }
    }
    return messages
  }

  /// Reads all messages of all partitions: those of committed transactions and of none, or also those of transactions that
  /// were not committed. Waits for transactions that are still open.
  public func readAll(_ topic: String, committed: Bool) throws -> [BrokerMessage] {
    let consumer = try KafkaConsumer(
      KafkaConfiguration([
        ("bootstrap.servers", bootstrapServers), ("group.id", name("reader")), ("fetch.wait.max.ms", "10"),
        ("isolation.level", committed ? "read_committed" : "read_uncommitted"),
      ]), topic: name(topic))
    defer { consumer.close() }
    guard let found = try consumer.metadata(timeoutMs: Self.answerTimeoutMs) else {
      throw BrokerTimeout(what: topic)
    }
    let partitions = 0..<found.partitionCount
    let ends = try partitions.map { try consumer.watermarks($0, timeoutMs: Self.answerTimeoutMs).high }
    try consumer.assign(partitions.map { KafkaPosition(partition: $0, offset: 0) })
    var messages: [BrokerMessage] = []
    let deadline = Deadline(milliseconds: Self.answerTimeoutMs)
    while !partitions.allSatisfy({ (consumer.ends[$0] ?? 0) >= ends[Int($0)] }) {
      guard !deadline.isOver else { throw BrokerTimeout(what: "the end of \(topic)") }
      try consumer.poll(limit: 1000, timeoutMs: 100)
      messages += consumer.messages.map { copy($0) }
    }
    return messages
  }

  /// A message with its own copy of everything.
  public func copy(_ message: KafkaMessage, headers: [StaticString] = []) -> BrokerMessage {
    var copy = BrokerMessage(
      key: message.key.baseAddress.map { _ in Array(message.key) },
      value: message.value.baseAddress.map { _ in Array(message.value) })
    copy.partition = message.partition
    copy.offset = message.offset
    copy.timestampMs = message.timestampMs
    copy.contentType = message.header("content-type").map { String(decoding: $0, as: UTF8.self) }
    for name in headers {
      if let value = message.header(name) { copy.headers["\(name)"] = String(decoding: value, as: UTF8.self) }
    }
    return copy
  }

  /// `bytes` without its last one (a null pointer and an empty run must differ); nil: null.
  private static func view<R>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    guard let bytes else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    return try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0.dropLast())) }
  }
}

/// A test waited too long.
public struct BrokerTimeout: Error {
  /// For what.
  public var what: String

  /// A timeout.
  public init(what: String) { self.what = what }
}

/// A moment until which a test waits.
public struct Deadline {
  private let end: ContinuousClock.Instant

  /// A deadline from now.
  public init(milliseconds: Int) { end = .now + .milliseconds(milliseconds) }

  /// Whether it has passed.
  public var isOver: Bool { .now >= end }
}

/// A variable of the environment; nil when absent or empty.
func environment(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}
