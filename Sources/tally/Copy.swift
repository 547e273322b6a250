import ArgumentParser
import Dataflow
import Ingest
import Kafka

/// `tally copy`: a topic in which every key is at home.
struct Copy: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copies a topic into a new one in which every key lies on the partition that it belongs to.",
    discussion: """
      For a topic whose number of partitions was changed, or whose producers spread keys in different ways: events of one entity
      lie on several partitions then, and their order is lost. The new topic gets all records with key, value, headers and
      timestamp, each on the partition of its key by kafka.partitioner. Records of one key keep the order of their log; those
      of several partitions are merged by timestamp. A header, tally-copied-from, says where each came from.

      TO is made if it is not there, with as many partitions as FROM or --partitions, and keeps everything for ever
      (retention.ms=-1) with the timestamps of FROM (message.timestamp.type=CreateTime). Interrupted, the command goes on where it
      stood; run again later, it takes in what has come since. So: copy, stop the producers, copy once more, point the
      producers at TO, and start tally run there, with another group and redis.generation.

      Examples:
        tally copy events events-2
        tally copy events events-2 --partitions 32
        tally copy events events-2 --set kafka.partitioner=crc32
        tally copy events events-2 --topic-config retention.ms=31536000000 --topic-config max.message.bytes=2097152
      """)

  @Argument(help: "Topic to read.") var from: String
  @Argument(help: "Topic to write; new, or an earlier copy.") var to: String
  @OptionGroup var connection: ConnectionOptions
  @Option(help: "Partitions of TO when it is made (default: as many as FROM has).") var partitions: Int32?
  @Option(help: "Setting of TO when it is made, NAME=VALUE; may be given again.") var topicConfig: [String] =
    []

  func validate() throws {
    guard from != to else { throw ValidationError("FROM and TO are the same topic") }
    if let partitions, !(1...100_000).contains(partitions) {
      throw ValidationError("--partitions takes 1 to 100000")
    }
    for pair in topicConfig where !pair.contains("=") || pair.hasPrefix("=") {
      throw ValidationError("--topic-config \(pair): write NAME=VALUE")
    }
  }

  func run() throws {
    try reporting {
      var settings = try connection.settings()
      settings.topic = from
      let before = try settings.partitionCount()
      let count = try prepare(settings, before)
      let homes = settings.homes(count)
      let outcome = try TopicCopy(settings: settings, from: from, to: to).run(homes: homes)
      say(
        "copy: \(outcome.copied) records copied to \(to) (\(count) partitions, \(homes.partitioner.rawValue)), \(outcome.movedHome) of "
          + "them to another partition than before"
          + (outcome.before > 0 ? "; \(outcome.before) were there" : ""))
      if outcome.withoutKey > 0 {
        complain(
          "tally: \(outcome.withoutKey) records have no key and so no home; tally run makes them dead letters"
        )
      }
      say(
        "next: stop the producers, copy once more, point them at \(to); then tally run --topic \(to) with another group and "
          + "redis.generation. New records should get the broker's time: kafka-configs.sh --alter --entity-type topics "
          + "--entity-name \(to) --add-config message.timestamp.type=LogAppendTime (what was copied keeps its own), and the "
          + "retention that \(from) has")
    }
  }

  /// Makes TO if need be. Returns its number of partitions. Throws `Failure`.
  private func prepare(_ settings: Settings, _ before: Int32) throws -> Int32 {
    try settings.withAdmin { admin in
      if let there = try admin.metadata(topic: to, timeoutMs: Settings.startTimeoutMs) {
        if let partitions, partitions != there.partitionCount {
          throw Failure(
            "--partitions \(partitions): the topic \(to) is there and has \(there.partitionCount)")
        }
        try checkTimes(admin)
        return there.partitionCount
      }
      let wanted = partitions ?? before
      var entries = [
        "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
        "message.timestamp.type": "CreateTime",
      ]
      // What FROM holds must fit. Where its settings may not be read, the broker says which record does not.
      entries["max.message.bytes"] = readable(admin, from)?["max.message.bytes"]
      for pair in topicConfig {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
          String.init)
        entries[parts[0]] = parts[1]
      }
      guard entries["message.timestamp.type"] == "CreateTime" else { throw wrongTimes }
      _ = try admin.createTopic(
        to, partitions: wanted, settings: entries, timeoutMs: Settings.startTimeoutMs)
      return wanted
    }
  }

  /// Throws `Failure` when TO would replace the timestamps: an event would be compared with another moment than before.
  private func checkTimes(_ admin: KafkaAdmin) throws {
    if readable(admin, to)?["message.timestamp.type"] == "LogAppendTime" { throw wrongTimes }
  }

  private var wrongTimes: Failure {
    Failure(
      "topic \(to): with message.timestamp.type=LogAppendTime the records' timestamps would be lost: let it be CreateTime while "
        + "tally copy works")
  }

  /// A topic's settings; nil: they cannot be read.
  private func readable(_ admin: KafkaAdmin, _ topic: String) -> [String: String]? {
    (try? admin.topicSettings(topic, timeoutMs: Settings.startTimeoutMs)) ?? nil
  }
}
