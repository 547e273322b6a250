import CMallocCounter
import Events
import Testing

@testable import Features

@Suite(.enabled(if: tally_counts_allocations() == 1, "the sanitizer has its own malloc"))
struct AllocationTests {
  @Test("the counter sees what Swift allocates")
  func counter() {
    let before = tally_thread_allocations()
    var arrays: [[Int]] = []
    for index in 0..<100 { arrays.append([index]) }
    #expect(arrays.count == 100)
    #expect(tally_thread_allocations() >= before + 100)
  }

  @Test("checking, applying and reading an event allocates nothing after warm-up")
  func rows() throws {
    let pipeline = try Pipeline()
    // The first pass finds the largest size; the later ones, each a year and more on, repeat it.
    #expect(pipeline.pass(shift: 0) == pipeline.events.count)
    #expect(pipeline.pass(shift: 500 * Span.day) == pipeline.events.count)
    let before = tally_thread_allocations()
    let applied = pipeline.pass(shift: 1000 * Span.day)
    #expect(tally_thread_allocations() - before == 0)
    #expect(applied == pipeline.events.count)
    #expect(applied > 2000)
  }

  #if !DEBUG
    // A debug build allocates inside the standard library's unspecialised generics.
    @Test("storing and loading a state allocates nothing after warm-up")
    func codec() throws {
      let pipeline = try Pipeline()
      #expect(pipeline.pass(shift: 0, storing: true) == pipeline.events.count)
      #expect(pipeline.pass(shift: 500 * Span.day, storing: true) == pipeline.events.count)
      let before = tally_thread_allocations()
      let applied = pipeline.pass(shift: 1000 * Span.day, storing: true)
      #expect(tally_thread_allocations() - before == 0)
      #expect(applied == pipeline.events.count)
    }
  #endif

  /// What a worker does with decoded events.
  private final class Pipeline {
    let program: FeatureProgram
    let batch: EventBatch
    var events: [Event] = []
    let state: EntityState
    let scratch: FeatureScratch
    let row: UnsafeMutablePointer<Float>
    var writer = WireWriter()

    init() throws {
      program = try FeatureProgram(engagementLike())
      batch = EventBatch(symbols: program.symbols)
      state = EntityState(program)
      scratch = FeatureScratch(program)
      row = .allocate(capacity: program.columnNames.count)
      var person = Person(seed: 9)
      for _ in 0..<400 { for event in person.day() { events.append(batch.add(event)) } }
    }

    deinit { row.deallocate() }

    /// Feeds all events, moved in time, under other ids; returns how many were applied and, perhaps, stored.
    func pass(shift: EventTime, storing: Bool = false) -> Int {
      var applied = 0
      for index in 0..<events.count {
        var event = events[index]
        event.time += shift
        event.idHash.low &+= UInt64(bitPattern: shift)
        guard program.problem(of: event, in: batch) == nil, !program.isDuplicate(event, of: state) else {
          continue
        }
        program.apply(event, in: batch, to: state)
        program.read(state, asOf: state.watermark, into: row, scratch: scratch)
        applied += 1
        guard storing else { continue }
        writer.removeAll()
        state.encode(into: &writer)
        guard writer.bytes.withUnsafeBytes({ state.decode($0) }) else { return -1 }
      }
      return applied
    }
  }
}
