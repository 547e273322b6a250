import Dataflow
import Events
import Features
import Foundation
import Registry
import Scorer
import TestThreads
import Testing
import Training
import XGBoost
import TestNumbers

/// An event of a random log.
private struct LoggedEvent {
  var entity: String
  var id: String
  var time: EventTime
  /// nil: a login.
  var amount: Double?
  var plan: Double?
  /// -1: none.
  var ingestTimeMs: Int64 = -1
}

@Suite(.onThreads) struct TrainingSetCollectorTests {
  private static let start: EventTime = 1_767_225_600_000_000

  private static func program() throws -> FeatureProgram {
    let position = SourcePosition(line: 1, column: 1)
    func feature(_ name: String, _ expression: String) -> FeatureDeclaration {
      FeatureDeclaration(name: name, expression: expression, isColumn: true, labels: [], position: position)
    }
    func number(_ name: String, to maximum: Double) -> AttributeDeclaration {
      AttributeDeclaration(
        name: name, type: .number(decimals: 2, minimum: 0, maximum: maximum), position: position)
    }
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: [number("plan", to: 9)],
        events: [
          EventTypeDeclaration(name: "login", attributes: [], position: position),
          EventTypeDeclaration(
            name: "purchase", attributes: [number("amount", to: 1_000)], position: position),
        ],
        features: [
          feature("logins", "count(login)"), feature("last_amount", "last(purchase.amount)"),
          feature("recent", "count(any, 2d)"), feature("plan", "profile.plan"),
        ],
        idleTTL: nil))
  }

  /// Events of a few entities, late ones, repeated ones and ones that are not scored among them.
  private static func log(seed: UInt64) -> [LoggedEvent] {
    var generator = SeededGenerator(seed: seed)
    var time = start
    var log: [LoggedEvent] = []
    for index in 0..<600 {
      time += EventTime.random(in: 0...Span.hour, using: &generator)
      let late =
        Int.random(in: 0..<5, using: &generator) == 0
        ? EventTime.random(in: 0...Span.day, using: &generator) : 0
      var event = LoggedEvent(
        entity: "e\(Int.random(in: 0..<12, using: &generator))", id: "id\(index)", time: time - late)
      switch Int.random(in: 0..<10, using: &generator) {
      case 0: event.plan = Double(Int.random(in: 0...9, using: &generator))
      case 1...4: event.amount = Double(Int.random(in: 0...100_000, using: &generator)) / 100
      case 5: event.amount = 5_000  // out of bounds: a dead letter
      case 6: event.ingestTimeMs = (event.time - Span.hour) / 1_000  // too far ahead of its ingest time
      case 7: if let last = log.last(where: { $0.entity == event.entity }) { event.id = last.id }
      default: event.ingestTimeMs = event.time / 1_000 - 1
      }
      log.append(event)
    }
    return log
  }

  private static func labels(seed: UInt64) -> [(entity: String, time: EventTime)] {
    var generator = SeededGenerator(seed: seed &+ 100)
    return (0..<150).map { _ in
      let entity = "e\(Int.random(in: 0..<14, using: &generator))"
      return (entity, start + EventTime.random(in: -Span.day...(15 * Span.day), using: &generator))
    }
  }

  private static func add(_ event: LoggedEvent, to batch: EventBatch) -> Event {
    func slice(_ text: String) -> ByteSlice {
      var copy = text
      return copy.withUTF8 { batch.append(UnsafeRawBufferPointer($0)) }
    }
    batch.begin()
    let id = slice(event.id)
    let entity = slice(event.entity)
    for (name, value) in [("amount", event.amount), ("plan", event.plan)] {
      guard let value else { continue }
      var copy = name
      copy.withUTF8 {
        batch.appendAttribute(name: UnsafeRawBufferPointer($0), kind: .real, bits: value.bitPattern)
      }
    }
    var type = event.amount == nil ? "login" : "purchase"
    let symbol = type.withUTF8 { batch.symbols.lookup(UnsafeRawBufferPointer($0)) }
    let index = batch.commit(
      kind: event.plan == nil ? .engagement : .profileChange, type: symbol, eventID: id, entityID: entity,
      source: .empty, time: event.time)
    return batch.events[index]
  }

  private static func collect(_ log: [LoggedEvent], _ labels: LabelTable) throws -> TrainingSetCollector {
    let program = try program()
    let collector = TrainingSetCollector(program: program, labels: labels, weights: RowWeights(program, []))
    let decoder = LogDecoder(log, program)
    let pass = EventPass(program: program, decoder: decoder)
    for number in log.indices {
      pass.removeAll()
      if case .event(let event) = pass.decode(decoder.record(number)) { collector.apply(event, of: pass) }
    }
    return collector
  }

  /// Makes an event of the record whose offset is its number in the log; refuses what is out of bounds or too far ahead.
  private final class LogDecoder: RecordDecoder {
    private let log: [LoggedEvent]
    private let program: FeatureProgram
    let homes = KeyHomes.onePartition

    init(_ log: [LoggedEvent], _ program: FeatureProgram) {
      self.log = log
      self.program = program
    }

    func record(_ number: Int) -> RawRecord {
      let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      return RawRecord(
        partition: 0, offset: Int64(number), ingestTimeMs: log[number].ingestTimeMs, key: nothing,
        value: nothing, contentType: .unspecified)
    }

    func decode(_ record: RawRecord, into events: EventBatch) -> DeadLetterReason? {
      let event = log[Int(record.offset)]
      guard event.ingestTimeMs < 0 || event.time <= event.ingestTimeMs * 1_000 + 5 * Span.minute else {
        return .futureTime
      }
      let decoded = TrainingSetCollectorTests.add(event, to: events)
      guard program.problem(of: decoded, in: events) == nil else { return .outOfBounds }
      return nil
    }
  }

  /// The events of one entity that are scored, in the order of the log, before the first one at or after
  /// `time`.
  private static func known(_ log: [LoggedEvent], _ entity: String, before time: EventTime) -> [LoggedEvent] {
    var ids: [String] = []
    var known: [LoggedEvent] = []
    for event in log where event.entity == entity {
      let isEarly = event.ingestTimeMs < 0 || event.time <= event.ingestTimeMs * 1_000 + 5 * Span.minute
      if event.amount ?? 0 > 1_000 || !isEarly || ids.suffix(32).contains(event.id) { continue }
      if event.time >= time { break }
      ids.append(event.id)
      known.append(event)
    }
    return known
  }

  /// The four features, from the events themselves.
  private static func naiveRow(_ events: [LoggedEvent]) -> [Float] {
    let watermark = events.map(\.time).max() ?? 0
    let engagement = events.filter { $0.plan == nil }
    let recent = engagement.filter { $0.time / Span.hour >= (watermark - 2 * Span.day) / Span.hour }
    func latest(_ value: (LoggedEvent) -> Double?) -> Float {
      var best: (time: EventTime, value: Double)?
      for event in events {
        if let value = value(event), event.time >= best?.time ?? 0 { best = (event.time, value) }
      }
      return best.map { Float($0.value) } ?? .nan
    }
    return [
      Float(engagement.count { $0.amount == nil }), latest(\.amount), Float(recent.count), latest(\.plan),
    ]
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func rowsAreThoseOfTheEventsKnownBefore(seed: UInt64) throws {
    let log = Self.log(seed: seed)
    let labels = Self.labels(seed: seed)
    let table = LabelTable(names: ["next_day"])
    for (index, label) in labels.enumerated() {
      table.append(entity: label.entity, time: label.time, values: [Float(index)], line: index + 2)
    }
    let collector = try Self.collect(log, table)
    let set = collector.finish()
    var without = 0
    var unknown: Set<Int> = []
    var early: Set<Int> = []
    for (index, label) in labels.enumerated() {
      let known = Self.known(log, label.entity, before: label.time)
      let rows = set.rows.indices.filter { set.rows[$0].order == index }
      #expect(rows.count == (known.isEmpty ? 0 : 1), "label \(index), seed \(seed)")
      guard let row = rows.first else {
        without += 1
        let isUnknown = Self.known(log, label.entity, before: .max).isEmpty
        if isUnknown { unknown.insert(index + 2) } else { early.insert(index + 2) }
        continue
      }
      let cells = Array(UnsafeBufferPointer(start: set.features.row(row), count: 4))
      #expect(
        cells.map(\.bitPattern) == Self.naiveRow(known).map(\.bitPattern), "label \(index), seed \(seed)")
      #expect(set.rows[row].asOf == known.map(\.time).max() && set.rows[row].asOf < label.time)
      #expect(set.labels.row(row)[0] == Float(index) && set.rows[row].entity == Hash128(of: label.entity))
    }
    #expect(collector.counts.labels == 150 && collector.counts.labelsWithoutEvents == without)
    for (found, expected) in [
      (collector.counts.ofUnknownEntities, unknown), (collector.counts.beforeFirstEvents, early),
    ] {
      #expect(found.count == expected.count && found.lines.count == min(expected.count, LabelLines.linesMax))
      #expect(
        expected.isSuperset(of: found.lines) && Set(found.lines).count == found.lines.count, "seed \(seed)")
    }
    #expect(set.rows.count == 150 - without && without > 5 && collector.counts.events < 600)
    #expect(collector.counts.duplicate > 0)
  }

  /// What is scored live, with the state stored and read again after every event.
  @Test func rowsAreThoseThatAreScoredLive() throws {
    let log = Self.log(seed: 9)
    let program = try Self.program()
    let scratch = FeatureScratch(program)
    let batch = EventBatch(symbols: program.symbols)
    let table = LabelTable(names: ["next_day"])
    for label in Self.labels(seed: 9) { table.append(entity: label.entity, time: label.time, values: [0]) }
    let set = try Self.collect(log, table).finish()
    var live: [Hash128: [[UInt32]]] = [:]
    var states: [String: [UInt8]] = [:]
    for event in log {
      batch.removeAll()
      let decoded = Self.add(event, to: batch)
      let state = EntityState(program)
      if let stored = states[event.entity] { #expect(stored.withUnsafeBytes { state.decode($0) }) }
      let isEarly = event.ingestTimeMs < 0 || event.time <= event.ingestTimeMs * 1_000 + 5 * Span.minute
      guard isEarly, program.problem(of: decoded, in: batch) == nil, !program.isDuplicate(decoded, of: state)
      else {
        continue
      }
      program.apply(decoded, in: batch, to: state)
      var row = [Float](repeating: 0, count: 4)
      program.read(state, asOf: state.watermark, into: &row, scratch: scratch)
      live[Hash128(of: event.entity), default: []].append(row.map(\.bitPattern))
      var writer = WireWriter()
      state.encode(into: &writer)
      states[event.entity] = writer.bytes
    }
    #expect(set.rows.count > 100)
    for (index, row) in set.rows.enumerated() {
      let cells = UnsafeBufferPointer(start: set.features.row(index), count: 4).map(\.bitPattern)
      #expect(live[row.entity]?.contains(cells) == true, "row \(index) was never scored")
    }
  }

  @Test func anEventAtTheLabelsTimeIsNotKnown() throws {
    let table = LabelTable(names: ["a", "b"])
    table.append(entity: "e", time: Self.start + 10, values: [1, .nan])
    table.append(entity: "e", time: Self.start + 5, values: [.nan, 2])
    table.append(entity: "nobody", time: Self.start, values: [0, 0])
    let events = [0, 5, 10, 9].enumerated().map { index, offset in
      LoggedEvent(entity: "e", id: "\(index)", time: Self.start + EventTime(offset))
    }
    let collector = try Self.collect(events, table)
    let set = collector.finish()
    #expect(set.rows.map(\.order) == [1, 0] && set.rows.map(\.asOf) == [Self.start, Self.start + 5])
    #expect([set.features.row(0)[0], set.features.row(1)[0]] == [1, 2])
    #expect(collector.counts.labelsWithoutEvents == 1 && collector.counts.applied == 2)
    #expect(set.split(label: 0, heldBackShare: 0, seed: 1).training == [1])
    #expect(set.split(label: 1, heldBackShare: 0, seed: 1).training == [0])
  }

  /// Rows without labels: those that are scored, drawn by the events' ids, whatever the order of the entities among each other.
  @Test(arguments: [UInt64(1), 2]) func drawsRowsOfAllThatIsScored(seed: UInt64) throws {
    let log = Self.log(seed: seed)
    func draw(_ log: [LoggedEvent], rows: Int, seed: UInt64 = 5) throws -> TrainingSet {
      let program = try Self.program()
      let collector = EventSampleCollector(
        program: program, weights: RowWeights(program, []), seed: seed, rowsMax: rows)
      let decoder = LogDecoder(log, program)
      let pass = EventPass(program: program, decoder: decoder)
      for number in log.indices {
        pass.removeAll()
        if case .event(let event) = pass.decode(decoder.record(number)) { collector.apply(event, of: pass) }
      }
      return collector.finish()
    }
    func texts(_ set: TrainingSet) -> [String] {
      set.rows.indices.map { row in
        "\(set.rows[row].entity.hex) \((0..<4).map { set.features.row(row)[$0].bitPattern })"
      }
    }
    let all = try draw(log, rows: 10_000)
    // Each entity's rows, by hand: one for each event that is scored.
    for entity in Set(log.map(\.entity)) {
      let known = Self.known(log, entity, before: .max)
      let expected = known.indices.map { Self.naiveRow(Array(known[...$0])).map(\.bitPattern) }
      let own = all.rows.indices.filter { all.rows[$0].entity == Hash128(of: entity) }.map { row in
        (0..<4).map { all.features.row(row)[$0].bitPattern }
      }
      #expect(Set(own) == Set(expected) && own.count == expected.count, "seed \(seed)")
    }
    let few = try draw(log, rows: 40)
    #expect(few.rows.count == 40 && Set(texts(few)).isSubset(of: texts(all)))
    let moved = log.filter { $0.entity < "e5" } + log.filter { $0.entity >= "e5" }
    #expect(texts(try draw(moved, rows: 40)) == texts(few), "seed \(seed)")
    #expect(texts(try draw(log, rows: 40, seed: 6)) != texts(few))
  }

  /// From a log through training to a scorer that takes the model.
  @Test func trainsAModelThatTheScorerTakes() throws {
    let table = LabelTable(names: ["next_day"])
    var log: [LoggedEvent] = []
    var generator = SeededGenerator(seed: 3)
    for entity in 0..<200 {
      let logins = Int.random(in: 1...20, using: &generator)
      for login in 0..<logins {
        log.append(LoggedEvent(entity: "e\(entity)", id: "\(login)", time: Self.start + EventTime(login)))
      }
      table.append(entity: "e\(entity)", time: Self.start + Span.day, values: [Float(logins) / 20])
    }
    let set = try Self.collect(log, table).finish()
    let path = NSTemporaryDirectory() + "tally-training-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = ModelDeclaration(
      name: "engagement", file: "engagement.json", label: "next_day", objective: "reg:squarederror",
      position: SourcePosition(line: 1, column: 1))
    let folder = ModelFolder(path: path)
    let report = try ModelTrainer().train(model, on: set, into: folder)
    #expect(report.quality.rSquared ?? 0 > 0.9 && report.topFeatures.first?.name == "logins")
    let scorer = try ForestScorer(
      ServedModels(
        models: [model], folder: folder, columns: set.columnNames.map { ColumnDescription(name: $0) }))
    let outputs = FloatMatrix(columns: 1, capacityRows: 1)
    try scorer.score(set.features, into: outputs)
    #expect(scorer.modelVersions == [report.version.hex])
    let errors = set.rows.indices.map { abs(outputs.row($0)[0] - set.labels.row($0)[0]) }
    #expect((errors.max() ?? 1) < 0.1)
  }
}
