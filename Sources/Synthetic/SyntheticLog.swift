public import Events

/// A history of profile and engagement events, in order of event time.
///
/// Nothing is stored: memory grows with the number of people (about 1.5 KB each), not of events. A copy goes
/// on independently from where it was copied.
public struct SyntheticLog: Sequence, IteratorProtocol, Sendable {
  /// What was asked for.
  public let configuration: SyntheticConfiguration
  var crowd: Crowd

  /// The history's beginning.
  public init(_ configuration: SyntheticConfiguration) {
    self.configuration = configuration
    crowd = Crowd(configuration)
  }

  /// The next event; nil at the history's end.
  public mutating func next() -> SyntheticEvent? {
    guard crowd.nextTime < configuration.endTime else { return nil }
    let (person, event, sequence) = crowd.next()
    return SyntheticEvent(
      customer: person, raw: event, sequence: sequence, liveNumber: 0, population: crowd.population)
  }
}

/// The same people after the history's end, one event whenever the caller asks.
///
/// What the people do follows from the history; when it is said to happen is the caller's clock. Asked faster
/// than the people live, their days pass faster than the clock.
public struct SyntheticLive: Sendable {
  private var crowd: Crowd
  private let liveNumber: Int64
  private var last: EventTime

  /// Goes on where `log` ends (what is left of it passes unseen). `liveNumber`, greater than 0, tells the
  /// event ids of one run from another's, for example its starting time.
  public init(after log: SyntheticLog, liveNumber: Int64) {
    precondition(liveNumber > 0)
    var rest = log
    while rest.next() != nil {}
    crowd = rest.crowd
    self.liveNumber = liveNumber
    last = log.configuration.endTime
  }

  /// The next event, at the time `now`, or at the last one's time where `now` lies before it.
  public mutating func next(at now: EventTime) -> SyntheticEvent {
    last = Swift.max(last, now)
    var (person, event, sequence) = crowd.next()
    event.time = last
    return SyntheticEvent(
      customer: person, raw: event, sequence: sequence, liveNumber: liveNumber, population: crowd.population)
  }
}
