import Dataflow
import Events
import FeatureStore
import Ingest
import Pipeline
import Sink

/// Where scores and dead letters go as rows.
enum TableSettings: Equatable, CustomReflectable {
  case none
  /// Path of a database file.
  case sqlite(String)
  /// libpq connection string or URI; may hold a password.
  case postgres(String)

  /// Nothing to look into.
  var customMirror: Mirror { Mirror(self, children: []) }
}

/// A property that is passed through to librdkafka.
struct KafkaProperty {
  let name: String
  let value: GivenSecret
}

/// Everything that a run needs to know besides the pipeline; the defaults suit one machine. Its text shows no secret.
struct Settings: CustomStringConvertible, CustomReflectable {
  /// Pipeline file.
  var pipeline = "pipelines/engagement.yaml"
  /// Folder of model files.
  var models = "models"
  /// What is promised of the topic of scores.
  var delivery = DeliveryGuarantee.effectivelyOnce
  /// `host:port`, comma-separated.
  var brokers = "127.0.0.1:9092"
  /// Topic to read.
  var topic = "events"
  /// Consumer group; empty: `tally-PIPELINE`.
  var group = ""
  /// How the producers of the topic spread keys; nil: not given, murmur2.
  var partitioner: Partitioner?
  /// Silence after which the group gives this process' partitions to others; what a restart after a kill waits for.
  var sessionTimeoutMs = 10_000
  /// What a worker fetches ahead, at most.
  var prefetchBytes = 32 << 20
  /// Passed through to librdkafka, for reading and writing; each name once.
  var kafkaProperties: [KafkaProperty] = []
  /// redis:// URL or unix path.
  var redis = "redis://127.0.0.1:6379/0"
  /// User and password beside the URL's.
  var redisUser: String?
  var redisPassword: GivenSecret?
  /// In front of every key.
  var redisPrefix = "tally:"
  var redisConnectTimeoutMs = 2_000
  var redisCommandTimeoutMs = 2_000
  /// Whether states of the silent expire (after twice the pipeline's idle TTL).
  var redisExpiry = true
  /// Store generation.
  var generation: UInt64 = 1
  /// Instructions that models are evaluated with: one of `Kernel.choices`.
  var kernel = "auto"
  /// Whether models are served that were trained with features of another meaning: given at the command line alone.
  var acceptsChangedFeatures = false
  /// Bounds of the cache in front of the store, of all workers together.
  var cacheEntries = 100_000
  var cacheBytes = 256 << 20
  /// Topics to write; no dead letters' topic when that is empty.
  var scoresTopic = "scores"
  var deadLettersTopic = "dead-letters"
  var encoding = "json"
  var compression = "lz4"
  /// Whether missing sink topics are created.
  var createTopics = true
  /// Exactly once: names this process to the brokers, the same over all its lives; empty: made of pipeline, group and host.
  var transactionalID = ""
  /// How long readers of committed scores wait after a kill.
  var transactionTimeoutMs = 10_000
  var table = TableSettings.sqlite("tally.db")
  /// Schema of the tables in PostgreSQL; nil: the server's choice.
  var postgresSchema: String?
  /// Password in place of the connection string's.
  var postgresPassword: GivenSecret?
  /// libpq's keywords over those of the connection string, such as sslmode.
  var postgresOptions: [String: String] = [:]
  /// Keys that control events are signed by, one a line.
  var controlKeyFile: GivenSecret?
  /// Age at which letters go from the table, microseconds; nil: never.
  var lettersKeepMicros: Int64?
  /// Threads, each with its own consumer and connections.
  var workers = 1
  /// Latest event time of a record of a file: given at the command line alone.
  var latestTime: EventTime = .max
  /// Largest value that is decoded.
  var valueBytesMax = 256 << 10
  var worker = WorkerConfiguration()
  /// Longest time without a sign of life of a partition's broker, or without progress where there is lag, that counts as ready.
  var readyWithinMs = 15_000
  /// Where metrics and health are served: PORT, :PORT or HOST:PORT; nil: nowhere.
  var http: String?
  /// Relative paths that a configuration file of another folder has, by setting.
  var filePaths: [String: FilePath] = [:]
  /// Where every setting comes from that is not the default, by its path in the configuration file.
  var origins: [String: Origin] = [:]

  /// Where a setting comes from.
  func origin(of path: String) -> Origin { origins[path] ?? .builtIn }

  /// As `tally config` prints it.
  var description: String { SettingsText(self).yaml(origins: false) }
  /// Nothing to look into.
  var customMirror: Mirror { Mirror(self, children: []) }
}
