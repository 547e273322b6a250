public import Events

/// One invented event: a few numbers; its words are written when it is encoded.
public struct SyntheticEvent: Sendable {
  /// When it happened.
  public var time: EventTime { raw.time }
  /// Number of the person, from 0.
  public let customer: Int
  let raw: RawEvent
  let sequence: Int32
  /// Live events carry a number of their own, so that their ids are none of the history's; 0: history.
  let liveNumber: Int64
  let population: Population

  /// Entity id, for example `c0000042`.
  public var entityID: String {
    var bytes: [UInt8] = []
    appendEntityID(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Event id, unique in the whole log, for example `c0000042-17`.
  public var eventID: String {
    var bytes: [UInt8] = []
    appendEventID(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Engagement type; nil: a profile event.
  public var typeName: String? { Self.typeName(raw.kind).map(\.description) }

  /// Whether it is the whole profile; else, when `typeName` is nil, a change.
  public var isSnapshot: Bool { raw.kind == .profileSnapshot }

  /// Appends the entity id, which is the record's key.
  public func appendEntityID(to bytes: inout [UInt8]) { Self.append(customer: customer, to: &bytes) }

  /// Appends the event id.
  public func appendEventID(to bytes: inout [UInt8]) {
    appendEntityID(to: &bytes)
    if liveNumber != 0 {
      Self.append("-live-", to: &bytes)
      Decimal.append(liveNumber, to: &bytes)
    }
    Self.append("-", to: &bytes)
    Decimal.append(Int64(sequence), to: &bytes)
  }

  static func append(customer: Int, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "c"))
    Decimal.append(Int64(customer), to: &bytes, digitsMin: 7)
  }

  @inline(__always)
  static func append(_ text: StaticString, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  static func typeName(_ kind: SyntheticKind) -> StaticString? {
    switch kind {
    case .profileSnapshot, .profileChange: nil
    case .login: "login"
    case .session: "session"
    case .premiumFeatureUsed: "premium_feature_used"
    case .notificationSent: "notification_sent"
    case .notificationClicked: "notification_clicked"
    case .adShown: "ad_shown"
    case .adClicked: "ad_clicked"
    case .messageSent: "message_sent"
    case .post: "post"
    case .groupActivity: "group_activity"
    case .eventJoined: "event_joined"
    case .connectionAdded: "connection_added"
    case .swipe: "swipe"
    case .match: "match"
    case .profileViewed: "profile_viewed"
    case .referral: "referral"
    case .gigApplicationSent: "gig_application_sent"
    case .gigListingOpened: "gig_listing_opened"
    case .gigListingClosed: "gig_listing_closed"
    case .jobRated: "job_rated"
    case .transaction: "transaction"
    }
  }
}

/// Decimal numbers as text.
enum Decimal {
  static let powers: [Int64] = [1, 10, 100, 1000, 10_000]

  /// Appends a whole number, with zeros in front up to `digitsMin`.
  static func append(_ value: Int64, to bytes: inout [UInt8], digitsMin: Int = 1) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    let start = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    while bytes.count - start < digitsMin { bytes.append(UInt8(ascii: "0")) }
    var low = start
    var high = bytes.count - 1
    while low < high {
      bytes.swapAt(low, high)
      low += 1
      high -= 1
    }
  }

  /// Appends `value` / 10^`decimals`.
  static func append(_ value: Int64, decimals: Int, to bytes: inout [UInt8]) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let magnitude = Int64(value.magnitude)
    append(magnitude / powers[decimals], to: &bytes)
    bytes.append(UInt8(ascii: "."))
    append(magnitude % powers[decimals], to: &bytes, digitsMin: decimals)
  }
}
