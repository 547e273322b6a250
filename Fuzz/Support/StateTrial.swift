import Events
import Features

/// Applies accepted events to states and stores those; one thread, reused from input to input.
final class StateTrial {
  private let program: FeatureProgram
  private let state: EntityState
  private let restored: EntityState
  private let scratch: FeatureScratch
  /// The stored form of a state with some of everything in it.
  private var lived: [UInt8] = []
  private var writer = WireWriter()
  private var again = WireWriter()

  init(_ program: FeatureProgram) {
    self.program = program
    state = EntityState(program)
    restored = EntityState(program)
    scratch = FeatureScratch(program)
    live()
  }

  /// Applies the batch's first event to an empty state or to one that has lived, twice, and stores and restores it.
  func run(_ batch: EventBatch, isEmpty: Bool, inputBytes: Int) {
    if isEmpty {
      state.removeAll()
    } else {
      require(lived.withUnsafeBytes { state.decode($0) }, "the state to begin with is refused")
    }
    let event = batch.events[0]
    require(program.problem(of: event, in: batch) == nil, "an accepted event has a problem")
    let effect = program.process(event, in: batch, to: state)
    switch (event.kind, effect) {
    case (.erasure, .erased): require(state.events == 0 && state.watermark == 0, "an erased state has events")
    case (.promotion, .unknownEntity), (.tick, .unknownEntity), (.tick, .duplicate),
      (.engagement, .duplicate),
      (.profileSnapshot, .duplicate),
      (.profileChange, .duplicate):
      break
    case (.tick, .applied), (.engagement, .applied), (.profileSnapshot, .applied), (.profileChange, .applied):
      require(state.watermark >= event.time && state.activeTime <= state.watermark, "watermark")
      require(program.process(event, in: batch, to: state) == .duplicate, "applied twice")
    default: require(false, "\(event.kind) was \(effect)")
    }
    require(state.memoryBytes <= 65_536 + 64 * (inputBytes + lived.count), "\(state.memoryBytes) bytes")
    store()
  }

  private func store() {
    writer.removeAll()
    state.encode(into: &writer)
    require(writer.bytes.withUnsafeBytes { restored.decode($0) }, "refused: \(writer.bytes)")
    again.removeAll()
    restored.encode(into: &again)
    require(again.bytes == writer.bytes, "other bytes: \(again.bytes) after \(writer.bytes)")
    require(row(state) == row(restored), "another row: \(writer.bytes)")
  }

  /// Bits of the feature row as of the watermark.
  private func row(_ state: EntityState) -> [UInt32] {
    let count = program.columnNames.count
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { cells in
      guard let base = cells.baseAddress else { return [] }
      program.read(state, asOf: state.watermark, into: base, scratch: scratch)
      return (0..<count).map { cells[$0].bitPattern }
    }
  }

  /// Sixty days of logins, sessions, purchases and a profile.
  private func live() {
    let batch = EventBatch(symbols: program.symbols)
    for number in 0..<60 {
      batch.begin()
      let type: String
      switch number % 4 {
      case 0:
        type = "login"
        add("device", text: number % 8 == 0 ? "mobile" : "desktop", batch)
      case 1:
        type = "session"
        add("minutes", Double(number) / 3, batch)
      case 2:
        type = ""
        add("age", Double(number), batch)
        add("plan", text: "premium", batch)
      default:
        type = "buy"
        add("amount", Double(number) - 20, batch)
        add("sku", text: "sku \(number)", batch)
        add("topic", text: ["tech", "food", "travel"][number % 3], batch)
      }
      let id = "e\(number)"
      let slice = Array(id.utf8).withUnsafeBytes { batch.append($0) }
      let symbol = Array(type.utf8).withUnsafeBytes { batch.symbols.lookup($0) }
      batch.commit(
        kind: type.isEmpty ? .profileChange : .engagement, type: symbol, eventID: slice, entityID: slice,
        source: .empty, time: 1_762_041_600_000_000 + Int64(number) * 23 * Span.hour)
      let event = batch.events[number]
      require(program.problem(of: event, in: batch) == nil, "a problem of the state to begin with")
      require(program.process(event, in: batch, to: state) == .applied, "the state to begin with")
    }
    state.encode(into: &writer)
    lived = writer.bytes
  }

  private func add(_ name: String, _ value: Double, _ batch: EventBatch) {
    Array(name.utf8).withUnsafeBytes { batch.appendAttribute(name: $0, kind: .real, bits: value.bitPattern) }
  }

  private func add(_ name: String, text: String, _ batch: EventBatch) {
    Array(name.utf8).withUnsafeBytes { name in
      Array(text.utf8).withUnsafeBytes { batch.appendAttribute(name: name, kind: .text, bits: 0, text: $0) }
    }
  }
}
