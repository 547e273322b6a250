import Events
import TestThreads
import Testing

@testable import Synthetic

@Suite(.onThreads) struct LogTests {
  private static let small = SyntheticConfiguration(seed: 11, customers: 20, days: 30)

  /// The golden values hold on every machine: no libm, no hash seed, no thread decides an event.
  @Test func theSeedDecidesEveryByte() {
    let bytes = lines(Self.small)
    #expect(bytes == lines(Self.small))
    #expect(fingerprint(bytes) == "2899bd019fbd51bf839b96182ef08a6e")
    #expect(fingerprint(labelRows(Self.small)) == "6ec2cc17adf860e9091bb72b2655cca7")
    var other = Self.small
    other.seed = 12
    #expect(bytes != lines(other))
    #expect(labelRows(Self.small) != labelRows(other))
  }

  @Test func aPersonDoesNotDependOnTheOthers() {
    var more = Self.small
    more.customers = 40
    let few = Collected(Self.small).events.map(\.eventID)
    let many = Collected(more).events.filter { $0.customer < 20 }.map(\.eventID)
    #expect(few == many)
  }

  @Test func eventsAreInOrderOfTimeWithinTheHistoryAndUnique() {
    var last: EventTime = 0
    var ids: Set<String> = []
    var count = 0
    var misplaced = 0
    for event in SyntheticLog(Self.small) {
      let isInside = event.time >= Self.small.startTime && event.time < Self.small.endTime
      if event.time < last || !isInside { misplaced += 1 }
      last = event.time
      ids.insert(event.eventID)
      count += 1
    }
    #expect(misplaced == 0)
    #expect(ids.count == count && count > 5000)
  }

  @Test func everyPersonBeginsWithASnapshot() {
    var seen: Set<Int> = []
    for event in SyntheticLog(Self.small) where seen.insert(event.customer).inserted {
      #expect(event.isSnapshot)
    }
    #expect(seen.count > 15)
  }

  @Test(arguments: [5.0, 20, 60])
  func theRateIsAsAsked(_ rate: Double) {
    let configuration = SyntheticConfiguration(seed: 2, customers: 120, days: 14, eventsPerCustomerDay: rate)
    var events = 0
    for _ in SyntheticLog(configuration) { events += 1 }
    let perDay = Double(events) / Double(configuration.customers * configuration.days)
    #expect(perDay > rate * 0.7 && perDay < rate * 1.5, "\(perDay)")
  }

  @Test func theLiveStreamGoesOnWithTheSamePeopleAtTheCallersTime() {
    let log = SyntheticLog(Self.small)
    let history = Collected(Self.small)
    let known = Set(history.events.map(\.customer))
    let ids = Set(history.events.map(\.eventID))
    var first = SyntheticLive(after: log, liveNumber: 1)
    var again = SyntheticLive(after: log, liveNumber: 2)
    var now = Self.small.endTime + Span.hour
    var liveIDs: Set<String> = []
    var met = 0
    var wrong = 0
    for index in 0..<2000 {
      let event = first.next(at: now)
      let same = again.next(at: now)
      let isNew = !ids.contains(event.eventID) && liveIDs.insert(event.eventID).inserted
      let isSame = event.customer == same.customer && event.eventID != same.eventID
      if event.time != now || !isNew || !isSame { wrong += 1 }
      if known.contains(event.customer) { met += 1 }
      now += index == 100 ? 0 : 1000
    }
    #expect(wrong == 0)
    #expect(met > 1900)
    let event = first.next(at: now - Span.hour)
    #expect(event.time == now - 1000, "time does not go back")
  }

  @Test func basicArithmeticIsEnoughForExpAndLog() {
    let worst = (-4000...4000).map { step in
      let x = Double(step) / 100
      return abs(FixedMath.log(FixedMath.exp(x)) - x) / max(1, abs(x))
    }
    #expect(worst.allSatisfy { $0 < 1e-11 })
    #expect(abs(FixedMath.exp(1) - 2.718281828459045) < 1e-14)
    #expect(abs(FixedMath.log(10) - 2.302585092994046) < 1e-14)
  }

  @Test func randomNumbersAreThoseOfThePaper() {
    // xoshiro256** from state 1, 2, 3, 4: the first numbers of the authors' C program.
    var random = SeededRandom(state: (1, 2, 3, 4))
    #expect((0..<4).map { _ in random.bits() } == [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240])
  }
}
