import Operations
import ArgumentParser
import Configuration
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
      stood; run again later, it takes in what has come since, with the same kafka.partitioner; only one at a time, and nobody else
      may write to TO meanwhile. So: copy, stop the producers, copy once more, set
      message.timestamp.type=LogAppendTime on TO (tally run refuses CreateTime), point the producers at TO, and start tally run there,
      with another group, redis.generation and table.

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
  @OptionGroup var compacted: CompactedOption

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
      let homes = KeyHomes(settings.partitioner ?? .murmur2, partitionCount: count)
      let outcome = try TopicCopy(settings: settings, report: TerminalReport(), from: from, to: to).run(
        homes: homes)
      say(
        "copy: \(outcome.copied) records copied to \(to) (\(count) partitions, \(homes.partitioner.rawValue)), \(outcome.movedHome) of "
          + "them to another partition than before"
          + (outcome.before > 0 ? "; \(outcome.before) were there" : ""))
      if outcome.goneBefore > 0 {
        note(
          "\(from) no longer has its oldest records (\(outcome.goneBefore) offsets), and nothing in \(to) shows that: states "
            + "made from it know only what was copied"
        )
      }
      if outcome.withoutKey > 0 {
        note(
          "\(outcome.withoutKey) records have no key and so no home; tally run makes them dead letters"
        )
      }
      say(
        "next: stop the producers, copy once more; let new records get the broker's time: kafka-configs.sh --alter --entity-type "
          + "topics --entity-name \(to) --add-config message.timestamp.type=LogAppendTime (what was copied keeps its own), and set "
          + "the retention that \(from) has; point the producers at \(to); then tally run --topic \(to) with another group and "
          + "redis.generation")
    }
  }

  /// Makes TO if need be. Returns its number of partitions. Throws `Failure`.
  private func prepare(_ settings: Settings, _ before: Int32) throws -> Int32 {
    try settings.withAdmin { admin in
      let source = readable(admin, from)
      try checkWhole(source)
      if let there = try admin.metadata(topic: to, timeoutMs: Settings.startTimeoutMs) {
        if let partitions, partitions != there.partitionCount {
          throw Failure(
            "--partitions \(partitions): the topic \(to) is there and has \(there.partitionCount)",
            reason: .usage)
        }
        let target = readable(admin, to) ?? [:]
        try checkTarget(target)
        try checkKept(target, source, settings.brokers)
        return there.partitionCount
      }
      let wanted = partitions ?? before
      var entries = [
        "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
        "message.timestamp.type": "CreateTime",
      ]
      // What FROM holds must fit. Where its settings may not be read, the broker says which record does not.
      entries["max.message.bytes"] = source?["max.message.bytes"]
      for pair in topicConfig {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
          String.init)
        entries[parts[0]] = parts[1]
      }
      try checkTarget(entries)
      _ = try admin.createTopic(
        to, partitions: wanted, settings: entries, timeoutMs: Settings.startTimeoutMs)
      return wanted
    }
  }

  /// Throws `Failure` when FROM lacks records in its middle: TO would look whole.
  private func checkWhole(_ source: [String: String]?) throws {
    guard let policy = LogTerms(source ?? [:]).unsafePolicy else { return }
    let found =
      "topic \(from): cleanup.policy is \(policy): the brokers have removed records from the middle of the log, and \(to) would "
      + "show no sign of it"
    guard compacted.isAccepted else {
      throw Failure("\(found); go on with --accept-compacted", reason: .topicSettings)
    }
    warn("\(found): tally rebuild and tally verify cannot tell")
  }

  /// Throws `Failure` when TO would replace the timestamps, so that an event would be compared with another moment than before, or
  /// remove records from its middle. Warns when it forgets.
  private func checkTarget(_ entries: [String: String]) throws {
    if let times = entries["message.timestamp.type"], times != "CreateTime" { throw wrongTimes }
    let terms = LogTerms(entries)
    if let policy = terms.unsafePolicy {
      throw Failure(
        "topic \(to): cleanup.policy is \(policy): the brokers would remove records that were copied; let it be delete",
        reason: .topicSettings
      )
    }
    if let kept = terms.keptMs {
      warn(
        "topic \(to): retention.ms is \(kept), and copies keep their timestamps: the brokers soon remove those that "
          + "are older")
    }
  }

  /// Throws `Failure` when TO, which somebody else has made, forgets earlier than FROM: what is older would be gone as soon as it is
  /// copied.
  private func checkKept(_ target: [String: String], _ source: [String: String]?, _ brokers: String) throws {
    guard let source, let kept = LogTerms(target).keptMs else { return }
    let before = LogTerms(source).keptMs
    let option = "retention.ms=\(kept)"
    guard kept < before ?? .max, !topicConfig.contains(option) else { return }
    let wanted = before.map(String.init) ?? "-1"
    throw Failure(
      "topic \(to): retention.ms is \(kept), less than \(from) has (\(wanted)): copies keep their timestamps, and what is older "
        + "would be removed again; "
        + TopicName(name: to, brokers: brokers).command("retention.ms=\(wanted)")
        + ", or accept it with --topic-config \(option)", reason: .topicSettings)
  }

  private var wrongTimes: Failure {
    Failure(
      "topic \(to): with message.timestamp.type=LogAppendTime the records' timestamps would be lost: let it be CreateTime while "
        + "tally copy works", reason: .topicSettings)
  }

  /// A topic's settings; nil: they cannot be read.
  private func readable(_ admin: KafkaAdmin, _ topic: String) -> [String: String]? {
    (try? admin.topicSettings(topic, timeoutMs: Settings.startTimeoutMs)) ?? nil
  }
}
