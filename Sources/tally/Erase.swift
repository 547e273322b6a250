import ArgumentParser
import Dataflow
import FeatureStore
import Foundation
import Kafka
import Pipeline

/// `tally erase`: forgets a person.
struct Erase: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Appends an erasure: a person's state, rows and dead letters go.",
    discussion: """
      The erasure is an event in the log. When the pipeline reaches it, the person's state in Redis goes, and so do the
      rows in scores, latest_scores and dead_letters; a replay of the log ends the same. What comes later starts from
      nothing. Topics keep what they hold (events, scores, dead letters) until their retention ends: Kafka cannot take
      single records back.

      Examples:
        tally erase alice
        tally erase alice --wait 30     # until the pipeline has done it
      """)

  @Argument(help: "Entity id.") var id: String
  @OptionGroup var connection: ConnectionOptions
  @Option(help: "Wait up to so many seconds until state and table are rid of the person.") var wait: Int?
  @Option(help: "Partition that the person's events are on, for a person without a state.") var partition:
    Int32?

  func run() throws {
    try reporting {
      let key = Array(id.utf8)
      guard !key.isEmpty, key.count <= 256, !key.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
        throw Failure("an entity id has 1 to 256 bytes without control characters")
      }
      let settings = try connection.settings()
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      let partitions = try settings.partitionCount()
      if let partition, !(0..<partitions).contains(partition) {
        throw Failure("--partition \(partition): \(settings.topic) has the partitions 0 to \(partitions - 1)")
      }
      let store = try settings.openStore(pipeline, partitionCount: partitions)
      defer { store.close() }
      let homes = try partition.map { [$0] } ?? self.homes(store, key, partitions)
      try append(settings, key, to: homes.isEmpty ? [-1] : homes)
      let ends = try settings.ends()
      say("erase: appended to \(settings.topic); done when the pipeline gets there")
      if homes.isEmpty {
        complain(
          "tally: the store has no state of this person: the erasure went to the partition of murmur2(id); if your "
            + "producers partition differently, name it with --partition")
      }
      if let wait { try waitUntilDone(wait, ends, settings, pipeline, store) }
    }
  }

  /// Partitions that have a state of the person.
  private func homes(_ store: any StateStore, _ key: [UInt8], _ partitions: Int32) throws -> [Int32] {
    var homes: [Int32] = []
    try key.withUnsafeBytes { raw in
      try store.fetch(
        partitions: [], entities: (0..<partitions).map { EntityRequest(partition: $0, entityID: raw) },
        record: { _, _ in }, state: { index, bytes in if bytes != nil { homes.append(Int32(index)) } },
        moved: { _, _ in })
    }
    return homes
  }

  private func append(_ settings: Settings, _ key: [UInt8], to homes: [Int32]) throws {
    let now = SystemClock().wallMicros()
    let appender = try EventAppender(settings)
    defer { appender.close() }
    for partition in homes {
      try appender.append(
        partition: partition, key: key,
        value: ControlEvent.erasure(id: "erase-\(now)", entityID: key, time: now),
        headers: [("content-type", "application/x-protobuf")])
    }
    try appender.flush()
  }

  /// Waits until W and T of all partitions have passed these ends.
  private func waitUntilDone(
    _ seconds: Int, _ ends: [Int64], _ settings: Settings, _ pipeline: LoadedPipeline, _ store: any StateStore
  ) throws {
    let deadline = Date().addingTimeInterval(Double(seconds))
    let numbers = ends.indices.map { Int32($0) }
    repeat {
      let records = try store.records(numbers).map { $0.flatMap { PartitionRecord.decode($0)?.record } }
      let table = try settings.tablePositions(pipeline, numbers)
      let isDone = ends.indices.allSatisfy { index in
        let next = records[index]?.nextOffset ?? 0
        return (next >= ends[index] || ends[index] == 0) && (table[index] ?? next) >= min(next, ends[index])
      }
      if isDone { return say("erase: done") }
      usleep(200_000)
    } while Date() < deadline
    throw Failure(
      "the pipeline has not got there within \(seconds) s; is tally run working? See tally status")
  }
}
