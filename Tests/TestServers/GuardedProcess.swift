import Glibc
import Synchronization
import Testing

/// A child process that dies with this one, however this one ends.
///
/// Between the two stands a shell that holds one end of a socket pair: when the other closes (because of
/// `kill` here or because this process is gone, even by SIGKILL) it kills the child and removes the folder.
/// PR_SET_PDEATHSIG would not do: it fires when the *thread* that forked ends, and Swift's pool ends threads
/// at will.
final class GuardedProcess: Sendable {
  /// The child's process id. It is not reused before `kill` returns.
  let pid: pid_t
  private let name: String
  private let logPath: String
  private let guardian: pid_t
  private struct State {
    /// End of the line to the guardian; nil: killed.
    var line: Int32?
    /// Whether somebody has asked it to end.
    var isToEnd = false
  }
  private let state: Mutex<State>

  private static let script = """
    trap '' INT TERM HUP QUIT
    ulimit -c 0
    export SWIFT_BACKTRACE=enable=no
    log=$1; pidfile=$2; folder=$3; talks=$4; shift 4
    if [ "$talks" = yes ]; then
      (trap - TERM HUP QUIT; exec "$@" 3>&-) <&3 >&3 2>>"$log" &
    else
      (trap - TERM HUP QUIT; exec "$@") </dev/null >>"$log" 2>&1 &
    fi
    child=$!
    exec 3>&-
    echo $child >"$pidfile.new" && mv "$pidfile.new" "$pidfile"
    read -r keep
    kill -CONT $child 2>/dev/null; kill -QUIT $child 2>/dev/null; kill -TERM $child 2>/dev/null
    (n=0; while [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done; kill -KILL $child) 2>/dev/null &
    killer=$!
    wait $child 2>/dev/null
    ended=$?
    kill -KILL $killer 2>/dev/null
    [ "$keep" = keep ] || rm -rf "$folder"
    exit $ended
    """

  /// Starts `command`; the folder is removed in the end. What it prints goes to `log` in `folder`, unless there is a `channel`:
  /// that socket is then its input and output, and what it complains of goes to `log`. `name`: what failures call it.
  init(_ command: [String], name: String? = nil, folder: String, channel: Int32? = nil) throws {
    self.name = name ?? command[0]
    logPath = folder + "/log"
    let pidFile = folder + "/guarded.pid"
    unlink(pidFile)
    let (reading, writing) = try socketPair()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, reading, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    if let channel { posix_spawn_file_actions_adddup2(&actions, channel, 3) }
    closeDescriptors(from: channel == nil ? 3 : 4, in: &actions)
    let talks = channel == nil ? "no" : "yes"
    let words = ["sh", "-c", Self.script, "guardian", logPath, pidFile, folder, talks] + command
    let status = Self.spawn(words, &actions)
    close(reading)
    guard let guardian = status else {
      close(writing)
      throw ServerFailure("cannot start a shell")
    }
    self.guardian = guardian
    state = Mutex(State(line: writing))
    pid = try poll(seconds: 10, what: "process id of \(command[0])") {
      guard let text = readFile(pidFile), let number = pid_t(text.filter(\.isNumber)) else { return nil }
      return number
    }
  }

  deinit { end(keepFolder: false) }

  /// Sends a signal to the child.
  func signal(_ number: Int32) {
    if number != SIGSTOP && number != SIGCONT { state.withLock { $0.isToEnd = true } }
    Glibc.kill(pid, number)
  }

  /// Whether the child still runs.
  var isRunning: Bool {
    guard let status = readFile("/proc/\(pid)/stat"), let end = status.lastIndex(of: ")") else {
      return false
    }
    return !status[end...].dropFirst(2).hasPrefix("Z")
  }

  /// " (NAME has ended; …)" once it has, for the text of a failure to reach it; else empty.
  var ending: String { isRunning ? "" : " (\(name) has ended; it said last: \(lastWords))" }

  /// What it has said last.
  var lastWords: String { String((readFile(logPath) ?? "").suffix(400)) }

  /// Kills the child, waits until it is gone and, unless told otherwise, removes its folder. A child that had ended without
  /// being asked to is an issue of the test.
  func kill(keepFolder: Bool) {
    if let death = end(keepFolder: keepFolder) { Issue.record("\(death)") }
  }

