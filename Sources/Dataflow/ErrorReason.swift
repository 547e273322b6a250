/// Why something failed, by name: the one list behind error codes, `tally explain` and docs/reference/errors.md.
public enum ErrorReason: String, CaseIterable, Sendable {
  // What the operator has given.
  case usage
  case badSetting = "bad-setting"
  case badPipeline = "bad-pipeline"
  case badFile = "bad-file"
  case controlKeys = "control-keys"
  case notFound = "not-found"
  // Kafka.
  case kafkaUnavailable = "kafka-unavailable"
  case kafkaRefused = "kafka-refused"
  case topicMissing = "topic-missing"
  case topicRecreated = "topic-recreated"
  case topicSettings = "topic-settings"
  case partitionsChanged = "partitions-changed"
  case keysElsewhere = "keys-elsewhere"
  case logTruncated = "log-truncated"
  case logUnreadable = "log-unreadable"
  case offsetsReset = "offsets-reset"
  case recordTooLarge = "record-too-large"
  case exactlyOnceUnsupported = "exactly-once-unsupported"
  case copyMixed = "copy-mixed"
  // States.
  case redisUnavailable = "redis-unavailable"
  case redisRefused = "redis-refused"
  case lostState = "lost-state"
  case corruptState = "corrupt-state"
  case otherDefinition = "other-definition"
  case otherLog = "other-log"
  case newerVersion = "newer-version"
  case skipRefused = "skip-refused"
  // Tables.
  case tableUnavailable = "table-unavailable"
  case tableRefused = "table-refused"
  case tableForeign = "table-foreign"
  case tableBehind = "table-behind"
  case diskFull = "disk-full"
  // Models.
  case modelUnusable = "model-unusable"
  // Several at once.
  case twoOwners = "two-owners"
  case busy
  // Where nothing more is known.
  case unavailable
  case refused
  case internalFault = "internal-fault"
  case failed

  /// Whether it says nothing that the error's text does not say.
  public var isGeneric: Bool {
    switch self {
    case .unavailable, .refused, .internalFault, .failed: true
    default: false
    }
  }

  /// What it means, in one sentence.
  public var meaning: String { text.meaning }

  /// What the operator should do.
  public var whatToDo: String { text.whatToDo }

