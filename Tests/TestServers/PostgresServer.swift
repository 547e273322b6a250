import Glibc
import Synchronization
import TestPorts

/// A real PostgreSQL 15 on a loopback port of its own and a unix socket; it dies with this process.
///
/// It runs as user `postgres` when the test runs as root, since the server refuses root. Every database user
/// is trusted. What was committed survives `kill9` (the machine stays up, so `fsync` is off).
public final class PostgresServer: Sendable {
  /// Port on 127.0.0.1; also names the socket. Stays the same over restarts.
  public var port: Int { held.number }
  /// The folder that holds its files and its unix socket.
  public let folder: String

  private let held: LoopbackPort
  private struct Running {
    var process: GuardedProcess?
    var databases = 0
  }
  private let state = Mutex(Running())
  private static let template = Mutex<String?>(nil)
  private static let shared = Mutex<PostgresServer?>(nil)
  private static let binaries = "/usr/lib/postgresql/15/bin/"

  /// The process's common server, started when first asked for; give each test a database of its own.
  public static func common() throws -> PostgresServer {
    try shared.withLock {
      if let server = $0 { return server }
      let server = try PostgresServer()
      $0 = server
      return server
    }
  }

  /// Starts a server of its own, for a test that kills it.
  public init() throws {
    folder = try Self.copyOfTemplate()
    held = try LoopbackPort()
    try launch()
  }

  /// A connection string for a database, by default over TCP.
  public func connection(_ database: String = "postgres", unixSocket: Bool = false) -> String {
    "host=\(unixSocket ? folder : "127.0.0.1") port=\(port) user=postgres dbname=\(database)"
  }

  /// Makes an empty database; returns its name.
  public func createDatabase() throws -> String {
    let number = state.withLock {
      $0.databases += 1
      return $0.databases
    }
    _ = try query("CREATE DATABASE test\(number)")
    return "test\(number)"
  }

  /// Moves a database's tables and indices, not the server's log, to an empty folder. Nobody may be connected to it.
  public func moveTables(of database: String, to folder: String) throws {
    let place = folder + "/\(database)"
    try Self.must(Self.unprivileged + ["mkdir", place])
    try query("CREATE TABLESPACE \(database) LOCATION '\(place)'")
    try query("ALTER DATABASE \(database) SET TABLESPACE \(database)")
  }

  /// Runs SQL through psql; returns the rows of cells as text, "" for null.
  @discardableResult
  public func query(_ sql: String, database: String = "postgres") throws -> [[String]] {
    let command = [
      Self.binaries + "psql", "-X", "-q", "-A", "-t", "-F", "\u{1f}", "-v", "ON_ERROR_STOP=1", "-h", folder,
      "-p", "\(port)", "-U", "postgres", "-d", database, "-c", sql,
    ]
    let (status, output) = try run(command)
    guard status == 0 else {
      throw ServerFailure("psql: \(output)\(state.withLock { $0.process?.ending } ?? "")")
    }
    return output.split(separator: "\n").map {
      $0.split(separator: "\u{1f}", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// From now on connections over TCP need the user's password; those over the unix socket do not.
  public func requirePasswords() throws {
    let path = folder + "/data/pg_hba.conf"
    guard let file = fopen(path, "we") else { throw ServerFailure("pg_hba.conf: errno \(errno)") }
    fputs("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n", file)
    fclose(file)
    try query("SELECT pg_reload_conf()")
    try poll(seconds: 10, what: "reload of pg_hba.conf") {
      try query("SELECT 1 FROM pg_hba_file_rules WHERE auth_method = 'trust'").count == 1 ? () : nil
    }
  }

  /// Kills it and all its backends as a crash would. Port and folder stay.
  public func kill9() {
    signalAll(SIGSTOP)
    signalAll(SIGKILL)
    state.withLock {
      $0.process?.kill(keepFolder: true)
      $0.process = nil
    }
  }

  /// Starts it again on the same port and folder, after `kill9`, or after killing it now.
  public func restart() throws {
    kill9()
    let attemptsMax = 20
    for attempt in 1...attemptsMax {
      do {
        return try launch()
      } catch let failure as ServerFailure {
        // A backend of the one that was killed may need a moment to be gone.
        guard logTail.contains("pre-existing shared memory block") && attempt < attemptsMax else {
          throw failure
        }
        usleep(50_000)
      }
    }
  }

  /// Stops the work of the server and all backends until `thaw`: connections stay open, nothing is answered.
  public func freeze() { signalAll(SIGSTOP) }

  /// Takes its work up again.
  public func thaw() { signalAll(SIGCONT) }

  /// Ends it and removes its folder.
  public func stop() {
    state.withLock {
      $0.process?.kill(keepFolder: false)
      $0.process = nil
    }
    _ = try? run(["rm", "-rf", folder])
  }

  deinit { stop() }

  /// The server first, so that it starts no more backends.
  private func signalAll(_ number: Int32) {
    state.withLock {
      guard let process = $0.process else { return }
      let isStop = number == SIGSTOP
      if isStop { process.signal(number) }
      let backends = (try? run(["pgrep", "-P", "\(process.pid)"]).output) ?? ""
      if !isStop { process.signal(number) }
      for backend in backends.split(separator: "\n") { _ = pid_t(backend).map { Glibc.kill($0, number) } }
    }
  }

  private func launch() throws {
    let command =
      Self.unprivileged + [
        Self.binaries + "postgres", "-D", folder + "/data", "-p", "\(port)", "-k", folder, "-h", "127.0.0.1",
        "-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB", "-c",
        "log_min_messages=fatal",
      ]
    let process = try GuardedProcess(command, name: "postgres", folder: folder)
    do {
      try poll(seconds: 30, what: "answer of postgres") {
        guard process.isRunning else { throw ServerFailure("postgres ended: \(process.lastWords)") }
        let ready = try run([Self.binaries + "pg_isready", "-q", "-h", folder, "-p", "\(port)"])
        return ready.status == 0 ? () : nil
      }
    } catch {
      process.end(keepFolder: true)
      throw error
    }
    state.withLock { $0.process = process }
  }

  private var logTail: String { String((readFile(folder + "/log") ?? "").suffix(400)) }

  static var unprivileged: [String] {
    geteuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : []
  }

  /// A folder with a fresh cluster in `data`; `initdb` runs once in a process, then its result is copied.
  private static func copyOfTemplate() throws -> String {
    let source = try template.withLock { known -> String in
      if let known { return known }
      let folder = try temporaryFolder("initdb")
      if geteuid() == 0 { try must(["chown", "postgres", folder]) }
      atexit { PostgresServer.removeTemplate() }
      try must(
        unprivileged + [
          binaries + "initdb", "-D", folder + "/data", "-A", "trust", "-U", "postgres", "-E", "UTF8",
          "--locale=C.UTF-8", "--no-sync",
        ])
      known = folder
      return folder
    }
    let folder = try temporaryFolder("postgres")
    if geteuid() == 0 { try must(["chown", "postgres", folder]) }
    try must(["cp", "-a", source + "/data", folder + "/data"])
    return folder
  }

  private static func removeTemplate() {
    template.withLock {
      if let folder = $0 { _ = try? run(["rm", "-rf", folder]) }
      $0 = nil
    }
  }

  private static func must(_ command: [String]) throws {
    let (status, output) = try run(command)
    guard status == 0 else { throw ServerFailure("\(command[0]): \(output.suffix(400))") }
  }
}
