import Glibc
import Synchronization
import TestServers

/// A `tally` process under test. It dies with this process, however this one ends.
package final class TallyProcess: Sendable {
  /// What it was told, for failures.
  package let arguments: [String]
  private let pid: pid_t
  private let folder: String
  private let status = Mutex<Int32?>(nil)

  /// Starts the built program in an empty folder, with nothing of this process's environment but the path.
  package init(_ arguments: [String], environment: [String: String] = [:]) throws {
    self.arguments = arguments
    folder = try Places.newFolder("process")
    // `exec` keeps the process id; posix_spawn cannot change the folder everywhere.
    let words = ["sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", folder, Places.program] + arguments
    var variables = ["PATH": Places.path, "HOME": folder, "TMPDIR": folder]
    variables.merge(environment) { _, new in new }
    pid = try Self.spawn(words, variables, output: folder + "/.out", errors: folder + "/.err")
    Orphanage.shared.adopt(pid)
  }

  deinit { kill9() }

  /// What it has printed so far.
  package var output: String { readText(folder + "/.out") }
  /// What it has complained of so far.
  package var errors: String { readText(folder + "/.err") }
  /// Both.
  package var text: String { output + errors }

  /// Asks it to stop.
  package func terminate() { signal(SIGTERM) }

  /// Stops all its work until `thaw`, in the midst of whatever it does.
  package func freeze() { signal(SIGSTOP) }

  /// Takes its work up again.
  package func thaw() { signal(SIGCONT) }

  /// Resident memory, bytes, now and the most that it ever was; nil: it has ended.
  package var residentBytes: (now: Int, most: Int)? {
    let status = readText("/proc/\(pid)/status")
    guard let now = status.firstMatch(of: /VmRSS:\s+(\d+) kB/).flatMap({ Int($0.1) }),
      let most = status.firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap({ Int($0.1) })
    else { return nil }
    return (now << 10, most << 10)
  }

  /// Kills it as a crash would and waits until it is gone.
  package func kill9() {
    signal(SIGKILL)
    while exitCode() == nil { usleep(1_000) }
  }

  /// Its exit code once it has ended, 128 + n after signal n; nil: it runs.
  package func exitCode() -> Int32? {
    status.withLock { known in
      if let known { return known }
      var raw: Int32 = 0
      guard waitpid(pid, &raw, WNOHANG) == pid else { return nil }
      let signal = raw & 0x7f
      known = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
      Orphanage.shared.release(pid)
      return known
    }
  }

  /// Waits for its end. Throws, with the end of what it said, when that takes longer than `seconds`.
  package func wait(seconds: Int = 60) throws -> TallyResult {
    let code = try until("\(arguments.first ?? "") to end", seconds: seconds, telling: { self.text }) {
      self.exitCode()
    }
    return TallyResult(code: code, output: output, errors: errors)
  }

  private func signal(_ number: Int32) {
    status.withLock { if $0 == nil { _ = Glibc.kill(pid, number) } }
  }

  private static func spawn(
    _ words: [String], _ variables: [String: String], output: String, errors: String
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    closeDescriptors(from: 3, in: &actions)
    return try launch(words, variables.map { "\($0.key)=\($0.value)" }, &actions)
  }
}

/// How a `tally` process ended.
package struct TallyResult {
  package var code: Int32
  package var output: String
  package var errors: String
  /// Both.
  package var text: String { output + errors }
}

/// Runs the program to its end.
package func tally(
  _ arguments: [String], environment: [String: String] = [:], seconds: Int = 60
) throws -> TallyResult {
  try TallyProcess(arguments, environment: environment).wait(seconds: seconds)
}

/// Starts `/bin/sh` with clean signals.
func launch(
  _ words: [String], _ variables: [String], _ actions: inout posix_spawn_file_actions_t
) throws -> pid_t {
  // Threads of Swift's pool block signals, and children inherit that.
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var signals = sigset_t()
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  sigaddset(&signals, SIGPIPE)
  posix_spawnattr_setsigdefault(&attributes, &signals)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
  var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
  var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) }
  arguments.append(nil)
  environment.append(nil)
  defer { for text in arguments + environment { free(text) } }
  var pid: pid_t = 0
  let code = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environment)
  guard code == 0 else { throw TestFailure("cannot start \(words[0]): errno \(code)") }
  return pid
}
