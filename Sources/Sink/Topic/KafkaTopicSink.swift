public import Dataflow
import Events
import Kafka

/// Scores and dead letters as messages of two topics. One thread; call `close`.
///
/// A score's key is the entity id, a dead letter's the record's own; keys are spread by the configuration's `partitioner`. Headers carry
/// what is not a function of the log: `scored-at-us` (wall clock, microseconds UTC), and `content-type`; a dead
/// letter's also `reason`, `source-topic`, `source-partition`, `source-offset` and `value-bytes` (the record's own
/// size; key and value are cut to `deadLetterBytesMax`, and to what the topic takes). Messages have no timeout: an outage of the brokers is waited out by
/// whoever calls `flush`. When `send` throws `.unavailable`, the queue was full: send the same batch again, it goes on
/// where it stopped.
public final class KafkaTopicSink: TopicSink {
  private let configuration: TopicSinkConfiguration
  private let properties: KafkaConfiguration
  let limits: TopicLimits
  private(set) var producer: KafkaProducer
  /// Why `send` failed last.
  private(set) var sendFailure: KafkaError?
  private var scores: KafkaTopic
  private var deadLetters: KafkaTopic?
  /// Whether the limits say more than the producer knows.
  private var mustReplace = false
  private var encoder: ScoreEncoder
  private let headers: TopicMessageHeaders
  /// The batch that `send` could not finish, and how much of it is queued.
  private var unfinished: BatchMark?
  private var sentRows = 0
  private var sentLetters = 0

  /// What tells a batch from another one.
  private struct BatchMark: Equatable {
    var scoredAt: Int64
    var rows: Int
    var letters: Int
    var records: Int
    var partition: Int32
    var offset: Int64
  }

  /// Connects; makes topics that are not there, if so configured. Throws `PortError`.
  public convenience init(
    _ configuration: TopicSinkConfiguration, context: ScoreContext
  ) throws(PortError) {
    try self.init(configuration, context: context, limits: nil)
  }

  /// As above; with `limits` of an earlier sink of these topics.
  init(
    _ configuration: TopicSinkConfiguration, context: ScoreContext, limits known: TopicLimits?
  ) throws(PortError) {
    self.configuration = configuration
    encoder = ScoreEncoder(context, encoding: configuration.encoding)
    headers = TopicMessageHeaders(contentType: configuration.encoding.contentType, topic: context.topic)
    var properties = try configuration.kafka()
    let found = try Self.findTopics(configuration, properties)
    limits = known ?? TopicLimits(configuration, properties, found)
    guard configuration.deadLetterTopic == nil || limits.lettersBytes >= TopicLimits.leastBytes else {
      throw PortError(
        .refused,
        "kafka topic \(configuration.deadLetterTopic ?? ""): its max.message.bytes leaves \(limits.lettersBytes) bytes for a letter; "
          + "at least \(TopicLimits.leastBytes) are needed", reason: .topicSettings)
    }
    if let id = configuration.transactionalID {
      properties.set("transactional.id", id)
      properties.set("transaction.timeout.ms", "\(configuration.transactionTimeoutMs)")
    }
    properties.set("compression.codec", configuration.compression)
    self.properties = properties
    (producer, scores, deadLetters) = try Self.makeProducer(configuration, properties, limits)
  }

  private static func makeProducer(
    _ configuration: TopicSinkConfiguration, _ properties: KafkaConfiguration, _ limits: TopicLimits
  ) throws(PortError) -> (KafkaProducer, scores: KafkaTopic, deadLetters: KafkaTopic?) {
    var limited = properties
    if properties.value("batch.size") == nil || limits.isSingle {
      limited.set("batch.size", "\(limits.batchBytes)")
    }
    let producer: KafkaProducer
    do throws(KafkaError) {
      producer = try KafkaProducer(limited, partitioner: configuration.partitioner.librdkafkaName)
    } catch {
      throw error.port("kafka producer")
    }
    do throws(KafkaError) {
      let scores = try producer.topic(configuration.scoresTopic)
      let letters =
        if let name = configuration.deadLetterTopic { try producer.topic(name) } else { nil as KafkaTopic? }
      return (producer, scores, letters)
    } catch {
      producer.close()
      throw error.port("kafka producer")
    }
  }

