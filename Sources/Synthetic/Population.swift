/// The fixed side of all people, shared by the events that speak of them.
final class Population: Sendable {
  private let all: [PersonTraits]

  init(_ people: [Person]) { all = people.map(\.traits) }

  func traits(_ customer: Int) -> PersonTraits { all[customer] }
}

/// People in a binary heap by the time of their next event; ties go to the lower number.
struct Crowd {
  private(set) var people: [Person]
  private var heap: [(time: Int64, person: Int32)]
  let population: Population

  init(_ configuration: SyntheticConfiguration) {
    let people = (0..<configuration.customers).map { Person(configuration, number: $0) }
    self.people = people
    population = Population(people)
    heap = people.indices.map { (people[$0].nextTime, Int32($0)) }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(index) }
  }

  /// Time of the next event of all.
  var nextTime: Int64 { heap[0].time }

  /// The next event of all.
  mutating func next() -> (person: Int, event: RawEvent, sequence: Int32) {
    let person = Int(heap[0].person)
    let (event, sequence) = people[person].next()
    heap[0].time = people[person].nextTime
    sink(0)
    return (person, event, sequence)
  }

  private mutating func sink(_ from: Int) {
    var index = from
    let moving = heap[index]
    while true {
      var child = 2 * index + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count && isEarlier(heap[child + 1], heap[child]) { child += 1 }
      guard isEarlier(heap[child], moving) else { break }
      heap[index] = heap[child]
      index = child
    }
    heap[index] = moving
  }

  @inline(__always)
  private func isEarlier(_ a: (time: Int64, person: Int32), _ b: (time: Int64, person: Int32)) -> Bool {
    a.time < b.time || a.time == b.time && a.person < b.person
  }
}
