public import Dataflow

/// How the lines of files become records.
public struct FileReading: Sendable {
  /// How records become events; nil: they are envelopes.
  public var input: InputMapping?
  /// Whether records need their entity's id as a key: where states are kept.
  public var needsKeys: Bool
  /// Ingest time that all records are given, milliseconds since 1970; -1: none.
  public var ingestTimeMs: Int64

  /// Envelopes without an ingest time, unless said otherwise.
  public init(input: InputMapping? = nil, needsKeys: Bool = true, ingestTimeMs: Int64 = -1) {
    self.input = input
    self.needsKeys = needsKeys
    self.ingestTimeMs = ingestTimeMs
  }
}
