import Dataflow
import Events

/// What a batch does to the table.
struct TableChange {
  struct Row {
    var place: LogPlace
    var entity: [UInt8]
    var outcome: Outcome
    /// Entity that a letter's value names; empty: none.
    var named: [UInt8] = []
  }

  var erased: [[UInt8]] = []
  var rows: [Row] = []
  var moves: [PositionMove]

  init(_ batch: ScoredBatch, moves: [PositionMove]) {
    self.moves = moves
    for erasure in batch.erasures where erasure.toTable {
      let event = batch.events.events[Int(erasure.event)]
      erased.append(batch.events.withBytes(of: event.entityID) { Array($0) })
    }
    for index in batch.rows.indices where batch.rows[index].toTable {
      let record = batch.records[batch.rows[index].record]
      rows.append(
        Row(
          place: LogPlace(partition: record.partition, offset: record.offset), entity: Array(record.key),
          outcome: Outcome(batch, row: index)))
    }
    for letter in batch.deadLetters where letter.toTable {
      let record = batch.records[letter.record]
      rows.append(
        Row(
          place: LogPlace(partition: record.partition, offset: record.offset), entity: Array(record.key),
          outcome: .letter(letter.reason), named: letter.entityID))
    }
  }
}

/// The table's server: rows and letters with their positions.
final class TableServer {
  private(set) var positions: [Int32: Int64] = [:]
  private(set) var leftOut: [Int32: LeftOutRanges] = [:]
  private(set) var rows: [LogPlace: TableChange.Row] = [:]
  /// Records whose row came again.
  private(set) var repeated: [LogPlace] = []
  private let bugs: NeighbourBugs

  init(bugs: NeighbourBugs) { self.bugs = bugs }

  func write(_ change: TableChange) -> WriteOutcome {
    if change.moves.allSatisfy({ positions[$0.partition] == $0.new }) {
      if bugs.has(.tableRowsRepeated) { put(change) }
      return .alreadyWritten
    }
    guard bugs.has(.tableComparesNothing) || change.moves.allSatisfy({ positions[$0.partition] == $0.old })
    else {
      return .conflict
    }
    for move in change.moves {
      positions[move.partition] = move.new
      if !bugs.has(.tableForgetsLeftOut) { leftOut[move.partition] = move.leftOut }
    }
    for entity in change.erased {
      rows = rows.filter { $0.value.entity != entity && $0.value.named != entity }
    }
    put(change)
    return .written
  }

  private func put(_ change: TableChange) {
    for row in change.rows where rows.updateValue(row, forKey: row.place) != nil {
      repeated.append(row.place)
    }
  }
}

/// The table as one life reads and writes it.
final class SimulatedTable: TableSink {
  private let life: Life

  init(_ life: Life) { self.life = life }

  func positions(topic: String, _ partitions: [Int32]) throws -> [TablePosition?] {
    try life.read("positions", of: .table, "of \(partitions)") {
      partitions.map { partition in
        life.world.table.positions[partition].map {
          TablePosition($0, leftOut: life.world.table.leftOut[partition] ?? LeftOutRanges())
        }
      }
    }
  }

  func write(_ batch: ScoredBatch, moves: [PositionMove]) throws -> WriteOutcome {
    if life.isDead { throw Crash() }
    let (server, change) = (life.world.table, TableChange(batch, moves: moves))
    return try life.change(
      "table", of: .table,
      "\(moves.map { "\($0.partition): T \($0.old.map(String.init) ?? "none") to \($0.new)" }), \(change.rows.count) rows"
    ) { [world = life.world] in
      let outcome = server.write(change)
      if outcome == .written { world.noteFirstRows(moves) }
      return outcome
    }
  }

  func close() {}
}

/// The machine's clock of one life.
final class SimulatedClock: Clock {
  private let life: Life

  init(_ life: Life) { self.life = life }

  func wallMicros() -> Int64 { 1_800_000_000_000_000 + life.world.now }
  func monotonicNanos() -> UInt64 { UInt64(life.world.now + 1) * 1000 }
  func sleep(milliseconds: Int) {
    if !life.isDead { life.world.suspend(life, for: Int64(milliseconds) * 1000) }
  }
}
