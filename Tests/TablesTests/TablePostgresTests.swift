import Dataflow
import Dispatch
import Sink
import TestServers
import TestThreads
import Testing
import TestNumbers
import Tables

/// PostgreSQL's own ways to fail.
@Suite(.onThreads) struct TablePostgresTests {
  private static func sink(_ connection: String, timeoutMs: Int = 5_000) throws -> PostgresTableSink {
    let configuration = PostgresConfiguration(
      connection: connection, connectTimeoutMs: timeoutMs, statementTimeoutMs: timeoutMs)
    return try PostgresTableSink(configuration, context: TableFixture.context())
  }

  /// The server is killed and started again while a worker writes, which repeats what was not answered.
  @Test(arguments: [1, 2] as [UInt64])
  func survivesKillsInMidStream(_ seed: UInt64) throws {
    let server = try PostgresServer()
    let context = TableFixture.context()
    var random = SeededGenerator(seed: seed)
    var (log, model) = (TableLog(context), TableModel(context))
    let sink = try Self.sink(server.connection())
    let killer = DispatchQueue(label: "killer")
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(60)
    var failures = 0
    for step in 0..<200 {
      let (inputs, moves) = log.batch(&random)
      let batch = TableBatch(context, inputs)
      if step % 60 == 30 {
        killer.async {
          server.kill9()
          let failure = Result { try server.restart() }
          #expect(throws: Never.self, "seed \(seed)") { try failure.get() }
        }
      }
      while true {
        do {
          let outcome = try batch.write(to: sink, moves)
          #expect(outcome != .conflict, "seed \(seed), step \(step)")
          break
        } catch let error as PortError {
          failures += 1
          #expect(error.code == .unavailable, "\(error)")
          guard error.code == .unavailable, clock.now < deadline else { throw error }
        }
      }
      model.apply(inputs, moves)
    }
    killer.sync {}
    #expect(try PostgresBackend(server: server).difference(from: model) == nil, "seed \(seed)")
    #expect(failures > 0)
  }

  /// The commit is done, its answer is lost: PostgreSQL waits for a standby that does not exist, and is ended there.
  @Test func aCommitWhoseAnswerIsLostIsAlreadyWritten() throws {
    let server = try PostgresServer()
    let context = TableFixture.context()
    // The server's process ends only when it has waited in vain once more; until then nothing is answered.
    let sink = try Self.sink(server.connection(), timeoutMs: 10_000)
    var random = SeededGenerator(seed: 11)
    var (log, model) = (TableLog(context), TableModel(context))
    let (inputs, moves) = log.batch(&random)
    try sink.connect()
    try server.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    try server.query("SELECT pg_reload_conf()")
    let waiting = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    let ender = DispatchQueue(label: "ender")
    // The server's processes take a new setting over one after the other: a commit that waits shows that they have.
    ender.async {
      var number = 0
      while (try? server.query("CREATE TABLE probe\(number) ()")) != nil { number += 1 }
    }
    while try server.query(waiting).isEmpty {}
    ender.sync {}
    ender.async { while (try? server.query(waiting).isEmpty) ?? false {} }
    let error = tableError { _ = try TableBatch(context, inputs).write(to: sink, moves) }
    ender.sync {}
    #expect(error?.code == .unavailable)
    try server.query("ALTER SYSTEM RESET synchronous_standby_names")
    try server.query("SELECT pg_reload_conf()")
    #expect(try TableBatch(context, inputs).write(to: sink, moves) == .alreadyWritten)
    model.apply(inputs, moves)
    #expect(try PostgresBackend(server: server).difference(from: model) == nil)
  }

  @Test func aServerThatHangsIsUnavailable() throws {
    let server = try PostgresServer()
    let (open, new) = (
      try Self.sink(server.connection(), timeoutMs: 200), try Self.sink(server.connection(), timeoutMs: 200)
    )
    #expect(try open.positions(topic: "events", [0]) == [nil])
    server.freeze()
    let errors = [open, new].map { sink in tableError { _ = try sink.positions(topic: "events", [0]) } }
    server.thaw()
    for error in errors {
      #expect(error?.code == .unavailable)
      #expect(error?.cause == "no answer in time")
    }
    #expect(try open.positions(topic: "events", [0]) == [nil])
  }

