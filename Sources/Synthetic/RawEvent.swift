import Events

/// What happens in the invented world; the order is that of `SyntheticEvent.typeName`.
enum SyntheticKind: UInt8, CaseIterable, Sendable {
  case profileSnapshot, profileChange
  case login, session, premiumFeatureUsed, notificationSent, notificationClicked, adShown, adClicked
  case messageSent, post, groupActivity, eventJoined
  case connectionAdded, swipe, match, profileViewed, referral
  case gigApplicationSent, gigListingOpened, gigListingClosed, jobRated, transaction

  /// Whether the person did it; else it happened to it.
  var isDeed: Bool {
    switch self {
    case .profileSnapshot, .profileChange, .notificationSent, .adShown, .match, .profileViewed, .jobRated:
      false
    default: true
    }
  }
}

/// An event before it is written: whole numbers in the units that `SyntheticEvent` names.
struct RawEvent: Sendable {
  var time: EventTime
  var kind: SyntheticKind
  /// A word's index or a truth value.
  var code: UInt8 = 0
  var a: Int32 = 0
  var b: Int32 = 0
  var c: Int32 = 0
  var d: Int32 = 0
}
