import Glibc
import Synchronization

/// A child process that dies with this one, however this one ends.
///
/// Between the two stands a shell that holds one end of a socket pair: when the other closes (because of
/// `kill` here or because this process is gone, even by SIGKILL) it kills the child and removes the folder.
/// PR_SET_PDEATHSIG would not do: it fires when the *thread* that forked ends, and Swift's pool ends threads
/// at will.
final class GuardedProcess: Sendable {
  /// The child's process id. It is not reused before `kill` returns.
  let pid: pid_t
  private let guardian: pid_t
  private let line: Mutex<Int32?>

  private static let script = """
    trap '' INT TERM HUP QUIT
    ulimit -c 0
    log=$1; pidfile=$2; folder=$3; shift 3
    (trap - TERM HUP QUIT; exec "$@") </dev/null >>"$log" 2>&1 &
    child=$!
    echo $child >"$pidfile.new" && mv "$pidfile.new" "$pidfile"
    read -r keep
    kill -CONT $child 2>/dev/null; kill -QUIT $child 2>/dev/null; kill -TERM $child 2>/dev/null
    (n=0; while [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done; kill -KILL $child) 2>/dev/null &
    killer=$!
    wait $child 2>/dev/null
    kill -KILL $killer 2>/dev/null
    [ "$keep" = keep ] || rm -rf "$folder"
    """

  /// Starts `command`, whose output goes to `log` in `folder`; the folder is removed in the end.
  init(_ command: [String], folder: String) throws {
    let pidFile = folder + "/guarded.pid"
    unlink(pidFile)
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw ServerFailure("socketpair: errno \(errno)") }
    let (reading, writing) = (ends[0], ends[1])
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, reading, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    let words = ["sh", "-c", Self.script, "guardian", folder + "/log", pidFile, folder] + command
    let status = Self.spawn(words, &actions)
    close(reading)
    guard let guardian = status else {
      close(writing)
      throw ServerFailure("cannot start a shell")
    }
    self.guardian = guardian
    line = Mutex(writing)
    pid = try poll(seconds: 10, what: "process id of \(command[0])") {
      guard let text = readFile(pidFile), let number = pid_t(text.filter(\.isNumber)) else { return nil }
      return number
    }
  }

  deinit { kill(keepFolder: false) }

  /// Sends a signal to the child.
  func signal(_ number: Int32) { Glibc.kill(pid, number) }

  /// Whether the child still runs.
  var isRunning: Bool {
    guard let status = readFile("/proc/\(pid)/stat"), let end = status.lastIndex(of: ")") else {
      return false
    }
    return !status[end...].dropFirst(2).hasPrefix("Z")
  }

  /// Kills the child, waits until it is gone and, unless told otherwise, removes its folder.
  func kill(keepFolder: Bool) {
    line.withLock { end in
      guard let descriptor = end else { return }
      end = nil
      if keepFolder { send(descriptor, "keep\n", 5, Int32(MSG_NOSIGNAL)) }
      close(descriptor)
      var status: Int32 = 0
      while waitpid(guardian, &status, 0) < 0 && errno == EINTR {}
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
    let code = Spawning.exclusively {
      posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environ)
    }
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
private let patience = 6

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
  let opened = Spawning.exclusively { popen(line.joined(separator: " ") + " 2>&1 </dev/null", "re") }
  guard let stream = opened else {
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

/// A loopback TCP port that is free now.
///
/// Below the range of ports that the system gives to clients: a client that keeps trying a port in that
/// range, while its server is down, can be given that very port and so connect to itself.
func freePort() throws -> Int {
  let attemptsMax = 200
  for _ in 0..<attemptsMax {
    let port = Int.random(in: 10_000..<32_000)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw ServerFailure("socket: errno \(errno)") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    if status == 0 { return port }
  }
  throw ServerFailure("no free port")
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
