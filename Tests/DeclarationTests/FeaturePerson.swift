import Events
import Features
import Testing

/// One person whose events are given by name and applied to a pipeline's features.
final class FeaturePerson {
  enum Value {
    case flag(Bool), integer(Int64), real(Double), text(String)
  }

  private let program: FeatureProgram
  private let batch: EventBatch
  private let state: EntityState
  private let scratch: FeatureScratch
  private var events = 0

  init(_ features: FeatureSetDeclaration) throws {
    program = try FeatureProgram(features)
    batch = EventBatch(symbols: program.symbols)
    state = EntityState(program)
    scratch = FeatureScratch(program)
  }

  func engage(_ type: String, at time: EventTime, _ attributes: [String: Value] = [:]) {
    apply(.engagement, type, at: time, attributes)
  }

  func profile(at time: EventTime, _ attributes: [String: Value]) {
    apply(.profileSnapshot, "", at: time, attributes)
  }

  /// The features by name.
  func row(asOf time: EventTime) -> [String: Float] {
    var row = [Float](repeating: 0, count: program.columnNames.count)
    row.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { program.read(state, asOf: time, into: base, scratch: scratch) }
    }
    return Dictionary(uniqueKeysWithValues: zip(program.columnNames, row))
  }

  private func apply(_ kind: EventKind, _ type: String, at time: EventTime, _ attributes: [String: Value]) {
    events += 1
    batch.begin()
    for (name, value) in attributes { append(name, value) }
    let id = bytes("e\(events)") { batch.append($0) }
    let entity = bytes("c1") { batch.append($0) }
    let number = bytes(type) { program.symbols.lookup($0) }
    let index = batch.commit(
      kind: kind, type: number, eventID: id, entityID: entity, source: .empty, time: time)
    let event = batch.events[index]
    if let problem = program.problem(of: event, in: batch) {
      Issue.record("the event does not fit the pipeline: \(problem)")
      return
    }
    program.apply(event, in: batch, to: state)
  }

  private func append(_ name: String, _ value: Value) {
    bytes(name) { name in
      switch value {
      case .flag(let flag): batch.appendAttribute(name: name, kind: .flag, bits: flag ? 1 : 0)
      case .integer(let number):
        batch.appendAttribute(name: name, kind: .integer, bits: UInt64(bitPattern: number))
      case .real(let number): batch.appendAttribute(name: name, kind: .real, bits: number.bitPattern)
      case .text(let text): bytes(text) { batch.appendAttribute(name: name, kind: .text, bits: 0, text: $0) }
      }
    }
  }

  private func bytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var copy = text
    return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }
}
