import Dataflow
import Dispatch
import GRDB
import Glibc
import Synchronization
import TestServers
import TestThreads
import Testing

import Sink
@testable import Tables
import TestNumbers

/// SQLite's own ways to fail.
@Suite(.onThreads) struct TableSQLiteTests {
  @Test func aSecondWritingProcessIsRefused() throws {
    let backend = try SQLiteBackend()
    let error = try #require(tableError { _ = try SQLiteTables(path: backend.tables.path) })
    #expect(error.code == .refused)
    #expect(error.reason == .twoOwners)
    let path = backend.folder + "/other.db"
    do { _ = try SQLiteTables(path: path) }
    _ = try SQLiteTables(path: path)
    for end in ["", "-wal", "-shm", ".lock"] { unlink(path + end) }
  }

  @Test func commitsAreDurable() throws {
    let backend = try SQLiteBackend()
    let modes = try backend.tables.queue.writeWithoutTransaction { database in
      [
        try String.fetchOne(database, sql: "PRAGMA journal_mode"),
        try Int.fetchOne(database, sql: "PRAGMA synchronous").map { "\($0)" },
      ]
    }
    #expect(modes == ["wal", "2"])
  }

  @Test func aFullDiskIsUnavailableAndWritesNothing() throws {
    let backend = try SQLiteBackend()
    let context = TableFixture.context()
    let sink = try SQLiteTableSink(backend.tables, context: context)
    try sink.connect()
    func limit(_ pages: Int) throws {
      try backend.tables.queue.writeWithoutTransaction { database in
        _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(pages)")
      }
    }
    try limit(1)
    var random = SeededGenerator(seed: 5)
    var (log, model) = (TableLog(context), TableModel(context))
    var pending: (inputs: [TableInput], moves: [PositionMove])?
    var failure: PortError?
    while failure == nil {
      let next = log.batch(&random)
      failure = tableError { _ = try TableBatch(context, next.inputs).write(to: sink, next.moves) }
      if failure == nil { model.apply(next.inputs, next.moves) } else { pending = next }
    }
    #expect(failure?.code == .unavailable)
    #expect(failure?.cause == "the disk is full")
    #expect(try backend.difference(from: model) == nil)
    try limit(100_000)
    let (inputs, moves) = try #require(pending)
    #expect(try TableBatch(context, inputs).write(to: sink, moves) == .written)
    model.apply(inputs, moves)
    #expect(try backend.difference(from: model) == nil)
  }

  @Test func somethingElseThanADatabaseIsRefused() throws {
    let backend = try SQLiteBackend()
    let error = tableError { _ = try SQLiteTables(path: backend.folder + "/missing folder/x.db") }
    #expect(error?.code == .refused)
  }

  @Test func readersDoNotDisturb() throws {
    let backend = try SQLiteBackend()
    let context = TableFixture.context()
    let sink = try SQLiteTableSink(backend.tables, context: context)
    try sink.connect()
    let reader = try DatabaseQueue(path: backend.tables.path)
    try reader.inDatabase { database in
      try database.execute(sql: "BEGIN")
      #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM positions") == 0)
      #expect(
        try TableBatch(context, []).write(to: sink, [.init(partition: 0, old: nil, new: 1)]) == .written)
      #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM positions") == 0)
      try database.execute(sql: "COMMIT")
      #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM positions") == 1)
    }
  }

  /// Every reader waits while a writer has the database to itself, as when it starts its log anew; none fails at once.
  @Test func readersWaitForAWriter() throws {
    let path = "/tmp/tally-positions-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).db"
    defer { unlink(path) }
    // Without WAL a writer keeps readers out for as long as it likes.
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let writer = try DatabaseQueue(path: path, configuration: configuration)
    try writer.writeWithoutTransaction { database in
      try database.execute(
        sql: """
          CREATE TABLE positions (pipeline TEXT, topic TEXT, "partition" INTEGER, next_offset INTEGER);
          INSERT INTO positions VALUES ('p', 't', 0, 42);
          BEGIN EXCLUSIVE
          """)
    }
    let found = Mutex<Result<[TablePosition?], any Error>?>(nil)
    let reading = DispatchGroup()
    DispatchQueue.global().async(group: reading) {
      let result = Result { try TablePositions.read(sqlite: path, pipeline: "p", topic: "t", [0]) }
      found.withLock { $0 = result }
    }
    // One that does not wait has ended by then; one that does goes on.
    #expect(reading.wait(timeout: .now() + .milliseconds(300)) == .timedOut)
    try writer.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
    reading.wait()
    #expect(try found.withLock { try $0?.get() } == [42])
  }
}
