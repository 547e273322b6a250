import Glibc
import Synchronization
import TestPorts

/// A real PgBouncer in transaction mode on a loopback port of its own, before a `PostgresServer`; it dies with this process.
///
/// It has two connections to each database and gives them out in turn, so that what a session would remember is soon missed.
public final class PgBouncer: Sendable {
  /// Port on 127.0.0.1.
  public var port: Int { held.number }

  private let held: LoopbackPort
  private let folder: String
  private let process: GuardedProcess
  private static let shared = Mutex<PgBouncer?>(nil)

  /// The process's common one, before the common server.
  public static func common() throws -> PgBouncer {
    try shared.withLock {
      if let pooler = $0 { return pooler }
      let pooler = try PgBouncer(before: PostgresServer.common())
      $0 = pooler
      return pooler
    }
  }

  /// Starts one.
  public init(before server: PostgresServer) throws {
    held = try LoopbackPort()
    folder = try temporaryFolder("pgbouncer")
    let settings = """
      [databases]
      * = host=127.0.0.1 port=\(server.port)
      [pgbouncer]
      listen_addr = 127.0.0.1
      listen_port = \(held.number)
      unix_socket_dir =
      auth_type = any
      pool_mode = transaction
      default_pool_size = 2
      server_round_robin = 1
      server_idle_timeout = 2
      """
    let path = folder + "/pgbouncer.ini"
    guard let file = fopen(path, "we") else { throw ServerFailure("pgbouncer.ini: errno \(errno)") }
    fputs(
      settings.replacing("auth_type = any", with: "auth_type = trust\nauth_file = \(folder)/users") + "\n",
      file)
    fclose(file)
    guard let users = fopen(folder + "/users", "we") else { throw ServerFailure("users: errno \(errno)") }
    fputs("\"postgres\" \"\"\n", users)
    fclose(users)
    if geteuid() == 0 { _ = try run(["chown", "-R", "postgres", folder]) }
    let started = try GuardedProcess(
      PostgresServer.unprivileged + ["/usr/sbin/pgbouncer", path], name: "pgbouncer", folder: folder)
    let number = held.number
    do {
      try poll(seconds: 30, what: "answer of pgbouncer") {
        guard started.isRunning else { throw ServerFailure("pgbouncer ended: \(started.lastWords)") }
        let ready = try run([
          "/usr/lib/postgresql/15/bin/pg_isready", "-q", "-h", "127.0.0.1", "-p", "\(number)",
        ])
        return ready.status == 0 ? () : nil
      }
    } catch {
      started.end(keepFolder: false)
      throw error
    }
    process = started
  }

  /// A connection string for a database.
  public func connection(_ database: String) -> String {
    "host=127.0.0.1 port=\(port) user=postgres dbname=\(database)"
  }

  /// Ends it.
  public func stop() { process.kill(keepFolder: false) }

  deinit { stop() }
}