  @Test func aStatementBehindALockTimesOut() throws {
    let server = try PostgresServer.common()
    let backend = PostgresBackend(server: server, database: try server.createDatabase())
    let sink = try Self.sink(server.connection(backend.database), timeoutMs: 200)
    try sink.connect()
    let blocker = DispatchQueue(label: "blocker")
    blocker.async {
      _ = try? backend.query(
        "BEGIN; LOCK TABLE positions IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT")
    }
    let locks = """
      SELECT 1 FROM pg_locks
      WHERE mode = 'AccessExclusiveLock' AND relation = 'positions'::regclass AND granted
      """
    while try backend.query(locks).isEmpty {}
    let error = tableError {
      _ = try TableBatch(TableFixture.context(), []).write(to: sink, [.init(partition: 0, old: nil, new: 1)])
    }
    #expect(error?.code == .unavailable)
    #expect(error?.cause == "a statement took longer than its timeout (57014)")
    blocker.sync {}
    #expect(
      try TableBatch(TableFixture.context(), []).write(to: sink, [.init(partition: 0, old: nil, new: 1)])
        == .written)
  }

  @Test func aTerminatedBackendIsUnavailableOnce() throws {
    let server = try PostgresServer.common()
    let backend = PostgresBackend(server: server, database: try server.createDatabase())
    let sink = try Self.sink(server.connection(backend.database))
    try sink.connect()
    _ = try backend.query(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tally' "
        + "AND datname = current_database()")
    let error = tableError { _ = try sink.positions(topic: "events", [0]) }
    #expect(error?.code == .unavailable)
    #expect(try sink.positions(topic: "events", [0]) == [nil])
  }

  @Test func aWrongPasswordIsRefusedAndNotShown() throws {
    let server = try PostgresServer()
    try server.query("CREATE ROLE tally LOGIN PASSWORD 'open sesame'; GRANT ALL ON SCHEMA public TO tally")
    try server.requirePasswords()
    let address = "host=127.0.0.1 port=\(server.port) dbname=postgres user=tally"
    let wrong = try #require(tableError { try Self.sink(address + " password=hunter2").connect() })
    #expect(wrong.code == .refused)
    #expect(
      wrong.description
        == "postgres 127.0.0.1:\(server.port)/postgres: connect: wrong user or password (28P01)")
    let missing = try #require(tableError { try Self.sink(address).connect() })
    #expect(missing.code == .refused)
    #expect(missing.cause == "the server asks for a password")
    try Self.sink(address + " password='open sesame'").connect()
    let separate = PostgresConfiguration(
      connection: "postgresql://tally@127.0.0.1:\(server.port)/postgres", password: "open sesame")
    try PostgresTableSink(separate, context: TableFixture.context()).connect()
  }

  @Test(arguments: [
    "host=127.0.0.1 password=hunter2 nonsense", "postgresql://u:hunter2@127.0.0.1:port/x", "hunter2",
    "host=127.0.0.1 port=1 user=u password=hunter2 dbname=d", "host=hunter2.invalid password=hunter2 user=u",
  ])
  func noErrorShowsThePassword(_ connection: String) throws {
    let error = try #require(tableError { try Self.sink(connection).connect() })
    #expect(error.code == (connection.contains("user=") ? .unavailable : .misuse))
    #expect(!error.cause.contains("hunter2"))
    #expect(!connection.contains("port=1") || error.cause.contains("Connection refused"))
    var dumped = "\(PostgresConfiguration(connection: connection, password: "hunter2"))"
    dump(PostgresConfiguration(connection: connection, password: "hunter2"), to: &dumped)
    #expect(!dumped.contains("hunter2"))
  }

  @Test func whatTheServerLacksIsRefused() throws {
    let server = try PostgresServer.common()
    let missing = tableError { try Self.sink(server.connection("nowhere")).connect() }
    #expect(missing?.code == .refused)
    #expect(missing?.cause == "there is no such database (3D000)")
    try server.query("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    let encoding = tableError { try Self.sink(server.connection("latin")).connect() }
    #expect(encoding?.code == .refused)
    #expect(encoding?.cause.contains("UTF8") == true)
  }

  /// A user who may not create tables works once they are there; before, the refusal says what is lacking.
  @Test func needsNoMoreThanItUses() throws {
    let server = try PostgresServer.common()
    let database = try server.createDatabase()
    try server.query("DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN")
    let asWriter = server.connection(database).split(separator: "user=postgres").joined(
      separator: "user=writer")
    let error = tableError { try Self.sink(asWriter).connect() }
    #expect(error?.code == .refused)
    #expect(error?.cause.contains("permission") == true)
    try Self.sink(server.connection(database)).connect()
    let grants = "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO writer"
    try server.query(grants, database: database)
    let batch = TableBatch(TableFixture.context(), [])
    #expect(try batch.write(to: Self.sink(asWriter), [.init(partition: 0, old: nil, new: 1)]) == .written)
  }

  @Test func aStandbyIsUnavailable() throws {
    let server = try PostgresServer.common()
    let database = try server.createDatabase()
    try Self.sink(server.connection(database)).connect()
    try server.query("ALTER DATABASE \(database) SET default_transaction_read_only = on")
    let error = tableError {
      _ = try TableBatch(TableFixture.context(), []).write(
        to: Self.sink(server.connection(database)), [.init(partition: 0, old: nil, new: 1)])
    }
    #expect(error?.code == .unavailable)
    #expect(error?.cause.contains("standby") == true)
  }

  @Test func worksOverAUnixSocket() throws {
    let server = try PostgresServer.common()
    let database = try server.createDatabase()
    let sink = try Self.sink(server.connection(database, unixSocket: true))
    #expect(
      try TableBatch(TableFixture.context(), []).write(to: sink, [.init(partition: 0, old: nil, new: 1)])
        == .written)
  }

  /// Two workers that believe to own the same partition: one moves it, the other learns so.
  @Test func aSecondWriterGetsAConflict() throws {
    let server = try PostgresServer.common()
    let database = try server.createDatabase()
    let sinks = try (0..<2).map { _ in try Self.sink(server.connection(database)) }
    let batch = TableBatch(TableFixture.context(), [])
    #expect(try batch.write(to: sinks[0], [.init(partition: 0, old: nil, new: 10)]) == .written)
    #expect(try batch.write(to: sinks[1], [.init(partition: 0, old: nil, new: 12)]) == .conflict)
    #expect(try batch.write(to: sinks[1], [.init(partition: 0, old: 10, new: 20)]) == .written)
    #expect(try batch.write(to: sinks[0], [.init(partition: 0, old: 10, new: 21)]) == .conflict)
    #expect(try sinks[0].positions(topic: "events", [0]) == [20])
  }
}
