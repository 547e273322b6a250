import Events

extension Person {
  /// Whether the next event is the last one that is planned: after it the person plans a session.
  var plansNext: Bool { head + 1 == pending.count && passive.time >= pending[head].time }

  /// Whether a part of what is planned has happened.
  var isUnderway: Bool { head > 0 }

  /// The same person in a session at `time`: the session goes on as planned, the rest of the life is drawn anew.
  func withAnotherLife(after time: EventTime, _ random: SeededRandom) -> Person {
    var person = self
    person.random = random
    // Of what is exponential, that which is left is as long as the whole; a decline that has begun is begun.
    if vigour(at: time) == 1 {
      let days = declineDays + person.random.exponential(mean: traits.meanLifeDays)
      person.lifeEnd = time + EventTime(days * Double(Span.day))
    }
    return person
  }

  /// The same person between two sessions at `time`: the next session and the rest of the life are drawn anew.
  /// `self` is the person before the last event that was planned.
  func withAnotherSession(after time: EventTime, _ random: SeededRandom) -> Person {
    var person = self
    // The days until then were as they were: their draws follow the one for the wait.
    _ = person.random.exponential(mean: 1)
    person.advance(to: Int(time / Span.day))
    person = person.withAnotherLife(after: time, random)
    person.pending.removeAll(keepingCapacity: true)
    person.head = 0
    person.clock = max(clock, time - Span.minute)
    person.planSession()
    return person
  }
}
