import Events
import Features
import Testing

/// An attribute's value as a producer sends it.
enum TestValue: Equatable {
  case null
  case flag(Bool)
  case integer(Int64)
  case real(Double)
  case text(String)

  var kind: AttributeKind {
    switch self {
    case .null: .null
    case .flag: .flag
    case .integer: .integer
    case .real: .real
    case .text: .text
    }
  }

  var bits: UInt64 {
    switch self {
    case .null, .text: 0
    case .flag(let value): value ? 1 : 0
    case .integer(let value): UInt64(bitPattern: value)
    case .real(let value): value.bitPattern
    }
  }
}

/// An event as a producer sends it.
struct TestEvent {
  var kind = EventKind.engagement
  var type = ""
  var id = "e"
  var time: EventTime
  var attributes: [(name: String, value: TestValue)] = []

  func value(_ name: String) -> TestValue? { attributes.last { $0.name == name }?.value }
}

extension EventBatch {
  /// Adds an event as a decoder does; returns it.
  @discardableResult
  func add(_ event: TestEvent, entity: String = "c1") -> Event {
    begin()
    let id = bytes(event.id)
    let entityID = bytes(entity)
    for attribute in event.attributes {
      var name = attribute.name
      var text = ""
      if case .text(let value) = attribute.value { text = value }
      name.withUTF8 { nameBytes in
        text.withUTF8 { textBytes in
          appendAttribute(
            name: UnsafeRawBufferPointer(nameBytes), kind: attribute.value.kind, bits: attribute.value.bits,
            text: UnsafeRawBufferPointer(textBytes))
        }
      }
    }
    var type = event.type
    let symbol = type.withUTF8 { symbols.lookup(UnsafeRawBufferPointer($0)) }
    let index = commit(
      kind: event.kind, type: symbol, eventID: id, entityID: entityID, source: .empty, time: event.time)
    return events[index]
  }

  private func bytes(_ text: String) -> ByteSlice {
    var copy = text
    return copy.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }
}

/// A program with one entity's state, fed event by event.
final class Bench {
  let program: FeatureProgram
  var state: EntityState
  let scratch: FeatureScratch
  let batch: EventBatch

  init(_ program: FeatureProgram) {
    self.program = program
    state = EntityState(program)
    scratch = FeatureScratch(program)
    batch = EventBatch(symbols: program.symbols)
  }

  /// Feeds an event as the pipeline does; returns whether it was new.
  @discardableResult
  func feed(_ event: TestEvent) -> Bool {
    batch.removeAll()
    let decoded = batch.add(event)
    if program.isDuplicate(decoded, of: state) { return false }
    if let problem = program.problem(of: decoded, in: batch) {
      Issue.record("the event does not fit the program: \(problem)")
      return false
    }
    program.apply(decoded, in: batch, to: state)
    return true
  }

  func row(asOf: EventTime? = nil) -> [Float] {
    var row = Array(repeating: Float(-1), count: program.columnNames.count)
    row.withUnsafeMutableBufferPointer { cells in
      if let base = cells.baseAddress {
        program.read(state, asOf: asOf ?? state.watermark, into: base, scratch: scratch)
      }
    }
    return row
  }

  var encoded: [UInt8] {
    var writer = WireWriter()
    state.encode(into: &writer)
    return writer.bytes
  }

  /// Replaces the state by one decoded from its own bytes.
  func reload() -> Bool {
    let bytes = encoded
    let fresh = EntityState(program)
    let accepted = bytes.withUnsafeBytes { fresh.decode($0) }
    state = fresh
    return accepted
  }
}
