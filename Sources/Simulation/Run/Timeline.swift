/// What happens when, in simulated time; what is due at the same moment happens in the order it was asked for.
struct Timeline {
  enum Happening {
    /// A life goes on that waits; another token: it has gone on already.
    case wake(Life, token: Int)
    case run(() -> Void)
  }

  private struct Entry {
    var time: Int64
    var number: Int
    var what: Happening

    func isBefore(_ other: Entry) -> Bool { time != other.time ? time < other.time : number < other.number }
  }

  /// Microseconds since the run's start.
  private(set) var now: Int64 = 0
  private var heap: [Entry] = []
  private var count = 0

  mutating func add(at time: Int64, _ what: Happening) {
    count += 1
    heap.append(Entry(time: max(time, now), number: count, what: what))
    var place = heap.count - 1
    while place > 0, heap[place].isBefore(heap[(place - 1) / 2]) {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  /// The next happening, whose time it is now; nil: none.
  mutating func next() -> Happening? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    now = first.time
    guard !heap.isEmpty else { return first.what }
    heap[0] = last
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
      guard heap[child].isBefore(heap[place]) else { break }
      heap.swapAt(place, child)
      place = child
    }
    return first.what
  }
}
