public import Events

/// What history to invent.
public struct SyntheticConfiguration: Sendable, Equatable {
  /// 2026-01-01T00:00:00 UTC, the end of a history that does not say otherwise.
  public static let defaultEndTime: EventTime = 1_767_225_600_000_000

  /// Same seed and same settings, same bytes, on every machine.
  public var seed: UInt64
  /// Number of people, 1 to 10,000,000. A person depends on the seed and its own number only.
  public var customers: Int
  /// Length of the history in days, 1 to 3,650.
  public var days: Int
  /// End of the history: events lie before it.
  public var endTime: EventTime
  /// Events a day and person, silent people and days before joining included; a mean over many people and
  /// about 90 days: few people differ widely, a shorter history has more.
  public var eventsPerCustomerDay: Double

  package init(
    seed: UInt64 = 1, customers: Int = 1000, days: Int = 90, endTime: EventTime = Self.defaultEndTime,
    eventsPerCustomerDay: Double = 20
  ) {
    precondition((1...10_000_000).contains(customers) && (1...3650).contains(days))
    precondition(
      endTime - EventTime(days) * Span.day >= EventTimeBounds.start && endTime <= EventTimeBounds.end)
    precondition(eventsPerCustomerDay > 0 && eventsPerCustomerDay <= 1000)
    self.seed = seed
    self.customers = customers
    self.days = days
    self.endTime = endTime
    self.eventsPerCustomerDay = eventsPerCustomerDay
  }

  /// Begin of the history.
  public var startTime: EventTime { endTime - EventTime(days) * Span.day }
}
