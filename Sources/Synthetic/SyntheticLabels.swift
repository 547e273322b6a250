public import Events

/// What became of a person after a moment: a row of the labels file.
public struct SyntheticLabel: Sendable, Equatable {
  /// Number of the person, from 0.
  public let customer: Int
  /// The moment: features may use events before it.
  public let time: EventTime
  /// Use in the 24 hours after it, 0–1: half for minutes m, as 1 − e^(−m/30), half for deeds n, as 1 −
  /// e^(−n/15).
  public let engagementNextDay: Double
  /// Whether the person does not log in in the 30 days after it.
  public let churns: Bool
  /// What the person has brought until 180 days after it: 0.50 for each day of use with a premium account, a
  /// tenth of sales, a twentieth of purchases, 0.20 for each advertisement clicked; at most 10,000.
  public let lifetimeValueUSD: Double
  /// What the person does first after it; nil: nothing in 180 days.
  let nextAction: SyntheticAction?
  /// What the person likes best, an index into `SyntheticWords.categories`.
  let interest: UInt8

  /// Head of the labels file.
  public static let csvHeader =
    "entity_id,label_time_us,engagement_next_day,churn_30_day,lifetime_value_usd,next_action,content_interest"

  /// Appends the row of the labels file with a line break.
  public func appendCSV(to bytes: inout [UInt8]) {
    SyntheticEvent.append(customer: customer, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    Decimal.append(time, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    Decimal.append(Int64((engagementNextDay * 10_000).rounded()), decimals: 4, to: &bytes)
    SyntheticEvent.append(churns ? ",1," : ",0,", to: &bytes)
    Decimal.append(Int64((lifetimeValueUSD * 100).rounded()), decimals: 2, to: &bytes)
    bytes.append(UInt8(ascii: ","))
    bytes.append(contentsOf: (nextAction?.rawValue ?? "").utf8)
    bytes.append(UInt8(ascii: ","))
    SyntheticEvent.append(SyntheticWords.categories[Int(interest)], to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }
}

/// What a person does next: the vocabulary of the label `next_action`.
enum SyntheticAction: String, CaseIterable {
  case post = "post_content"
  case browse = "browse_feed"
  case message = "send_message"
  case gig = "search_gig"
  case profile = "update_profile"
  case invite = "invite_friend"

  /// What an event shows; nil: nothing yet, as a login, or not the person's doing.
  init?(_ kind: SyntheticKind) {
    switch kind {
    case .post: self = .post
    // A session that ends without anything else was spent looking.
    case .swipe, .adClicked, .groupActivity, .eventJoined, .premiumFeatureUsed, .session: self = .browse
    case .messageSent: self = .message
    case .gigApplicationSent, .gigListingOpened, .gigListingClosed, .transaction: self = .gig
    case .profileChange: self = .profile
    case .connectionAdded, .referral: self = .invite
    case .profileSnapshot, .login, .notificationSent, .notificationClicked, .adShown, .match, .profileViewed,
      .jobRated:
      return nil
    }
  }
}

/// The labels of a history, person by person in order of time; made anew from the seed, beyond the history's
/// end as far as they look ahead.
///
/// A person has a moment a week in the second half of the history, at an hour and a weekday of its own. A
/// moment counts when the person came at least a week before it and has logged in in the 30 days before it:
/// nobody needs to be told that who is long gone is gone.
public struct SyntheticLabels: Sequence, IteratorProtocol, Sendable {
  private let configuration: SyntheticConfiguration
  private var customer = 0
  private var ready: [SyntheticLabel] = []

  /// The labels of the history that `configuration` describes.
  public init(_ configuration: SyntheticConfiguration) { self.configuration = configuration }

  /// The next label; nil after the last person's.
  public mutating func next() -> SyntheticLabel? {
    while ready.isEmpty && customer < configuration.customers {
      var future = Future(configuration, customer: customer)
      ready = future.labels().reversed()
      customer += 1
    }
    return ready.popLast()
  }
}

extension SyntheticLog {
  /// The labels of the whole history, wherever this log stands.
  public func labels() -> SyntheticLabels { SyntheticLabels(configuration) }
}
