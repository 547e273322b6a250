public import Dataflow
import Events
import Kafka

/// Scores and dead letters as messages of two topics. One thread; call `close`.
///
/// A score's key is the entity id, a dead letter's the record's own; keys are spread by the configuration's `partitioner`. Headers carry
/// what is not a function of the log: `scored-at-us` (wall clock, microseconds UTC), and `content-type`; a dead
/// letter's also `reason`, `source-topic`, `source-partition`, `source-offset` and `value-bytes` (the record's own
/// size; its value is cut to `deadLetterBytesMax`). Messages have no timeout: an outage of the brokers is waited out by
/// whoever calls `flush`. When `send` throws `.unavailable`, the queue was full: send the same batch again, it goes on
/// where it stopped.
public final class KafkaTopicSink: TopicSink {
  private let configuration: TopicSinkConfiguration
  let producer: KafkaProducer
  /// Why `send` failed last.
  private(set) var sendFailure: KafkaError?
  private let scores: KafkaTopic
  private let deadLetters: KafkaTopic?
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
  public init(_ configuration: TopicSinkConfiguration, context: ScoreContext) throws(PortError) {
    self.configuration = configuration
    encoder = ScoreEncoder(context, encoding: configuration.encoding)
    headers = TopicMessageHeaders(contentType: configuration.encoding.contentType, topic: context.topic)
    var properties = try configuration.kafka()
    try Self.findTopics(configuration, properties)
    if let id = configuration.transactionalID {
      properties.set("transactional.id", id)
      properties.set("transaction.timeout.ms", "\(configuration.transactionTimeoutMs)")
    }
    properties.set("compression.codec", configuration.compression)
    do throws(KafkaError) {
      producer = try KafkaProducer(properties, partitioner: configuration.partitioner.librdkafkaName)
    } catch {
      throw error.port("kafka producer")
    }
    do throws(KafkaError) {
      scores = try producer.topic(configuration.scoresTopic)
      deadLetters = if let name = configuration.deadLetterTopic { try producer.topic(name) } else { nil }
    } catch {
      producer.close()
      throw error.port("kafka producer")
    }
  }

  /// Queues messages of all rows and letters with `toTopic`; does not wait for acknowledgements.
  public func send(_ batch: ScoredBatch) throws {
    let first = batch.records.records.first
    let mark = BatchMark(
      scoredAt: batch.scoredAtMicros, rows: batch.rows.count, letters: batch.deadLetters.count,
      records: batch.records.records.count, partition: first?.partition ?? -1, offset: first?.offset ?? -1)
    if unfinished != mark { (sentRows, sentLetters) = (0, 0) }
    unfinished = mark
    if !encoder.fits(batch.context) {
      encoder = ScoreEncoder(batch.context, encoding: configuration.encoding)
    }
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

  /// Waits up to `timeoutMs` for all acknowledgements. Returns whether all have come.
  ///
  /// Throws `.refused`, naming code and topic, when a message cannot be delivered however long one waits.
  public func flush(timeoutMs: Int) throws -> Bool {
    let isDone = producer.flush(timeoutMs: timeoutMs)
    if let error = producer.takeDeliveryError() { throw error.port("kafka producer") }
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
    let record = batch.records.records[Int(letter.record)]
    encoder.encodeDeadLetter(letter, of: batch, bytesMax: configuration.deadLetterBytesMax)
    headers.setRecord(record, reason: letter.reason)
    let key = record.key.count <= configuration.deadLetterBytesMax ? record.key : Self.none
    var failure: KafkaError?
    repeat {
      failure = produce(to: deadLetters, key: key, headers.deadLetter)
    } while try mustRetry(failure, topic: name)
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

  private static func findTopics(_ configuration: TopicSinkConfiguration, _ properties: KafkaConfiguration)
    throws(PortError)
  {
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
        if try admin.metadata(topic: name, timeoutMs: timeoutMs) != nil { continue }
        if configuration.createsTopics {
          _ = try admin.createTopic(
            name, partitions: configuration.partitions, replication: configuration.replication,
            timeoutMs: timeoutMs)
          continue
        }
      } catch {
        throw error.port("kafka topic \(name)")
      }
      throw PortError(.refused, "kafka topic \(name): no such topic, and making topics is turned off")
    }
  }
}
