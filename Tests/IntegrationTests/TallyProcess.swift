import Glibc
import Synchronization
import TestServers

/// A `tally` process under test. It dies with this process, however this one ends.
final class TallyProcess: Sendable {
  /// What it was told, for failures.
  let arguments: [String]
  private let pid: pid_t
  private let folder: String
  private let status = Mutex<Int32?>(nil)

  /// Starts the built program in an empty folder, with nothing of this process's environment but the path.
  init(_ arguments: [String], environment: [String: String] = [:]) throws {
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
  var output: String { readText(folder + "/.out") }
  /// What it has complained of so far.
  var errors: String { readText(folder + "/.err") }
  /// Both.
  var text: String { output + errors }

  /// Asks it to stop.
  func terminate() { signal(SIGTERM) }

  /// Stops all its work until `thaw`, in the midst of whatever it does.
  func freeze() { signal(SIGSTOP) }

  /// Takes its work up again.
  func thaw() { signal(SIGCONT) }

  /// Resident memory, bytes, now and the most that it ever was; nil: it has ended.
  var residentBytes: (now: Int, most: Int)? {
    let status = readText("/proc/\(pid)/status")
    guard let now = status.firstMatch(of: /VmRSS:\s+(\d+) kB/).flatMap({ Int($0.1) }),
      let most = status.firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap({ Int($0.1) })
    else { return nil }
    return (now << 10, most << 10)
  }

  /// Kills it as a crash would and waits until it is gone.
  func kill9() {
    signal(SIGKILL)
    while exitCode() == nil { usleep(1_000) }
  }

  /// Its exit code once it has ended, 128 + n after signal n; nil: it runs.
  func exitCode() -> Int32? {
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
  func wait(seconds: Int = 60) throws -> TallyResult {
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
struct TallyResult {
  var code: Int32
  var output: String
  var errors: String
  /// Both.
  var text: String { output + errors }
}

/// Runs the program to its end.
func tally(
  _ arguments: [String], environment: [String: String] = [:], seconds: Int = 60
) throws -> TallyResult {
  try TallyProcess(arguments, environment: environment).wait(seconds: seconds)
}

/// Starts `/bin/sh` with clean signals.
private func launch(
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

/// A shell that outlives this process just long enough to kill what it has left behind and to remove its folders.
final class Orphanage: Sendable {
  static let shared = Orphanage()

  private static let script = """
    trap '' INT TERM HUP QUIT
    pids=; folders=
    while read -r line; do
      case $line in
        +*) pids="$pids ${line#+} " ;;
        -*) pids=$(echo "$pids" | sed "s/ ${line#-} / /") ;;
        *) folders="$folders $line" ;;
      esac
    done
    for pid in $pids; do kill -KILL $pid; done 2>/dev/null
    [ -z "$folders" ] || rm -rf $folders
    """
  private let line: Mutex<Int32>

  private init() {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      line = Mutex(-1)
      return
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    _ = try? launch(["sh", "-c", Self.script], ["PATH=\(Places.path)"], &actions)
    close(ends[0])
    line = Mutex(ends[1])
  }

  /// Kills this process at the end.
  func adopt(_ pid: pid_t) { tell("+\(pid)") }

  /// It has ended by itself.
  func release(_ pid: pid_t) { tell("-\(pid)") }

  /// Removes this folder at the end.
  func adopt(folder: String) { tell(folder) }

  private func tell(_ text: String) {
    line.withLock { _ = send($0, text + "\n", text.utf8.count + 1, Int32(MSG_NOSIGNAL)) }
  }
}
