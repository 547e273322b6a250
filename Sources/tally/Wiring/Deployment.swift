import Configuration
import Dataflow
import FeatureStore
import Features
import Ingest
import Kafka
import Operations
import Pipeline

/// A pipeline in its real surroundings, as the settings name them: what operations work on.
struct Deployment: PipelineAccess {
  let settings: Settings
  let pipeline: LoadedPipeline
  let report: any OperationReport

  init(_ settings: Settings, _ pipeline: LoadedPipeline, report: any OperationReport = TerminalReport()) {
    self.settings = settings
    self.pipeline = pipeline
    self.report = report
  }

  func with(_ settings: Settings) -> Deployment { Deployment(settings, pipeline, report: report) }

  func partitionCount() throws -> Int32 { try settings.partitionCount() }

  func openLog(_ part: LogPart, reader: String) throws -> any LogSource {
    try TopicLogSource(settings.sourceConfiguration(group: reader), part)
  }

  func makeDecoder(_ homes: KeyHomes) throws -> any RecordDecoder {
    try settings.makeDecoder(pipeline, homes: homes)
  }

  func openStates(partitionCount: Int32) throws -> any StateSurvey {
    guard !pipeline.program.keepsState else {
      return try settings.makeStore(pipeline, partitionCount: partitionCount)
    }
    if let path = settings.checkpoint { return CheckpointStore(CheckpointFile(path)) }
    return try offsetStore()
  }

  /// The records beside the group's offsets. One that is written reaches them only while nobody is in the group.
  private func offsetStore() throws -> OffsetStore {
    let consumer = try makeMember()
    let what = "kafka \(settings.brokers): offsets of group \(settings.groupName(of: pipeline))"
    return OffsetStore(
      read: { partitions in
        try ported(what) { () throws(KafkaError) in try Self.committed(partitions, by: consumer) }
      },
      move: { mark in
        do throws(KafkaError) {
          try consumer.commit([
            KafkaPosition(partition: mark.partition, offset: mark.shown, metadata: mark.metadata)
          ])
          return .written
        } catch {
          guard error.kind == .groupMoved else { throw error.port(what) }
          return .conflict
        }
      },
      end: { consumer.close() })
  }

  func tablePositions(_ partitions: [Int32]) throws -> [TablePosition?] {
    try settings.tablePositions(pipeline, partitions)
  }

  func makeAppender() throws -> any EventAppending { try EventAppender(settings) }

  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?]? {
    do throws(KafkaError) {
      return try asMember { consumer throws(KafkaError) in try Self.committed(partitions, by: consumer) }
    } catch {
      guard error.kind == .denied else {
        throw Failure("kafka \(settings.brokers): \(error)", reason: .kafkaUnavailable)
      }
      return nil
    }
  }

  func logPositions(_ partitions: [Int32]) throws -> LogPositions {
    do throws(KafkaError) {
      return try asMember { consumer throws(KafkaError) in
        let cluster = try consumer.clusterID(timeoutMs: Settings.startTimeoutMs)
        var bounds: [LogBounds] = []
        for partition in partitions {
          let marks = try consumer.watermarks(partition, timeoutMs: Settings.startTimeoutMs)
          bounds.append(LogBounds(low: marks.low, high: marks.high))
        }
        return LogPositions(
          committed: try Self.committed(partitions, by: consumer), bounds: bounds,
          log: LogIdentity(clusterID: cluster, partitionCount: Int32(partitions.count)))
      }
    } catch { throw Failure("kafka \(settings.brokers): \(error)", reason: .kafkaUnavailable) }
  }

  /// A consumer that may ask for the group's offsets, and joins nothing.
  private func asMember<Result>(
    _ body: (KafkaConsumer) throws(KafkaError) -> Result
  ) throws(KafkaError) -> Result {
    let consumer = try makeMember()
    defer { consumer.close() }
    return try body(consumer)
  }

  private func makeMember() throws(KafkaError) -> KafkaConsumer {
    var configuration = settings.kafkaConfiguration()
    configuration.set("group.id", settings.groupName(of: pipeline))
    return try KafkaConsumer(configuration, topic: settings.topic)
  }

  private static func committed(
    _ partitions: [Int32], by consumer: KafkaConsumer
  ) throws(KafkaError) -> [CommittedOffset?] {
    try consumer.committed(partitions, timeoutMs: Settings.startTimeoutMs).map {
      $0.map { CommittedOffset($0.offset, metadata: $0.metadata) }
    }
  }
}

extension RedisStateStore: StateSurvey {}
extension CheckpointStore: StateSurvey {}
