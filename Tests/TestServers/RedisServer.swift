import Glibc
import Synchronization

/// A real redis-server on a free loopback port, in a folder of its own; it dies with this process.
public final class RedisServer: Sendable {
  /// Port on 127.0.0.1; stays the same over restarts.
  public var port: Int { state.withLock { $0.port } }
  /// Path of its unix socket.
  public var socketPath: String { folder + "/redis.sock" }
  /// The folder that holds its files.
  public let folder: String
  /// Password of the default user; nil: none.
  public let password: String?

  private struct Running {
    var port = 0
    var process: GuardedProcess?
  }
  private let appendOnly: Bool
  private let options: [String]
  private let state = Mutex(Running())

  /// Starts a server. `appendOnly`: what was acknowledged survives `kill9`. `options`: more of its command
  /// line, for example `["--maxmemory", "10mb"]`.
  public init(password: String? = nil, appendOnly: Bool = false, options: [String] = []) throws {
    self.password = password
    self.appendOnly = appendOnly
    self.options = options
    folder = try temporaryFolder("redis")
    let attemptsMax = 5
    for attempt in 1...attemptsMax {
      let port = try freePort()
      do {
        try launch(port)
        return
      } catch let failure as ServerFailure {
        let lostRace = readFile(folder + "/log")?.contains("Address already in use") ?? false
        guard lostRace && attempt < attemptsMax else { throw failure }
      }
    }
  }

  /// Kills it as a crash would: nothing is flushed. Its port and folder stay.
  public func kill9() {
    state.withLock {
      $0.process?.signal(SIGKILL)
      $0.process?.kill(keepFolder: true)
      $0.process = nil
    }
  }

  /// Starts it again on the same port and folder, after `kill9`, or after killing it now.
  public func restart() throws {
    kill9()
    try launch(port)
  }

  /// Stops all its work until `thaw`: it accepts connections and answers nothing.
  public func freeze() { state.withLock { $0.process?.signal(SIGSTOP) } }

  /// Takes its work up again.
  public func thaw() { state.withLock { $0.process?.signal(SIGCONT) } }

  /// Ends it and removes its folder.
  public func stop() {
    state.withLock {
      $0.process?.kill(keepFolder: false)
      $0.process = nil
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
    guard status == 0 else { throw ServerFailure("redis-cli: \(output)") }
    return output.hasSuffix("\n") ? String(output.dropLast()) : output
  }

  private func launch(_ port: Int) throws {
    var command = [
      "redis-server", "--bind", "127.0.0.1", "--port", "\(port)", "--unixsocket", socketPath, "--dir", folder,
      "--save", "", "--appendonly", appendOnly ? "yes" : "no", "--appendfsync", "always", "--daemonize", "no",
    ]
    if let password { command += ["--requirepass", password] }
    let process = try GuardedProcess(command + options, folder: folder)
    do {
      try poll(seconds: 20, what: "answer of redis-server") {
        guard process.isRunning else { throw ServerFailure("redis-server ended: \(logTail)") }
        let (_, output) = try run(["redis-cli", "-h", "127.0.0.1", "-p", "\(port)", "ping"])
        return output.hasPrefix("PONG") || output.hasPrefix("NOAUTH") ? () : nil
      }
    } catch {
      process.kill(keepFolder: true)
      throw error
    }
    state.withLock { $0 = Running(port: port, process: process) }
  }

  private var logTail: String { String((readFile(folder + "/log") ?? "").suffix(400)) }
}
