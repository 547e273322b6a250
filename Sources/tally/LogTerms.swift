import Features

/// What a topic's configuration says of the log that the brokers keep.
struct LogTerms: Equatable {
  /// Words of `cleanup.policy`; nil: the brokers did not say.
  var cleanup: [String]?
  /// `message.timestamp.type`.
  var timestamps: String?
  /// Milliseconds after which records may go; -1: never.
  var retentionMs: Int64?
  /// Bytes of a partition beyond which its oldest records may go; -1: never.
  var retentionBytes: Int64?

  /// Nearly three hundred years: what people write who mean for ever.
  private static let foreverMs: Int64 = Int64.max / 1_000_000

  /// Takes what is needed of a topic's configuration, by name.
  init(_ settings: [String: String]) {
    cleanup = settings["cleanup.policy"].map { policy in
      policy.lowercased().split(separator: ",").map { word in String(word.filter { !$0.isWhitespace }) }
        .filter { !$0.isEmpty }
    }
    timestamps = settings["message.timestamp.type"]
    retentionMs = settings["retention.ms"].flatMap { Int64($0) }
    retentionBytes = settings["retention.bytes"].flatMap { Int64($0) }
  }

  /// `cleanup.policy`, unless under it the log loses only its beginning: it may lose records in its middle, or nobody knows
  /// what.
  var unsafePolicy: String? {
    guard let cleanup, !cleanup.allSatisfy({ $0 == "delete" }) else { return nil }
    return cleanup.joined(separator: ",")
  }

  /// Age at which records may go, milliseconds; nil: they stay, or it is not known.
  var keptMs: Int64? {
    guard cleanup?.contains("delete") == true, let retentionMs, (0..<Self.foreverMs).contains(retentionMs)
    else { return nil }
    return retentionMs
  }

  /// Size of a partition beyond which records may go, bytes; nil: they stay, or it is not known.
  var keptBytes: Int64? {
    guard cleanup?.contains("delete") == true, let retentionBytes, retentionBytes >= 0 else { return nil }
    return retentionBytes
  }
}

/// How far back a pipeline's states reach.
struct LogNeeds: Equatable {
  /// The longest window; nil: none.
  var window: WindowDescription?
  /// Whether features count, sum or remember over a person's whole life.
  var hasLifetime: Bool

  init(_ program: FeatureProgram) {
    window = program.windows.max { $0.span + $0.hop < $1.span + $1.hop }
    hasLifetime = program.hasLifetimeSeries
  }

  /// The oldest event that a window reads lies less than this before the newest, milliseconds: the window is cut at the hop.
  var reachMs: Int64 { window.map { ($0.span + $0.hop + 999) / 1000 } ?? 0 }
}
