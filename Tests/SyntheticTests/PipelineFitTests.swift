import Dataflow
import Declaration
import Events
import Features
import Foundation
import TestThreads
import Testing

@testable import Synthetic

/// The invented world speaks the language of `pipelines/engagement.yaml`.
@Suite(.onThreads) struct PipelineFitTests {
  private static func program() throws -> FeatureProgram {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "pipelines/engagement.yaml")
    return try FeatureProgram(loadPipeline(yaml: String(contentsOf: file, encoding: .utf8)).features)
  }

  @Test func everyEventFitsAndEveryFeatureComesAlive() throws {
    let program = try Self.program()
    let batch = EventBatch(symbols: program.symbols)
    let scratch = FeatureScratch(program)
    let configuration = SyntheticConfiguration(seed: 41, customers: 40, days: 60)
    let states = (0..<configuration.customers).map { _ in EntityState(program) }
    var misfits: [String: Int] = [:]
    var dropped: Set<String> = []
    for event in SyntheticLog(configuration) {
      batch.removeAll()
      let decoded = try Self.decode(event)
      dropped.formUnion(Self.append(decoded, to: batch))
      if let problem = program.problem(of: batch.events[0], in: batch) {
        misfits["\(decoded.kind): \(problem)", default: 0] += 1
      }
      program.apply(batch.events[0], in: batch, to: states[event.customer])
    }
    #expect(misfits.isEmpty, "\(misfits)")
    #expect(dropped == ["full_name", "email"], "names and addresses are nobody's business")
    var rows: [[Float]] = []
    for state in states where state.events > 0 {
      var row = [Float](repeating: 0, count: program.columnNames.count)
      row.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress {
          program.read(state, asOf: state.watermark, into: base, scratch: scratch)
        }
      }
      rows.append(row)
    }
    for (column, name) in program.columnNames.enumerated() {
      let values = Set(rows.map { $0[column] }.filter { !$0.isNaN })
      #expect(values.count > 1, "\(name) is the same for all: \(values)")
      for labels in [program.columnLabels[column]] where !labels.isEmpty {
        #expect(
          values.allSatisfy { Int($0) < labels.count && labels[Int($0)] != "other" }, "\(name): \(values)")
      }
    }
  }

  private static func decode(_ event: SyntheticEvent) throws -> DecodedEvent {
    var writer = WireWriter()
    event.appendProtobuf(to: &writer)
    return try DecodedEvent(protobuf: writer.bytes)
  }

  /// Returns the attributes whose names the pipeline does not know.
  private static func append(_ event: DecodedEvent, to batch: EventBatch) -> Set<String> {
    var dropped: Set<String> = []
    batch.begin()
    for (name, value) in event.attributes {
      let before = batch.attributes.count
      bytes(name) { name in
        switch value {
        case .null: batch.appendAttribute(name: name, kind: .null, bits: 0)
        case .flag(let flag): batch.appendAttribute(name: name, kind: .flag, bits: flag ? 1 : 0)
        case .integer(let number):
          batch.appendAttribute(name: name, kind: .integer, bits: UInt64(bitPattern: number))
        case .real(let number): batch.appendAttribute(name: name, kind: .real, bits: number.bitPattern)
        case .text(let text):
          bytes(text) { batch.appendAttribute(name: name, kind: .text, bits: 0, text: $0) }
        }
      }
      if batch.attributes.count == before { dropped.insert(name) }
    }
    let kind: EventKind =
      event.isProfile ? (event.kind == "SNAPSHOT" ? .profileSnapshot : .profileChange) : .engagement
    let type = event.isProfile ? SymbolTable.unknown : bytes(event.kind) { batch.symbols.lookup($0) }
    let id = bytes(event.eventID) { batch.append($0) }
    let entity = bytes(event.entityID) { batch.append($0) }
    batch.commit(kind: kind, type: type, eventID: id, entityID: entity, source: .empty, time: event.time)
    return dropped
  }

  private static func bytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var copy = text
    return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }
}
