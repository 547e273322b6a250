package import Dataflow
package import Events
import FeatureStore
import Ingest
package import Pipeline

/// Where scores and dead letters go as rows.
package enum TableSettings: Equatable, CustomReflectable {
  case none
  /// Path of a database file.
  case sqlite(String)
  /// libpq connection string or URI; may hold a password.
  case postgres(String)

  /// Nothing to look into.
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A property that is passed through to librdkafka.
package struct KafkaProperty {
  package let name: String
  package let value: GivenSecret
}

/// Everything that a run needs to know besides the pipeline; the defaults suit one machine. Its text shows no secret.
package struct Settings: CustomStringConvertible, CustomReflectable {
  /// Pipeline file.
  package var pipeline = "pipelines/engagement.yaml"
  /// Folder of model files.
  package var models = "models"
  /// Folder of the registry whose production versions take the place of model files; nil: none.
  package var registry: String?
  /// Folder of the checkpoints of replays that have no SQLite file.
  package var checkpoints = "."
  /// What is promised of the topic of scores.
  package var delivery = DeliveryGuarantee.effectivelyOnce
  /// `host:port`, comma-separated.
  package var brokers = "127.0.0.1:9092"
  /// Topic to read.
  package var topic = "events"
  /// Consumer group; empty: `tally-PIPELINE`.
  package var group = ""
  /// How the producers of the topic spread keys; nil: not given, murmur2.
  package var partitioner: Partitioner?
  /// Silence after which the group gives this process' partitions to others; what a restart after a kill waits for.
  package var sessionTimeoutMs = 10_000
  /// What a worker fetches ahead, at most.
  package var prefetchBytes = 32 << 20
  /// Passed through to librdkafka, for reading and writing; each name once.
  package var kafkaProperties: [KafkaProperty] = []
  /// redis:// URL or unix path.
  package var redis = "redis://127.0.0.1:6379/0"
  /// User and password beside the URL's.
  package var redisUser: String?
  package var redisPassword: GivenSecret?
  /// In front of every key.
  package var redisPrefix = "tally:"
  package var redisConnectTimeoutMs = 2_000
  package var redisCommandTimeoutMs = 2_000
  /// Whether states of the silent expire (after twice the pipeline's idle TTL).
  package var redisExpiry = true
  /// Store generation.
  package var generation: UInt64 = 1
  /// Instructions that models are evaluated with: one of `Kernel.choices`.
  package var kernel = "auto"
  /// Whether models are served that were trained with features of another meaning: given at the command line alone.
  package var acceptsChangedFeatures = false
  /// Bounds of the cache in front of the store, of all workers together.
  package var cacheEntries = 100_000
  package var cacheBytes = 256 << 20
  /// Topics to write; no dead letters' topic when that is empty.
  package var scoresTopic = "scores"
  package var deadLettersTopic = "dead-letters"
  package var encoding = "json"
  package var compression = "lz4"
  /// Whether missing sink topics are created.
  package var createTopics = true
  /// Exactly once: names this process to the brokers, the same over all its lives; empty: made of pipeline, group and host.
  package var transactionalID = ""
  /// How long readers of committed scores wait after a kill.
  package var transactionTimeoutMs = 10_000
  package var table = TableSettings.sqlite("tally.db")
  /// Schema of the tables in PostgreSQL; nil: the server's choice.
  package var postgresSchema: String?
  /// Password in place of the connection string's.
  package var postgresPassword: GivenSecret?
  /// libpq's keywords over those of the connection string, such as sslmode.
  package var postgresOptions: [String: String] = [:]
  /// Keys that control events are signed by, one a line.
  package var controlKeyFile: GivenSecret?
  /// Age at which letters go from the table, microseconds; nil: never.
  package var lettersKeepMicros: Int64?
  /// Threads, each with its own consumer and connections.
  package var workers = 1
  /// Latest event time of a record of a file: given at the command line alone.
  package var latestTime: EventTime = .max
  /// Ingest time of a file's records, microseconds; nil: they have none.
  package var fileTime: EventTime?
  /// Largest value that is decoded.
  package var valueBytesMax = 256 << 10
  package var worker = WorkerConfiguration()
  /// File in which a replay of a pipeline that keeps no state keeps its partition records; nil: this is no replay.
  package var checkpoint: String?
  /// Longest time without a sign of life of a partition's broker, or without progress where there is lag, that counts as ready.
  package var readyWithinMs = 15_000
  /// Where metrics and health are served: PORT, :PORT or HOST:PORT; nil: nowhere.
  package var http: String?
  /// How messages are written.
  package var log = LogSettings()
  /// The program, with its arguments, that reads batches which a consumer cannot unpack; empty: none does.
  package var batchReader: [String] = []
  /// Relative paths that a configuration file of another folder has, by setting.
  package var filePaths: [String: FilePath] = [:]
  /// Where every setting comes from that is not the default, by its path in the configuration file.
  package var origins: [String: Origin] = [:]

  /// The defaults.
  package init() {}

  /// Where a setting comes from.
  package func origin(of path: String) -> Origin { origins[path] ?? .builtIn }

  /// As `tally config` prints it.
  package var description: String { SettingsText(self).yaml(origins: false) }
  /// Nothing to look into.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