  /// Goes on with another producer, which knows the limits.
  private func replaceProducer() throws(PortError) {
    producer.close()
    (producer, scores, deadLetters) = try Self.makeProducer(configuration, properties, limits)
    mustReplace = false
    unfinished = nil
  }

  /// Queues messages of all rows and letters with `toTopic`; does not wait for acknowledgements.
  public func send(_ batch: ScoredBatch) throws {
    if mustReplace { try replaceProducer() }
    let first = batch.records.records.first
    let mark = BatchMark(
      scoredAt: batch.scoredAtMicros, rows: batch.rows.count, letters: batch.deadLetters.count,
      records: batch.records.records.count, partition: first?.partition ?? -1, offset: first?.offset ?? -1)
    if unfinished != mark { (sentRows, sentLetters) = (0, 0) }
    unfinished = mark
    fit(batch)
    headers.setScoredAt(batch.scoredAtMicros)
    while sentRows < batch.rows.count {
      if batch.rows[sentRows].toTopic { try sendScore(sentRows, of: batch) }
      sentRows += 1
    }
    while sentLetters < batch.deadLetters.count {
      if batch.deadLetters[sentLetters].toTopic { try sendDeadLetter(sentLetters, of: batch) }
      sentLetters += 1
    }
    unfinished = nil
    producer.poll(timeoutMs: 0)
  }

  /// The rows with `toTopic` whose messages the topic of scores will never take, because they are too large.
  public func refused(_ batch: ScoredBatch) throws -> [Int] {
    guard ScoreEncoder.scoreBytesMax(batch.context) > limits.scoresBytes else { return [] }
    fit(batch)
    return batch.rows.indices.filter { index in
      guard batch.rows[index].toTopic else { return false }
      encoder.encodeScore(index, of: batch)
      let id = batch.events.events[Int(batch.rows[index].event)].entityID
      return encoder.bytes.count + batch.events.withBytes(of: id) { $0.count } > limits.scoresBytes
    }
  }

  private func fit(_ batch: ScoredBatch) {
    guard !encoder.fits(batch.context) else { return }
    encoder = ScoreEncoder(batch.context, encoding: configuration.encoding)
  }

  /// Waits up to `timeoutMs` for all acknowledgements. Returns whether all have come.
  ///
  /// Throws `.unavailable` when a broker finds messages too large: the sink knows the limit better then, and the batch is to be
  /// made and sent anew. Throws `.refused`, naming code and topic, when a message cannot be delivered however long one waits.
  public func flush(timeoutMs: Int) throws -> Bool {
    let isDone = producer.flush(timeoutMs: timeoutMs)
    if let error = producer.takeDeliveryError() {
      let tooLarge = producer.takeTooLarge()
      guard error.kind == .tooLarge, !tooLarge.isEmpty else { throw error.port("kafka producer") }
      limits.learn(tooLarge)
      mustReplace = true
      throw PortError(
        .unavailable, "kafka producer: a message was too large for its topic; sending again",
        cause: error.description, reason: .recordTooLarge)
    }
    if let error = producer.takeError(), !error.isRetriable { throw error.port("kafka producer") }
    return isDone
  }

  /// Closes; what is not acknowledged may be lost.
  public func close() { producer.close() }

  private func sendScore(_ index: Int, of batch: ScoredBatch) throws(PortError) {
    encoder.encodeScore(index, of: batch)
    let id = batch.events.events[Int(batch.rows[index].event)].entityID
    var failure: KafkaError?
    repeat {
      failure = batch.events.withBytes(of: id) { key in
        produce(to: scores, key: key, headers.score)
      }
    } while try mustRetry(failure, topic: configuration.scoresTopic)
  }

