package import Events
package import Features
import Ingest

/// What a topic's configuration says of the log that the brokers keep.
package struct LogTerms: Equatable {
  /// Words of `cleanup.policy`; nil: the brokers did not say.
  package var cleanup: [String]?
  /// `message.timestamp.type`.
  package var timestamps: String?
  /// How far a producer's timestamp may lie ahead of the brokers' clock, milliseconds; nil: the brokers did not say.
  package var aheadMaxMs: Int64?
  /// Milliseconds after which records may go; -1: never.
  package var retentionMs: Int64?
  /// Bytes of a partition beyond which its oldest records may go; -1: never.
  package var retentionBytes: Int64?
  /// Largest batch of a producer that the brokers take, bytes.
  package var batchBytesMax: Int64?

  /// What an answer has beside its records, bytes, generously.
  package static let answerBytesBeside: Int64 = 64 << 10

  /// Nearly three hundred years: what operators write who mean for ever.
  private static let foreverMs: Int64 = Int64.max / 1_000_000

  /// Takes what is needed of a topic's configuration, by name.
  package init(_ settings: [String: String]) {
    cleanup = settings["cleanup.policy"].map { policy in
      policy.lowercased().split(separator: ",").map { word in String(word.filter { !$0.isWhitespace }) }
        .filter { !$0.isEmpty }
    }
    timestamps = settings["message.timestamp.type"]
    let ahead = settings["message.timestamp.after.max.ms"].flatMap { Int64($0) }
    let apart = settings["message.timestamp.difference.max.ms"].flatMap { Int64($0) }
    // Kafka 3.6 has both, and the older one counts where the newer one is not set.
    aheadMaxMs = ahead.flatMap { $0 == .max ? nil : $0 } ?? apart ?? ahead
    retentionMs = settings["retention.ms"].flatMap { Int64($0) }
    retentionBytes = settings["retention.bytes"].flatMap { Int64($0) }
    batchBytesMax = settings["max.message.bytes"].flatMap { Int64($0) }
  }

  /// `cleanup.policy`, unless under it the log loses only its beginning: it may lose records in its middle, or nobody knows
  /// what.
  package var unsafePolicy: String? {
    guard let cleanup, !cleanup.allSatisfy({ $0 == "delete" }) else { return nil }
    return cleanup.joined(separator: ",")
  }

  /// Whether the brokers stamp records with their own clock.
  package var isStampedByBrokers: Bool { timestamps.map { $0.lowercased() == "logappendtime" } ?? true }

  /// Age at which records may go, milliseconds; nil: they stay, or it is not known.
  package var keptMs: Int64? {
    guard cleanup?.contains("delete") == true, let retentionMs, (0..<Self.foreverMs).contains(retentionMs)
    else { return nil }
    return retentionMs
  }

  /// Size of a partition beyond which records may go, bytes; nil: they stay, or it is not known.
  package var keptBytes: Int64? {
    guard cleanup?.contains("delete") == true, let retentionBytes, retentionBytes >= 0 else { return nil }
    return retentionBytes
  }
}

/// How far back a pipeline's states reach, and how far ahead its events may.
package struct LogNeeds: Equatable {
  /// The longest window; nil: none.
  package var window: WindowDescription?
  /// Whether features count, sum or remember over an entity's whole life.
  package var hasLifetime: Bool
  /// Furthest that an event time may lie ahead of its record's timestamp, milliseconds.
  package var futureBoundMs: Int64
  /// Whether records' timestamps decide which control events must be signed.
  package var signsSince: Bool
  /// Largest answer that consumers take from a broker, bytes.
  package var answerBytesMax: Int64

  /// `futureBound`: the pipeline's, microseconds.
  package init(
    _ program: FeatureProgram, futureBound: EventTime, signsSince: Bool = false,
    answerBytesMax: Int64 = Int64(KafkaSourceConfiguration.answerBytesMax)
  ) {
    self.signsSince = signsSince
    self.answerBytesMax = answerBytesMax
    futureBoundMs = futureBound / 1000
    window = program.windows.max { $0.span + $0.hop < $1.span + $1.hop }
    hasLifetime = program.hasLifetimeSeries
  }

  /// The oldest event that a window reads lies less than this before the newest, milliseconds: the window is cut at the hop.
  package var reachMs: Int64 { window.map { ($0.span + $0.hop + 999) / 1000 } ?? 0 }
}
