import CCrypto
public import Events

/// A key by which control events (ticks, erasures, promotions) are signed. Its text never shows it.
///
/// A signature is the header `tally-signature`: the key's id, a colon, and in lower-case hexadecimal the HMAC-SHA256 of these lines,
/// each but the last ended by a line feed, which no id can have: `tally-control-1`; `tick` or `erasure`; the entity id; the event id;
/// the event time in microseconds, decimal. Of a promotion, in place of the kind, the lines `promotion`, the pipeline's name, its number
/// and the set.
public struct ControlKey: Sendable, CustomStringConvertible, CustomReflectable {
  /// Name of the header that carries the signature.
  public static let header: StaticString = "tally-signature"
  /// Least length of a key, bytes.
  public static let bytesMin = 32

  /// Names it: the first 8 bytes of its SHA-256, 16 digits of lower-case hexadecimal.
  public let id: String
  private let bytes: [UInt8]

  /// A key; nil: it has less than `bytesMin` bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.bytesMin else { return nil }
    self.bytes = bytes
    var digest = [UInt8](repeating: 0, count: Self.digestBytes)
    let isDone = EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil)
    precondition(isDone == 1, "libcrypto has no SHA-256")
    id = String(decoding: Self.hex(digest.prefix(8)), as: UTF8.self)
  }

  /// The header's value for an event.
  public func signature(
    of order: ControlOrder, entityID: [UInt8], eventID: [UInt8], time: EventTime
  ) -> String {
    entityID.withUnsafeBytes { entity in
      eventID.withUnsafeBytes { event in
        String(decoding: sign(order, entity, event, time), as: UTF8.self)
      }
    }
  }

  /// The header's value, as bytes.
  func sign(
    _ order: ControlOrder, _ entityID: UnsafeRawBufferPointer, _ eventID: UnsafeRawBufferPointer,
    _ time: EventTime
  ) -> [UInt8] {
    var message = Array("tally-control-1\n\(order.words)\n".utf8)
    message += entityID
    message.append(UInt8(ascii: "\n"))
    message += eventID
    message += Array("\n\(time)".utf8)
    var digest = [UInt8](repeating: 0, count: Self.digestBytes)
    let made = HMAC(EVP_sha256(), bytes, Int32(bytes.count), message, message.count, &digest, nil)
    precondition(made != nil, "libcrypto has no HMAC-SHA256")
    return Array(id.utf8) + [UInt8(ascii: ":")] + Self.hex(digest[...])
  }

  /// Always `***`, with the id.
  public var description: String { "*** (\(id))" }
  /// Nothing to look into.
  public var customMirror: Mirror { Mirror(self, children: []) }

  private static let digestBytes = 32

  private static func hex(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
  }
}

/// What a control event orders, as it is signed.
public enum ControlOrder: Equatable, Sendable {
  /// Time goes on for an entity.
  case tick
  /// What is known of an entity goes.
  case erasure
  /// Another set of models is to score a pipeline's events.
  case promotion(Promotion, pipeline: String)

  /// The lines that stand for it.
  var words: String {
    switch self {
    case .tick: "tick"
    case .erasure: "erasure"
    case .promotion(let promotion, let pipeline):
      "promotion\n\(pipeline)\n\(promotion.number)\n\(promotion.set.hex)"
    }
  }
}
