public import Dataflow
public import Events

/// How events are written.
public enum SyntheticFormat: String, CaseIterable, Sendable {
  /// The JSON form, one line an event.
  case json
  /// protobuf.
  case protobuf
}

/// A record to produce; its bytes are the encoder's and reused.
public struct SyntheticRecord: Sendable {
  /// Key; nil: none.
  public internal(set) var key: [UInt8]?
  /// Value; nil: none.
  public internal(set) var value: [UInt8]?
  /// What the `content-type` header should say; `unknown` stands for any that Tally does not know.
  public internal(set) var contentType: ContentType
  /// Event time of the event that it carries or stands beside; 0: a profile, which has none.
  public internal(set) var time: EventTime
  /// The dead letter that it must become; nil: it must be scored.
  public internal(set) var expected: DeadLetterReason?
  /// Whether it must be produced to another partition than its key's, as a foreign partitioner would.
  public var isMisplaced: Bool { expected == .wrongPartition }
}

/// Turns events into records, and puts a share of bad ones between them.
///
/// Bad records are extra ones: every event is still encoded once, so labels stay true. They go through
/// the reasons in turn. One thread.
public struct SyntheticEncoder {
  /// The reasons for which bad records are made: all that a single record can be the cause of.
  public static let badReasons = DeadLetterReason.allCases.filter {
    ![.corruptState, .refusedByTopic, .refusedByTable, .notSigned].contains($0)
  }

  private let format: SyntheticFormat
  private let badShare: Double
  private let tooLargeBytes: Int
  private let reasons: [DeadLetterReason]
  private var random: SeededRandom
  private var record: SyntheticRecord
  private var writer = WireWriter()
  private var made = 0

  /// An encoder.
  ///
  /// - `badShare`: the bad records' share of all, from 0 up to less than 1.
  /// - `tooLargeBytes`: at least how long a value is that the consumer refuses as too large; nil: none is
  ///   made, for producer and broker must let it through.
  /// - `misplaces`: whether to make records for another partition than their key's (`wrong-partition`). Only
  ///   where the person's earlier events are scored by then, in a live stream: a consumer that catches up may
  ///   meet the misplaced record first and take it for the person's own partition.
  /// - `seed`: decides where bad records stand.
  public init(
    format: SyntheticFormat, badShare: Double = 0, tooLargeBytes: Int? = nil, misplaces: Bool = false,
    seed: UInt64 = 1
  ) {
    reasons = Self.badReasons.filter {
      $0 == .wrongPartition ? misplaces : $0 == .tooLarge ? tooLargeBytes != nil : true
    }
    precondition(badShare >= 0 && badShare < 1)
    self.format = format
    self.badShare = badShare
    self.tooLargeBytes = tooLargeBytes ?? 0
    random = SeededRandom(seed: seed, stream: 0xbad)
    record = SyntheticRecord(key: [], value: [], contentType: .json, time: 0, expected: nil)
  }

  /// Calls `body` with the event's record, and now and then with a bad one after it.
  public mutating func encode(_ event: SyntheticEvent, _ body: (SyntheticRecord) throws -> Void) rethrows {
    encode(event)
    try body(record)
    while badShare > 0 && random.chance(badShare) {
      let reason = reasons[made % reasons.count]
      let variant = made / reasons.count
      made += 1
      try body(BadRecord(event, number: made, variant: variant, tooLargeBytes: tooLargeBytes).make(reason))
    }
  }

  private mutating func encode(_ event: SyntheticEvent) {
    var key = record.key.take() ?? []
    key.removeAll(keepingCapacity: true)
    event.appendEntityID(to: &key)
    record.key = key
    record.time = event.time
    var value = record.value.take() ?? []
    value.removeAll(keepingCapacity: true)
    switch format {
    case .json:
      record.contentType = .json
      event.appendJSON(to: &value)
    case .protobuf:
      record.contentType = .protobuf
      swap(&writer.bytes, &value)
      event.appendProtobuf(to: &writer)
      swap(&writer.bytes, &value)
    }
    record.value = value
  }
}