  /// As `kill`; tells how the child had ended without being asked to, nil: it had not.
  @discardableResult
  func end(keepFolder: Bool) -> String? {
    state.withLock { state in
      guard let descriptor = state.line else { return nil }
      state.line = nil
      let hasDied = !state.isToEnd && !isRunning
      let words = hasDied ? lastWords : ""
      if keepFolder { send(descriptor, "keep\n", 5, Int32(MSG_NOSIGNAL)) }
      close(descriptor)
      var status: Int32 = 0
      while waitpid(guardian, &status, 0) < 0 && errno == EINTR {}
      guard hasDied else { return nil }
      // The guardian is a shell, and ends with the child's code.
      let code = (status >> 8) & 0xff
      let how = code > 128 ? "of signal \(code - 128)" : "with exit code \(code)"
      return "\(name) has ended by itself, \(how). It said last: \(words)"
    }
  }

  private static func spawn(_ words: [String], _ actions: inout posix_spawn_file_actions_t) -> pid_t? {
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    // Threads of Swift's pool block signals, and children inherit that; nor shall a server ignore SIGPIPE.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var pid: pid_t = 0
    let code = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environ)
    return code == 0 ? pid : nil
  }
}

/// A server that a test needs could not be started.
public struct ServerFailure: Error, CustomStringConvertible {
  /// What failed.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// How much longer than on an idle machine is waited: a limit is there to end what is broken, not to measure.
let patience = 6

/// Asks again every 5 ms until `body` answers; throws after `seconds`.
func poll<Result>(seconds: Int, what: String, _ body: () throws -> Result?) throws -> Result {
  let clock = ContinuousClock()
  let deadline = clock.now + .seconds(seconds * patience)
  while true {
    if let result = try body() { return result }
    if clock.now >= deadline { throw ServerFailure("no \(what) after \(seconds * patience) s") }
    usleep(5_000)
  }
}

/// Runs a program to its end. Returns its exit status, and its output with errors after it.
func run(_ command: [String]) throws -> (status: Int32, output: String) {
  let line = command.map {
    "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
  guard let stream = popen(line.joined(separator: " ") + " 2>&1 </dev/null", "re") else {
    throw ServerFailure("popen: errno \(errno)")
  }
  var output: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 14)
  while true {
    let count = fread(&chunk, 1, chunk.count, stream)
    if count == 0 { break }
    output.append(contentsOf: chunk[..<count])
  }
  let status = pclose(stream)
  return ((status >> 8) & 0xff, String(decoding: output, as: UTF8.self))
}

/// Runs a shell command that may leave a server behind, with its output thrown away; returns its exit status.
public func runInShell(_ command: String) throws -> Int32 {
  // Whoever keeps the output open, such as that server, is not waited for.
  try run(["sh", "-c", "exec >/dev/null 2>&1; \(command)"]).status
}

/// Makes a folder of its own under the temporary folder.
func temporaryFolder(_ name: String) throws -> String {
  var template = Array("/tmp/tally-\(name)-XXXXXX".utf8CString)
  guard let path = mkdtemp(&template) else { throw ServerFailure("mkdtemp: errno \(errno)") }
  return String(cString: path)
}

/// Two connected stream sockets, closed on exec.
func socketPair() throws -> (Int32, Int32) {
  var ends: [Int32] = [0, 0]
  let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
  guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw ServerFailure("socketpair: errno \(errno)") }
  return (ends[0], ends[1])
}

/// Where the program of a target lies: beside the tests' own executable.
public func builtProgram(_ name: String) throws -> String {
  guard let own = realpath("/proc/self/exe", nil) else {
    throw ServerFailure("/proc/self/exe: errno \(errno)")
  }
  defer { free(own) }
  return String(cString: own).split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/\(name)"
}

/// The whole of a small text file; nil: not there.
func readFile(_ path: String) -> String? {
  guard let file = fopen(path, "re") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 12)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { break }
    bytes.append(contentsOf: chunk[..<count])
  }
  return String(decoding: bytes, as: UTF8.self)
}
