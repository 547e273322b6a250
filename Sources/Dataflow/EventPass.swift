public import Events
public import Features

/// What scoring makes of a record: decode and check it, apply its event to the entity's state, read the row of features.
///
/// A worker, training, verification, rebuilds and `tally features` all take these steps through here, so that none of them can judge
/// an event in a way of its own. Whoever checks the steps themselves must not: the simulation's model and the naive oracle of the tests
/// have their own. One thread.
public final class EventPass {
  /// What a record holds.
  public enum Decoded: Equatable, Sendable {
    /// An event, at this position of `events`.
    case event(Int32)
    /// Another set of models is to score from the next record of the partition on, if the number is above the one in force. There is nothing
    /// to apply.
    case promotion(Promotion)
    /// Nothing that can be scored: a dead letter. `refusal` says more.
    case refused(DeadLetterReason)
  }

  /// What an event did to its entity's state.
  public enum Outcome: Equatable, Sendable {
    /// It was applied, and the state can be read.
    case applied
    /// Its id is among the entity's last 32: nothing changed.
    case duplicate
    /// It was an erasure: the state is empty.
    case erased
    /// It cannot be scored: a dead letter, and nothing changed.
    case refused(DeadLetterReason)
  }

  /// Events that were decoded since the last `removeAll`.
  public let events: EventBatch
  /// What states and rows are made by.
  public let program: FeatureProgram
  private let decoder: any RecordDecoder
  private let scratch: FeatureScratch

  /// The steps of a program, on what a decoder of the same program makes of records.
  public init(program: FeatureProgram, decoder: any RecordDecoder) {
    self.program = program
    self.decoder = decoder
    events = EventBatch(symbols: program.symbols)
    scratch = FeatureScratch(program)
  }

  /// Forgets all decoded events.
  public func removeAll() { events.removeAll() }

  /// Decodes and checks a record.
  public func decode(_ record: RawRecord) -> Decoded {
    if let reason = decoder.decode(record, into: events) { return .refused(reason) }
    let event = Int32(events.events.count - 1)
    return events.promotion(at: event).map { .promotion($0) } ?? .event(event)
  }

  /// What the decoder says of the record that it refused last: the entity id that it names (empty: none could be read), and more for
  /// readers, without data of the record's value.
  public var refusal: (entityID: [UInt8], detail: String) {
    (Array(decoder.refusedEntityID), decoder.refusedDetail)
  }

  /// What `apply` would do with a decoded event.
  public func effect(of event: Int32, on state: EntityState) -> EventEffect {
    program.effect(of: events.events[Int(event)], on: state)
  }

  /// Applies a decoded event to its entity's state. `isReadable`: whether the state is what the store has of the entity; one that
  /// cannot be read takes nothing but an erasure.
  public func apply(_ event: Int32, to state: EntityState, isReadable: Bool = true) -> Outcome {
    let event = events.events[Int(event)]
    guard isReadable || event.kind == .erasure else { return .refused(.corruptState) }
    return switch program.process(event, in: events, to: state) {
    case .applied: .applied
    case .duplicate: .duplicate
    case .erased: .erased
    case .unknownEntity: .refused(.unknownEntity)
    }
  }

  /// Where no states are kept: what becomes of a decoded event. A profile is `applied` and can be read; nothing is ever a duplicate.
  public func apply(_ event: Int32) -> Outcome {
    let event = events.events[Int(event)]
    if let reason = program.problemWithoutState(of: event) { return .refused(reason) }
    return event.kind == .erasure ? .erased : .applied
  }

  /// Where no states are kept: why a decoded event was refused, for readers.
  public func detailWithoutState(of event: Int32) -> String {
    events.events[Int(event)].kind == .tick
      ? "the pipeline keeps no state: there is nobody to tick"
      : "the pipeline keeps no state: only whole profiles are scored"
  }

  /// Where no states are kept: writes the row of features of a decoded profile into `row`, and what it carries into `carried`.
  public func read(
    _ event: Int32, into row: UnsafeMutablePointer<Float>, carried: UnsafeMutablePointer<Double>? = nil
  ) {
    program.read(events.events[Int(event)], in: events, into: row, carried: carried, scratch: scratch)
  }

  /// Writes the row of features of a state into `row`, which has one place a column: as of the state's latest event or tick, unless a
  /// later moment is given; and what the row carries to its decisions into `carried`.
  public func read(
    _ state: EntityState, asOf moment: EventTime? = nil, into row: UnsafeMutablePointer<Float>,
    carried: UnsafeMutablePointer<Double>? = nil
  ) {
    program.read(state, asOf: moment ?? state.watermark, into: row, carried: carried, scratch: scratch)
  }
}
