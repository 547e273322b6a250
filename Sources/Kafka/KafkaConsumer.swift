import CRdKafka

/// What the group decided for this member; it waits until the consumer answers.
public enum KafkaGroupChange: Equatable, Sendable {
  /// Answer with `assign`.
  case assigned([Int32])
  /// Answer with `unassign`. `lost`: they may belong to somebody else already.
  case revoked([Int32], lost: Bool)
}

/// A consumer of one topic in a group (eager `range` assignment), positions and commits in the caller's hands.
///
/// One thread. Messages are librdkafka's own memory and live until the next `poll` or `release`. A rebalance is
/// only noted (`takeChange`): the group waits until the caller answers with `assign` or `unassign`, at most
/// `max.poll.interval.ms`. Call `close` before the process ends; `deinit` does not.
///
/// librdkafka 2.0.2's batch calls lose messages around rebalance, seek and pause, so `poll` is one blocking
/// `rd_kafka_consumer_poll` and then as many with no timeout as give a message.
public final class KafkaConsumer {
  /// Topic.
  public let topic: String
  /// Messages of the last poll, in the order they came: ascending within a partition.
  public private(set) var messages: [KafkaMessage] = []
  /// For each partition the end that was reached last: no record lies before it that was not given.
  ///
  /// It also counts the markers that transactions leave in the log, which are no records.
  public private(set) var ends: [Int32: Int64] = [:]
  let handle: KafkaHandle
  private let notes: ClientNotes
  private var isClosed = false
  private var pendingError: KafkaError?

  /// Properties that define this consumer; they win over what the configuration says.
  public static let fixedProperties: [(String, String)] = [
    ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("auto.offset.reset", "error"),
    ("partition.assignment.strategy", "range"), ("enable.partition.eof", "true"),
    ("allow.auto.create.topics", "false"), ("isolation.level", "read_committed"),
  ]

  /// Time that `close` gives the group protocol, milliseconds.
  public static let closeTimeoutMs = 3000

  /// A consumer that has joined nothing yet. `configuration` must name `bootstrap.servers` and `group.id`.
  public init(_ configuration: KafkaConfiguration, topic: String) throws(KafkaError) {
    self.topic = topic
    var all = configuration
    for (name, value) in Self.fixedProperties { all.set(name, value) }
    notes = ClientNotes(log: configuration.log)
    let conf = try all.makeConf()
    rd_kafka_conf_set_rebalance_cb(conf) { client, code, list, opaque in
      guard let client, let notes = ClientNotes.of(opaque) else { return }
      notes.rebalance(client, code, KafkaPartitionList.partitions(list))
    }
    handle = try KafkaHandle(RD_KAFKA_CONSUMER, conf, notes)
    rd_kafka_poll_set_consumer(handle.pointer)
    messages.reserveCapacity(1 << 10)
  }

  /// Joins the group.
  public func subscribe() throws(KafkaError) {
    let list = KafkaPartitionList(topic: topic, [-1])
    try check(rd_kafka_subscribe(handle.pointer, list.pointer), "subscribe to \(topic)")
  }

