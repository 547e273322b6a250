import Dataflow
import Foundation
import Sink
import Tables
import TestServers
import TestThreads
import Testing

/// How long erasures take among many letters; printed, for scripts/erasures.sh. Who is erased has a row in both tables and a letter.
@Suite(
  .onThreads, .serialized,
  .enabled(if: ProcessInfo.processInfo.environment["TALLY_ERASURE_LETTERS"] != nil, "for scripts/erasures.sh")
)
struct ErasureTimes {
  private static let letters = Int(ProcessInfo.processInfo.environment["TALLY_ERASURE_LETTERS"] ?? "") ?? 0
  private static let singles = 200
  private static let together = 4_096

  @Test(arguments: [TableKind.sqlite, .postgres])
  func erase(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let sink = try backend.sink(context)
    defer { sink.close() }
    _ = try sink.positions(topic: "events", [0])
    try fill(backend, kind)
    var next: Int64 = 0
    func write(_ inputs: [TableInput]) throws {
      let move = PositionMove(partition: 0, old: next == 0 ? nil : next, new: next + Int64(inputs.count))
      #expect(try TableBatch(context, inputs).write(to: sink, [move]) == .written)
      next += Int64(inputs.count)
    }
    func inputs(_ people: Range<Int>, isErasure: Bool) -> [TableInput] {
      people.enumerated().map { index, person in
        var input = TableInput(
          entity: "e\(person * 2)", event: "x\(person)", time: 1_767_225_600_000_000,
          asOf: 1_767_225_600_000_000, partition: 0, offset: next + Int64(index), outputs: [0.5, 0.5],
          decisions: [0, 0], features: TableFixture.features.map { _ in 0 })
        input.isErasure = isErasure
        return input
      }
    }
    let all = Self.singles + Self.together
    for start in stride(from: 0, to: all, by: 1_000) {
      try write(inputs(start..<min(start + 1_000, all), isErasure: false))
    }
    var times: [Double] = []
    for person in 0..<Self.singles {
      let start = ContinuousClock.now
      try write(inputs(person..<(person + 1), isErasure: true))
      times.append((ContinuousClock.now - start) / .milliseconds(1))
    }
    let start = ContinuousClock.now
    try write(inputs(Self.singles..<all, isErasure: true))
    let together = (ContinuousClock.now - start) / .milliseconds(1)
    let left = try backend.query("SELECT count(*) FROM dead_letters")
    #expect(left == [["\(Self.letters - all)"]])
    #expect(try backend.query("SELECT count(*) FROM scores") == [["0"]])
    times.sort()
    func text(_ value: Double) -> String { String(format: "%.2f", value) }
    print(
      "erasures: \(kind) with \(Self.letters) letters: alone in a batch p50 \(text(times[times.count / 2])) ms, p99 "
        + "\(text(times[times.count * 99 / 100])) ms; \(Self.together) in one batch \(text(together)) ms, "
        + "\(text(together / Double(Self.together))) ms each")
  }

  /// Letters of 300 bytes, each of another key and person.
  private func fill(_ backend: any TableBackend, _ kind: TableKind) throws {
    let columns =
      "pipeline, topic, \"partition\", \"offset\", reason, detail, key, value, recorded_at, entity_id"
    let value = String(repeating: "v", count: 300)
    if kind == .sqlite {
      _ = try backend.query(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < \(Self.letters - 1)) INSERT INTO "
          + "dead_letters (\(columns)) SELECT 'engagement', 'events', 1, i, 'undecodable', '', CAST('e' || i AS blob), "
          + "CAST('\(value)' AS blob), i, NULL FROM n")
    } else {
      _ = try backend.query(
        "INSERT INTO dead_letters (\(columns)) SELECT 'engagement', 'events', 1, i, 'undecodable', '', "
          + "convert_to('e' || i, 'UTF8'), convert_to('\(value)', 'UTF8'), now(), NULL FROM generate_series(0, "
          + "\(Self.letters - 1)) i")
      _ = try backend.query("ANALYZE dead_letters")
    }
  }
}
