package import Dataflow
import Events
import Features

/// An entity's state at every offset from some offset on, as far as the log was read.
package struct EntityHistory {
  package let partition: Int32
  /// Everything below was read.
  package private(set) var end: Int64
  private let id: [UInt8]
  private let pass: EventPass
  private let state: EntityState
  /// Stored forms (empty: no state), each good for W above its offset and up to the next one's.
  private var versions: [(offset: Int64, bytes: [UInt8])] = [(-1, [])]

  package init(id: String, partition: Int32, pass: EventPass, from start: Int64) {
    self.id = Array(id.utf8)
    self.partition = partition
    end = start
    self.pass = pass
    state = EntityState(pass.program)
    state.partition = partition
  }

  /// Whether any event made a state.
  package var hasEvents: Bool { versions.count > 1 || !versions[0].bytes.isEmpty }

  /// Says that the log has nothing more below an offset (transactions end with records that nobody sees).
  package mutating func isReadUp(to offset: Int64) { end = max(end, offset) }

  /// Applies the entity's events among these records; forgets versions that are not needed for W ≥ `keepingFrom`.
  package mutating func add(_ batch: RecordBatch, keepingFrom first: Int64) {
    for record in batch.records {
      end = max(end, record.offset + 1)
      guard record.key.elementsEqual(id) else { continue }
      pass.removeAll()
      guard case .event(let event) = pass.decode(record) else { continue }
      let outcome = pass.apply(event, to: state)
      guard outcome == .applied || outcome == .erased else { continue }
      if record.offset < first { versions.removeAll() }
      var writer = WireWriter()
      if state.events > 0 { state.encode(into: &writer) }
      versions.append((record.offset, writer.bytes))
    }
  }

  /// The stored form as of W; empty: no state.
  package func state(below next: Int64) -> [UInt8] { versions.last { $0.offset < next }?.bytes ?? [] }
}
