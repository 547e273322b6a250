import Features
package import Configuration
package import Dataflow
package import Ingest

/// What an operation reaches of one pipeline: its log, its states, its tables, and whoever asked for it. The program makes it of
/// settings, a test of memory. All calls throw `PortError` or `Failure`.
package protocol PipelineAccess {
  /// The pipeline as declared.
  var pipeline: LoadedPipeline { get }
  /// What the operator has set; only values, nothing is connected by them.
  var settings: Settings { get }
  /// Takes what an operation has to say.
  var report: any OperationReport { get }

  /// The same surroundings under other settings: another generation, topic or table.
  func with(_ settings: Settings) -> Self

  /// Partitions of the topic of events.
  func partitionCount() throws -> Int32
  /// A part of the topic's log. `reader` names the client to the brokers. The caller closes it.
  func openLog(_ part: LogPart, reader: String) throws -> any LogSource
  /// Decodes records of a log whose entities live by `homes`.
  func makeDecoder(_ homes: KeyHomes) throws -> any RecordDecoder
  /// The states of the generation that the settings name. The caller closes it.
  func openStates(partitionCount: Int32) throws -> any StateSurvey
  /// T of partitions, read beside a running pipeline; nil: none, or no table.
  func tablePositions(_ partitions: [Int32]) throws -> [TablePosition?]
  /// C and the log's bounds of partitions, and the log's identity. Joins no group.
  func logPositions(_ partitions: [Int32]) throws -> LogPositions
  /// C of partitions, in order; nil: the broker does not let this user read the group's offsets.
  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?]?
  /// Appends to the topic of events. The caller closes it.
  func makeAppender() throws -> any EventAppending
}

extension PipelineAccess {
  /// A file of events, or several as one log in this order; a log of one partition.
  package func openFiles(_ paths: [String]) throws -> FileSource {
    let input = pipeline.declaration.input
    if input?.time == .ingest && settings.fileTime == nil {
      throw Failure(
        "records of files have no timestamp, and event_time of \(pipeline.file) is ingest: say when they were taken, with "
          + "--ingest-time TIME", reason: .usage)
    }
    return try FileSource(
      paths: paths, topic: settings.topic, limits: settings.decoderLimits,
      reading: FileReading(
        input: input, needsKeys: pipeline.program.keepsState,
        ingestTimeMs: settings.fileTime.map { $0 / 1000 } ?? -1))
  }
}

/// Where a group and a log stand.
package struct LogPositions {
  /// C, by partition as asked; nil: none.
  package var committed: [CommittedOffset?]
  /// First and next offsets, in the same order.
  package var bounds: [LogBounds]
  package var log: LogIdentity

  package init(committed: [CommittedOffset?], bounds: [LogBounds], log: LogIdentity) {
    self.committed = committed
    self.bounds = bounds
    self.log = log
  }
}

/// States that can be looked through as a whole.
package protocol StateSurvey: StateStore {
  /// Reads all stored states of all partitions, in no order; pointers are valid during the call. One that is written meanwhile may come
  /// twice; one that is there all the time is not missed.
  func forEachState(
    _ body: (_ partition: Int32, _ entityID: [UInt8], _ state: UnsafeRawBufferPointer) throws -> Void
  ) throws
  /// Numbers of partition records and states of every generation that the pipeline has here.
  func generations() throws -> [UInt64: (records: Int, states: Int)]
  /// Removes records and states of this generation, with which nobody works.
  func removeGeneration() throws
}

/// Appends records to the topic of events: ticks, erasures, dead letters once more.
package protocol EventAppending: AnyObject {
  /// Queues a record where its key belongs; one without a key on `partition`. Headers' values are text. Throws `RecordTooLarge`, then
  /// nothing is queued, and `Failure`.
  func append(
    key: [UInt8]?, value: [UInt8]?, headers: [(name: StaticString, value: String)], partition: Int32
  ) throws
  /// Waits until all records are acknowledged. Throws `Failure` when one was refused or the brokers do not answer.
  func flush() throws
  /// Closes; what is not acknowledged may be lost.
  func close()
}

/// A record that is larger than the topic takes.
package struct RecordTooLarge: Error, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}