  /// Lets go of the last messages, then takes new ones until there are `limit`, waiting at most `timeoutMs` for
  /// the first. `keeping`: the last ones stay, in front, and count.
  ///
  /// Ends early when the group changes. An error is thrown only when no new message came.
  public func poll(limit: Int, timeoutMs: Int, keeping: Bool = false) throws(KafkaError) {
    if !keeping { release() }
    let kept = messages.count
    let changes = notes.changes.count
    var waitMs = Int32(timeoutMs)
    while messages.count < limit, notes.changes.count == changes, pendingError == nil {
      guard let message = rd_kafka_consumer_poll(handle.pointer, waitMs) else { break }
      waitMs = 0
      if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
        messages.append(KafkaMessage(pointer: message))
      } else {
        note(message)
      }
    }
    if messages.count == kept && notes.changes.isEmpty, let error = pendingError ?? notes.takeError() {
      pendingError = nil
      throw error
    }
  }

  /// Frees the messages.
  public func release() { release(from: 0) }

  /// Frees the first `count` messages.
  public func release(first count: Int) {
    for index in 0..<count { rd_kafka_message_destroy(messages[index].pointer) }
    messages.removeFirst(count)
  }

  /// Frees all messages but the first `count`.
  public func release(from count: Int) {
    for index in count..<messages.count { rd_kafka_message_destroy(messages[index].pointer) }
    messages.removeLast(messages.count - count)
  }

  /// Whether a change of the assignment waits.
  public var hasChange: Bool { !notes.changes.isEmpty }

  /// The change that has waited longest; the caller answers it.
  public func takeChange() -> KafkaGroupChange? {
    notes.changes.isEmpty ? nil : notes.changes.removeFirst()
  }

  /// The change that has waited longest, left where it is.
  public var nextChange: KafkaGroupChange? { notes.changes.first }

  /// Whether the assignment is lost: the group has gone on without this member.
  public var isAssignmentLost: Bool { rd_kafka_assignment_lost(handle.pointer) != 0 }

  /// Reads the given partitions from the given offsets; all others stop.
  public func assign(_ starts: [KafkaPosition]) throws(KafkaError) {
    forgetPlaces()
    let list = KafkaPartitionList(topic: topic, starts)
    try check(rd_kafka_assign(handle.pointer, list.pointer), "assign")
    settle()
  }

  /// Reads nothing.
  public func unassign() throws(KafkaError) {
    forgetPlaces()
    try check(rd_kafka_assign(handle.pointer, nil), "unassign")
    settle()
  }

  /// Waits until partitions that were taken away have stopped.
  ///
  /// A partition that is taken away again before it has stopped is stopped twice, and librdkafka (2.0.2 to 2.15.0) ends the process: "Assertion
  /// `rktp->rktp_started' failed". It works off one queue: the first question is answered after the partitions were told to stop, the second one
  /// after they have said that they did.
  private func settle() {
    for _ in 0..<2 {
      var assigned: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
      rd_kafka_assignment(handle.pointer, &assigned)
      if let assigned { rd_kafka_topic_partition_list_destroy(assigned) }
    }
  }

  /// What was found where reading stood says nothing of where it goes on.
  private func forgetPlaces() {
    ends.removeAll()
    if pendingError?.place != nil { pendingError = nil }
  }

  /// Stops delivery of these partitions; the membership goes on.
  public func pause(_ partitions: [Int32]) throws(KafkaError) {
    let list = KafkaPartitionList(topic: topic, partitions)
    try check(rd_kafka_pause_partitions(handle.pointer, list.pointer), "pause")
    _ = try list.offsets(doing: "pause")
  }

  /// Takes delivery up again where it stopped; `wake` makes that quick.
  public func resume(_ partitions: [Int32]) throws(KafkaError) {
    let list = KafkaPartitionList(topic: topic, partitions)
    try check(rd_kafka_resume_partitions(handle.pointer, list.pointer), "resume")
    _ = try list.offsets(doing: "resume")
  }

  /// Reads some partitions on from other offsets, whose delivery was stopped, and the others from where they stand: all that is assigned. What
  /// was fetched is fetched again. (librdkafka 2.0.2 has let a seek wait for longer than five seconds.)
  public func move(_ moved: [Int32], within all: [KafkaPosition]) throws(KafkaError) {
    try resume(moved)
    try assign(all)
  }

  /// Messages and notes that wait for a poll.
  public var queuedCount: Int {
    guard let queue = rd_kafka_queue_get_consumer(handle.pointer) else { return 0 }
    defer { rd_kafka_queue_destroy(queue) }
    return rd_kafka_queue_length(queue)
  }

  /// Makes the brokers' threads look for something to fetch.
  ///
  /// After `assign` and `resume` librdkafka 2.0.2 leaves them asleep for up to a second. A question for offsets wakes
  /// those of the partitions' leaders; its answer does not matter.
  public func wake(_ partitions: [Int32]) {
    let question = KafkaPartitionList(
      topic: topic, partitions.map { KafkaPosition(partition: $0, offset: 0) })
    rd_kafka_offsets_for_times(handle.pointer, question.pointer, Int32(Self.wakeTimeoutMs))
  }

  private static let wakeTimeoutMs = 100

  /// Leaves the group, waiting at most `closeTimeoutMs`, and frees everything, if need be behind the caller's back.
  /// A second call does nothing.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    release()
    notes.isClosing = true
    rd_kafka_assign(handle.pointer, nil)
    let queue = rd_kafka_queue_new(handle.pointer)
    let started = rd_kafka_consumer_close_queue(handle.pointer, queue)
    if let started { rd_kafka_error_destroy(started) }
    var waitedMs = 0
    while started == nil, rd_kafka_consumer_closed(handle.pointer) == 0, waitedMs < Self.closeTimeoutMs {
      if let event = rd_kafka_queue_poll(queue, Int32(Self.closeStepMs)) {
        serveClosing(event)
        continue
      }
      waitedMs += Self.closeStepMs
    }
    rd_kafka_queue_destroy(queue)
    if rd_kafka_consumer_closed(handle.pointer) != 0 {
      handle.destroy(flags: RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    } else {
      // Amid a rebalance the broker answers one after the other, and librdkafka gives its farewell 5 s more.
      handle.destroyInBackground(flags: RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    }
  }

  private static let closeStepMs = 20

  /// While closing, callbacks come as events: a rebalance is answered with nothing.
  private func serveClosing(_ event: OpaquePointer) {
    if rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE { rd_kafka_assign(handle.pointer, nil) }
    rd_kafka_event_destroy(event)
  }

  /// Keeps an error that came in place of a message, unless it passes by itself.
  private func note(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
    defer { rd_kafka_message_destroy(message) }
    let code = message.pointee.err
    if code == RD_KAFKA_RESP_ERR__PARTITION_EOF { ends[message.pointee.partition] = message.pointee.offset }
    if code == RD_KAFKA_RESP_ERR__PARTITION_EOF || code == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED { return }
    let text = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? ""
    let isFatal = handle.fatalError != nil
    guard message.pointee.partition >= 0 else {
      pendingError = KafkaError(code, "\(topic): \(text)", isFatal: isFatal)
      return
    }
    let place = KafkaPosition(partition: message.pointee.partition, offset: message.pointee.offset)
    pendingError = KafkaError(code, "\(topic)/\(place.partition): \(text)", at: place, isFatal: isFatal)
  }

  func check(_ code: rd_kafka_resp_err_t, _ what: String) throws(KafkaError) {
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, doing: what) }
  }
}

extension ClientNotes {
  /// Notes a rebalance and makes the poll under way return.
  func rebalance(_ client: OpaquePointer, _ code: rd_kafka_resp_err_t, _ partitions: [Int32]) {
    if isClosing {
      rd_kafka_assign(client, nil)
      return
    }
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
      changes.append(.assigned(partitions))
    } else {
      // An assignment that nobody has heard of need not be heard of any more.
      changes.removeAll()
      changes.append(.revoked(partitions, lost: rd_kafka_assignment_lost(client) != 0))
    }
    rd_kafka_yield(client)
  }
}
