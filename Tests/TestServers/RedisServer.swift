import Glibc
import Synchronization
import TestPorts

/// A real redis-server on a loopback port of its own, in a folder of its own; it dies with this process.
public final class RedisServer: Sendable {
  /// Port on 127.0.0.1; stays the same over restarts.
  public var port: Int { held.number }
  /// Path of its unix socket.
  public var socketPath: String { folder + "/redis.sock" }
  /// The folder that holds its files.
  public let folder: String
  /// Password of the default user; nil: none.
  public let password: String?

  private let held: LoopbackPort
  private let appendOnly: Bool
  private let options: [String]
  private let process = Mutex<GuardedProcess?>(nil)

  /// Starts a server. `appendOnly`: what was acknowledged survives `kill9`. `options`: more of its command
  /// line, for example `["--maxmemory", "10mb"]`.
  public init(password: String? = nil, appendOnly: Bool = false, options: [String] = []) throws {
    self.password = password
    self.appendOnly = appendOnly
    self.options = options
    folder = try temporaryFolder("redis")
    held = try LoopbackPort()
    try launch()
  }

  /// Kills it as a crash would: nothing is flushed. Its port and folder stay.
  public func kill9() {
    process.withLock {
      $0?.signal(SIGKILL)
      $0?.kill(keepFolder: true)
      $0 = nil
    }
  }

  /// Starts it again on the same port and folder, after `kill9`, or after killing it now.
  public func restart() throws {
    kill9()
    try launch()
  }

  /// Stops all its work until `thaw`: it accepts connections and answers nothing.
  public func freeze() { process.withLock { $0?.signal(SIGSTOP) } }

  /// Takes its work up again.
  public func thaw() { process.withLock { $0?.signal(SIGCONT) } }

  /// Ends it and removes its folder.
  public func stop() {
    process.withLock {
      $0?.kill(keepFolder: false)
      $0 = nil
    }
    _ = try? run(["rm", "-rf", folder])
  }

  deinit { stop() }

  /// Runs one command through redis-cli; returns what it prints, without the last newline.
  @discardableResult
  public func command(_ words: String...) throws -> String {
    var line = ["redis-cli", "-h", "127.0.0.1", "-p", "\(port)", "--no-auth-warning"]
    if let password { line += ["-a", password] }
    let (status, output) = try run(line + words)
    guard status == 0 else { throw ServerFailure("redis-cli: \(output)\(ending)") }
    return output.hasSuffix("\n") ? String(output.dropLast()) : output
  }

  private func launch() throws {
    var command = [
      "redis-server", "--bind", "127.0.0.1", "--port", "\(port)", "--unixsocket", socketPath, "--dir", folder,
      "--save", "", "--appendonly", appendOnly ? "yes" : "no", "--appendfsync", "always", "--daemonize", "no",
    ]
    if let password { command += ["--requirepass", password] }
    let started = try GuardedProcess(command + options, folder: folder)
    do {
      try poll(seconds: 20, what: "answer of redis-server") {
        guard started.isRunning else { throw ServerFailure("redis-server ended: \(started.lastWords)") }
        let (_, output) = try run(["redis-cli", "-h", "127.0.0.1", "-p", "\(port)", "ping"])
        return output.hasPrefix("PONG") || output.hasPrefix("NOAUTH") ? () : nil
      }
    } catch {
      started.end(keepFolder: true)
      throw error
    }
    process.withLock { $0 = started }
  }

  /// What else a failure to reach it must say.
  private var ending: String { process.withLock { $0?.ending } ?? "" }
}