  private func sendDeadLetter(_ index: Int, of batch: ScoredBatch) throws(PortError) {
    guard let deadLetters, let name = configuration.deadLetterTopic else { return }
    let letter = batch.deadLetters[index]
    let record = batch.records[letter.record]
    headers.setRecord(record, reason: letter.reason)
    let key = encodeDeadLetter(letter, record, of: batch)
    var failure: KafkaError?
    repeat {
      failure = produce(to: deadLetters, key: key, headers.deadLetter)
    } while try mustRetry(failure, topic: name)
  }

  /// Writes a letter that its topic takes: with key and value as long as they may be, at worst with reason and position. Returns the
  /// message's key.
  private func encodeDeadLetter(
    _ letter: DeadLetter, _ record: RawRecord, of batch: ScoredBatch
  ) -> UnsafeRawBufferPointer {
    var bytesMax = configuration.deadLetterBytesMax
    while true {
      encoder.encodeDeadLetter(letter, of: batch, bytesMax: bytesMax)
      let key = record.key.count <= bytesMax ? record.key : Self.none
      let excess = encoder.bytes.count + key.count - limits.lettersBytes
      if excess <= 0 || bytesMax == 0 { return key }
      let kept = min(bytesMax, record.key.count + record.value.count)
      // Base64 makes four bytes of three; a key stands in the letter twice.
      bytesMax = max(0, min(kept - max(excess / 2, 1), kept * 15 / 16))
    }
  }

  private static var none: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  private func produce(
    to topic: KafkaTopic, key: UnsafeRawBufferPointer, _ headers: UnsafeBufferPointer<KafkaHeader>
  ) -> KafkaError? {
    encoder.bytes.withUnsafeBytes { value in
      do throws(KafkaError) {
        try producer.produce(to: topic, key: key, value: value, headers: headers)
        return nil
      } catch {
        return error
      }
    }
  }

  /// Whether to produce the message again: the queue was full, and has room now. Throws what waiting does not mend.
  private func mustRetry(_ failure: KafkaError?, topic: String) throws(PortError) -> Bool {
    sendFailure = failure
    guard let failure else { return false }
    guard failure.kind == .queueFull else { throw failure.port("kafka topic \(topic): produce") }
    let before = producer.outstanding
    var waitedMs = 0
    while producer.outstanding == before {
      guard waitedMs < configuration.queueFullWaitMsMax else {
        throw failure.port("kafka topic \(topic): produce")
      }
      producer.poll(timeoutMs: Self.queueStepMs)
      waitedMs += Self.queueStepMs
    }
    return true
  }

  private static let queueStepMs = 50

  /// Makes the topics that are missing. Returns each topic's `max.message.bytes`, as far as the brokers tell it.
  private static func findTopics(
    _ configuration: TopicSinkConfiguration, _ properties: KafkaConfiguration
  ) throws(PortError) -> [String: Int] {
    var limits: [String: Int] = [:]
    let admin: KafkaAdmin
    do throws(KafkaError) {
      admin = try KafkaAdmin(properties)
    } catch {
      throw error.port("kafka")
    }
    defer { admin.close() }
    for name in [configuration.scoresTopic] + (configuration.deadLetterTopic.map { [$0] } ?? []) {
      do throws(KafkaError) {
        let timeoutMs = configuration.answerTimeoutMs
        if try admin.metadata(topic: name, timeoutMs: timeoutMs) != nil {
          // Who may not ask learns it from what is refused.
          let settings = try? admin.topicSettings(name, timeoutMs: timeoutMs)
          limits[name] = settings?["max.message.bytes"].flatMap { Int($0) }
          continue
        }
        if configuration.createsTopics {
          _ = try admin.createTopic(
            name, partitions: configuration.partitions, replication: configuration.replication,
            timeoutMs: timeoutMs)
          continue
        }
      } catch {
        throw error.port("kafka topic \(name)")
      }
      throw PortError(
        .refused, "kafka topic \(name): no such topic, and making topics is turned off", reason: .topicMissing
      )
    }
    return limits
  }
}
