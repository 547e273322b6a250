import Dataflow
import Declaration
import FeatureStore
import Ingest
import Pipeline
import Scorer
import Serve

extension Setting {
  /// Every setting, in the order in which the file shows them.
  package static let all: [Setting] =
    top + kafka + redis + cache + scores + table + letters + control + worker + http + log

  /// Names of the sections.
  package static let sections = all.map(\.section).filter { !$0.isEmpty }.reduce(into: [String]()) {
    names, name in
    if !names.contains(name) { names.append(name) }
  }

  /// What a section is for; the empty name: the settings that stand in none.
  package static func meaning(ofSection name: String) -> String {
    switch name {
    case "": "The pipeline, its models, and what is promised."
    case "kafka": "The brokers, the topic of events, and how it is read."
    case "redis": "The store of states."
    case "cache": "States kept in memory in front of the store, by all workers of a process together."
    case "scores": "What is written to topics."
    case "table": "Scores and dead letters as rows: one of postgres, sqlite and none."
    case "dead_letters": "Dead letters in the table."
    case "control": "For a pipeline that has ticks and erasures signed (control: in its file)."
    case "worker": "The threads that score."
    case "http": "Metrics and health, served by tally run."
    case "log": "Messages on standard error."
    default: ""
    }
  }

  /// Milliseconds.
  private static let second: Int64 = 1000
  private static let minute: Int64 = 60_000

  private static let top = [
    path("pipeline", \.pipeline, "File that declares the pipeline: events, features, models.")
      .flags("--pipeline"),
    path("models", \.models, "Folder of model files.").flags("--models"),
    path(
      "registry",
      "Folder of a registry of models: what is scored with are its production versions, not the files in models; tally train "
        + "registers there. Not set: there is none."
    ) { text, _, settings in
      settings.registry = text
    } get: {
      $0.registry
    }.flags("--registry").example("registry"),
    path(
      "checkpoints", \.checkpoints,
      "Folder in which a replay of a pipeline without state (state: none) keeps how far it is, unless its table is a SQLite file: then "
        + "that is beside it."),
    choice(
      "delivery", \.delivery,
      "What is promised of the topic of scores. effectively-once: after a crash it may repeat a record, byte for byte. "
        + "exactly-once: topic and offsets go in transactions."
    ).flags("--delivery"),
  ]

  private static let kafka = [
    text(
      "kafka.brokers", \.brokers, TextRule(allowed: "host:port,…"), "Brokers to begin with, comma-separated."
    ).alias("TALLY_BROKERS").flags("--brokers"),
    text("kafka.topic", \.topic, topicName, "Topic of events to read.").alias("TALLY_TOPIC")
      .flags("--topic"),
    text(
      "kafka.group", \.group, TextRule(allowed: "a text", mayBeEmpty: true),
      "Consumer group. Empty: tally-PIPELINE."
    ).alias("TALLY_GROUP").flags("--group"),
    partitioner,
    choice("kafka.start_at", \.worker.startAt, "Where a pipeline without any position begins.")
      .flags("--start-at"),
    time(
      "kafka.session_timeout", \.sessionTimeoutMs, in: second...30 * minute,
      "Silence after which the group gives this process' partitions to others: what a restart after a kill waits for."
    ),
    bytes(
      "kafka.prefetch_size", \.prefetchBytes, in: 1 << 20...1 << 30,
      "What a worker fetches ahead, at most."),
    properties(
      "kafka.properties", .value,
      "Properties of librdkafka by name, for consumers, producers and admin clients alike. A secret had better come from "
        + "properties_file or properties_env."
    ).flags("-X", "--property").masked().example([
      ("security.protocol", "sasl_ssl"), ("ssl.ca.location", "/etc/ssl/kafka-ca.pem"),
      ("sasl.mechanisms", "SCRAM-SHA-512"), ("sasl.username", "tally"),
    ]),
    properties(
      "kafka.properties_env", .variable,
      "Properties of librdkafka, each with the name of an environment variable that holds its value."
    ).example([("ssl.key.password", "KAFKA_KEY_PASSWORD")]),
    properties(
      "kafka.properties_file", .path,
      "Properties of librdkafka, each with the path of a file whose content is its value."
    ).example([("sasl.password", "/run/secrets/kafka")]),
  ]