  private var text: (meaning: String, whatToDo: String) {
    switch self {
    case .usage: ("A command was given a value that it does not take.", "See the command's --help.")
    case .badSetting:
      (
        "A setting, or several together, cannot be used.",
        "The error names file, line and what is allowed; tally config --origin shows where each setting comes from."
      )
    case .badPipeline:
      (
        "The pipeline's file cannot be used.",
        "The error names line and column; tally check FILE checks it without a server."
      )
    case .badFile:
      (
        "A file cannot be read or written, or is not what it should be.",
        "Check its path, its permissions and its content."
      )
    case .controlKeys:
      (
        "The keys of control events and the pipeline's file do not fit together.",
        "Name the file with the keys that the pipeline declares: control.key_file."
      )
    case .notFound:
      (
        "There is no such entity, dead letter, run or version of a model, or no longer.",
        "List what is there: tally dead-letters list, tally runs, tally status, tally models list."
      )
    case .kafkaUnavailable:
      (
        "No broker answers, or not in time.",
        "Check that the brokers run and kafka.brokers is right. tally run waits and goes on by itself."
      )
    case .kafkaRefused:
      (
        "The brokers refuse what was asked.",
        "Check credentials, ACLs and kafka.properties; the error has the brokers' words."
      )
    case .topicMissing:
      (
        "The topic does not exist.",
        "Make it, with as many partitions as it shall ever have, or mend kafka.topic."
      )
    case .topicRecreated:
      (
        "The log is not the one that was scored: the topic was deleted and created again, or has lost its end.",
        "Go on under another kafka.group, redis.generation and table; the old ones belong to the old log."
      )
    case .topicSettings:
      (
        "The brokers keep the topic in a way that states cannot be made from, such as compaction or producers' timestamps.",
        "Change the topic's settings with the command in the error, or accept what that costs with the flag that it names."
      )
    case .partitionsChanged:
      (
        "The topic has another number of partitions than its states were made with, so that keys belong elsewhere.",
        "Copy the events with tally copy into a topic in which every key is at home, and read that one."
      )
    case .keysElsewhere:
      (
        "Keys or states lie on other partitions than kafka.partitioner says.",
        "Set kafka.partitioner to what the producers use; tally rebuild --strays brings states of earlier versions home."
      )
    case .logTruncated:
      (
        "The log no longer has records that are needed: retention or somebody has deleted them.",
        "Restore them; or go on without: tally run --accept-gap, tally rebuild --accept-shorter-log."
      )
    case .logUnreadable:
      (
        "A partition's log cannot be read on, and nothing proves that its bytes are at fault.",
        "Mend the brokers; or leave the offsets out for good: tally skip PARTITION:FROM-TO."
      )
    case .offsetsReset:
      (
        "The group's committed offset is not where Tally has put it: reset, deleted or expired.",
        "Put it back; or start once with --trust-offsets, if it is right."
      )
    case .recordTooLarge:
      (
        "A record is larger than its topic takes.",
        "Raise the topic's max.message.bytes and the client's message.max.bytes (-X)."
      )
    case .exactlyOnceUnsupported:
      (
        "The brokers do not move a group's offsets within transactions.",
        "Use delivery: effectively-once, or brokers of Apache Kafka 2.5 or later."
      )
    case .copyMixed:
      (
        "The topic that is copied into holds something else than this copy.",
        "Copy into a new topic, and let nobody else write to it."
      )
    case .redisUnavailable:
      (
        "Redis does not answer, or not in time.",
        "Check that it runs and redis.url is right. tally run waits and goes on by itself."
      )
    case .redisRefused:
      (
        "Redis refuses what was asked.",
        "Check user, password, ACLs and maxmemory-policy (noeviction); the error has its words."
      )
    case .lostState:
      (
        "States are gone, or older than what was delivered.",
        "Restore Redis; or let the states be rebuilt from the log: redis.on_lost_state: rebuild, or tally rebuild."
      )
    case .corruptState:
      (
        "A stored state or partition record cannot be read.",
        "Rebuild it: tally rebuild --entity ID, or tally rebuild for all."
      )
    case .otherDefinition:
      (
        "The states were made by another definition of the pipeline.",
        "Use the pipeline file that made them; or make states of this one beside them: tally rebuild."
      )
    case .otherLog:
      (
        "States and log do not belong together: another cluster or topic.",
        "Point kafka.brokers and kafka.topic at the log that the states belong to."
      )
    case .newerVersion:
      ("A newer version has written what this one cannot read.", "Run that version, or a newer one.")
    case .skipRefused:
      (
        "Offsets cannot be left out like this.",
        "The error names the range that can be; only what lies ahead can be left out."
      )
    case .tableUnavailable:
      (
        "The table's database does not answer, or is busy.",
        "Check that it runs and the connection string is right. tally run waits and goes on by itself."
      )
    case .tableRefused:
      (
        "The table's database refuses what was asked.",
        "Check role, grants and disk; the error has its words."
      )
    case .tableForeign:
      (
        "A table or column of that name is there and is not Tally's.",
        "Rename it, or give Tally another schema or file."
      )
    case .tableBehind:
      (
        "The table is behind what was delivered: it was restored or emptied.",
        "Restore table and store of the same age; or delete the table's position row, and it goes on without the missing rows."
      )
    case .diskFull: ("A disk is full.", "Make room. tally run waits and goes on by itself.")
    case .modelUnusable:
      (
        "A model cannot be served: its file, its inputs, or features that meant something else when it was trained.",
        "Train it again with tally train; tally check names the inputs. Of a registry tally models verify names what was altered, and tally models rollback goes back."
      )
    case .twoOwners:
      (
        "Another process works with what can only have one owner.",
        "Stop that one, or give each its own scores.transactional_id, SQLite file and run."
      )
    case .busy:
      (
        "Somebody else moved it at the same moment.",
        "Try again; stop tally run for a moment if that does not help."
      )
    case .unavailable:
      ("Something outside is down or slow.", "The error says what; tally run waits and goes on by itself.")
    case .refused:
      ("Something outside refuses, and trying again will not help.", "The error says what, in its own words.")
    case .internalFault:
      ("The program is at fault, or was put together wrongly.", "Please report it with the error's text.")
    case .failed: ("It did not work.", "The error says what and, where that is known, what to do.")
    }
  }
}
