package import Dataflow
import Events
package import Features

/// A person's state at every offset from some offset on, as far as the log was read.
package struct EntityHistory {
  package let partition: Int32
  /// Everything below was read.
  package private(set) var end: Int64
  private let id: [UInt8]
  private let program: FeatureProgram
  private let state: EntityState
  private let events: EventBatch
  /// Stored forms (empty: no state), each good for W above its offset and up to the next one's.
  private var versions: [(offset: Int64, bytes: [UInt8])] = [(-1, [])]

  package init(id: String, partition: Int32, program: FeatureProgram, from start: Int64) {
    self.id = Array(id.utf8)
    self.partition = partition
    end = start
    self.program = program
    state = EntityState(program)
    state.partition = partition
    events = EventBatch(symbols: program.symbols)
  }

  /// Whether any event made a state.
  package var hasEvents: Bool { versions.count > 1 || !versions[0].bytes.isEmpty }

  /// Says that the log has nothing more below an offset (transactions end with records that nobody sees).
  package mutating func isReadUp(to offset: Int64) { end = max(end, offset) }

  /// Applies the person's events among these records; forgets versions that are not needed for W ≥ `keepingFrom`.
  package mutating func add(_ batch: RecordBatch, decoder: any RecordDecoder, keepingFrom first: Int64) {
    for record in batch.records {
      end = max(end, record.offset + 1)
      guard record.key.elementsEqual(id) else { continue }
      events.removeAll()
      guard decoder.decode(record, into: events) == nil else { continue }
      let effect = program.process(events.events[0], in: events, to: state)
      guard effect == .applied || effect == .erased else { continue }
      if record.offset < first { versions.removeAll() }
      var writer = WireWriter()
      if state.events > 0 { state.encode(into: &writer) }
      versions.append((record.offset, writer.bytes))
    }
  }

  /// The stored form as of W; empty: no state.
  package func state(below next: Int64) -> [UInt8] { versions.last { $0.offset < next }?.bytes ?? [] }
}