  private static let redis =
    [
      redisURL.alias("TALLY_REDIS").flags("--redis").masked(),
      optional(
        "redis.user", \.redisUser, .any, "User of Redis; the password comes from one of the next settings."
      )
      .example("tally"),
    ]
    + password(
      "redis.password", \.redisPassword, of: "Redis", examples: ("/run/secrets/redis", "REDIS_PASSWORD"))
    + [
      text(
        "redis.prefix", \.redisPrefix,
        TextRule(
          allowed: "a text without braces: they mark the hash tag", pattern: #"[^{}]*"#, mayBeEmpty: true),
        "In front of every key."
      ).flags("--redis-prefix"),
      generation.flags("--generation"),
      time(
        "redis.connect_timeout", \.redisConnectTimeoutMs, in: 1...minute, "Longest wait for a connection."),
      time("redis.command_timeout", \.redisCommandTimeoutMs, in: 1...minute, "Longest wait for an answer."),
      flag(
        "redis.expiry", \.redisExpiry,
        "Whether states of silent entities expire, after twice the pipeline's idle_ttl."),
      choice(
        "redis.on_lost_state", \.worker.onLostState,
        "What to do about lost states: rebuild them from the log, or refuse to go on."
      ).flags("--on-lost-state"),
    ]

  private static let cache = [
    number("cache.entries", \.cacheEntries, in: 1...100_000_000, "States in memory, at most."),
    bytes("cache.size", \.cacheBytes, in: 1 << 20...1 << 40, "Memory that they take, at most."),
  ]

  private static let scores = [
    text("scores.topic", \.scoresTopic, topicName, "Topic for scores.").flags("--scores-topic"),
    text(
      "scores.dead_letters", \.deadLettersTopic,
      TextRule(
        allowed: topicName.allowed + ", or \"\" for none", pattern: topicPattern, mayBeEmpty: true),
      "Topic for dead letters. Empty: no topic has them."
    ).flags("--dead-letters-topic"),
    choice("scores.encoding", \.encoding, of: ["json", "protobuf"], "How scores are encoded.")
      .flags("--encoding"),
    choice(
      "scores.compression", \.compression, of: ["none", "lz4", "zstd", "gzip", "snappy"],
      "How records are compressed."),
    flag("scores.create_topics", \.createTopics, "Whether topics for scores and dead letters are created."),
    text(
      "scores.transactional_id", \.transactionalID,
      TextRule(
        allowed: "a text of up to 200 bytes, or \"\" for one of the host's name", bytesMax: 200,
        mayBeEmpty: true),
      "Exactly once: names this process to the brokers, the same over all its lives. Empty: made of pipeline, group and "
        + "the host's name; processes that share a host need one each."),
    time(
      "scores.transaction_timeout", \.transactionTimeoutMs, in: second...15 * minute,
      "Exactly once: how long readers of committed scores wait for a process that was killed."),
  ]

  private static let letters = [
    lettersKeep
  ]

  private static let control = [
    secretFile(
      "control.key_file", \.controlKeyFile,
      "File with the keys, one a line, of 32 bytes or more, readable by nobody else: openssl rand -hex 32."
    ).example("control.key")
  ]

  private static let worker = [
    number(
      "worker.threads", \.workers, in: 1...256, "Threads, each with its own consumer and connections."
    ).flags("--workers"),
    choice(
      "worker.kernel", \.kernel, of: Kernel.choices, offered: ["auto"] + Kernel.available.map(\.rawValue),
      "Instructions that models are evaluated with; all give the same scores. auto: the best that the machine has."
    ),
    number(
      "worker.batch_rows_max", \.worker.batchRowsMax, in: 1...StateStoreLimits.statesMax,
      "Events in one batch, at most."),
    number(
      "worker.transaction_rows_max", \.worker.transactionRowsMax, in: 1...StateStoreLimits.statesMax,
      "Exactly once: events in one transaction, at most."),
    time(
      "worker.transaction_interval", \.worker.transactionIntervalMs, in: 0...2 * second,
      "Exactly once: least time from the beginning of a transaction to the next one's, unless it is full."),
    bytes(
      "worker.value_size_max", \.valueBytesMax, in: 1 << 10...Int64(EventDecoder.valueBytesLimit),
      "Largest event that is decoded; a larger one becomes a dead letter."),
    time(
      "worker.commit_interval", \.worker.commitIntervalMs, in: 1...minute,
      "Least time between two commits of the group's offsets."),
    time(
      "worker.ready_within", \.readyWithinMs, in: 3 * second...10 * minute,
      "/readyz: longest time without an answer of the brokers, or without progress while there is lag."),
  ]

  private static let http = [
    optional(
      "http.listen", \.http,
      TextRule(allowed: "PORT, :PORT or HOST:PORT, an IPv4 address; PORT alone: this machine only") {
        StatusServer.Address($0) != nil
      },
      "Where /metrics, /healthz and /readyz are served; :PORT is on all interfaces. Not given: nowhere."
    ).alias("TALLY_HTTP").flags("--http").example("127.0.0.1:9464", isInForce: true)
  ]

  private static let log = [
    choice("log.format", \.log.format, "text: a line each. json: an object a line, for collectors.")
      .flags("--log-format"),
    choice("log.level", \.log.level, "The least of what is written."),
  ]

  private static let topicPattern = "[A-Za-z0-9._-]{0,249}"
  private static let topicName = TextRule(
    allowed: "a topic's name: 1 to 249 letters, digits, ., _ and -", pattern: topicPattern)
}
