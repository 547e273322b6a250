import CUnpack

/// How much a client may make of packed batches; what is larger comes as an error in place of its records.
///
/// gzip, lz4 and zstd; snappy, which becomes at most some 22 times its size, has no limit. A weight is unpacked bytes and 300 more for
/// each record, which librdkafka keeps beside it.
public struct KafkaUnpackLimits: Equatable, Sendable {
  /// Unpacked size of one batch, bytes.
  public var batchBytesMax: UInt64
  /// Weight of one batch, bytes.
  public var batchWeightMax: UInt64
  /// Weight of all packed batches of one answer of a broker, bytes; not less than a batch's.
  public var answerWeightMax: UInt64

  /// Limits.
  public init(batchBytesMax: UInt64, batchWeightMax: UInt64, answerWeightMax: UInt64) {
    self.batchBytesMax = batchBytesMax
    self.batchWeightMax = batchWeightMax
    self.answerWeightMax = max(answerWeightMax, batchWeightMax)
  }

  /// Whether limits are kept: they are not where librdkafka is linked statically.
  public static var areInForce: Bool { unpack_is_in_force() }

  /// Takes the reason of this process' last refusal; nil: there was none since the last call. Any client's, so it says something only
  /// where one client reads one batch.
  public static func takeRefusal() -> KafkaUnpackRefusal? {
    switch unpack_take_refusal() {
    case UNPACK_BATCH_TOO_LARGE: .batchTooLarge
    case UNPACK_ANSWER_FULL: .answerFull
    case UNPACK_CORRUPT: .corrupt
    case UNPACK_NO_MEMORY: .noMemory
    default: nil
    }
  }

  var asC: unpack_limits {
    unpack_limits(
      batch_bytes_max: batchBytesMax, batch_weight_max: batchWeightMax, answer_weight_max: answerWeightMax)
  }
}

/// Why a batch was not unpacked.
public enum KafkaUnpackRefusal: Sendable {
  /// It is larger than a batch may be.
  case batchTooLarge
  /// It would fit alone, but not beside the others of its answer: librdkafka asks for it again by itself.
  case answerFull
  /// The codec says that its bytes are none of its.
  case corrupt
  /// Memory was lacking.
  case noMemory
}
