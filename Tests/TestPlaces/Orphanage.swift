package import Glibc
import Synchronization
import TestServers

/// A shell that outlives this process just long enough to kill what it has left behind and to remove its folders.
package final class Orphanage: Sendable {
  package static let shared = Orphanage()

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
  package func adopt(_ pid: pid_t) { tell("+\(pid)") }

  /// It has ended by itself.
  package func release(_ pid: pid_t) { tell("-\(pid)") }

  /// Removes this folder at the end.
  package func adopt(folder: String) { tell(folder) }

  private func tell(_ text: String) {
    line.withLock { _ = send($0, text + "\n", text.utf8.count + 1, Int32(MSG_NOSIGNAL)) }
  }
}
