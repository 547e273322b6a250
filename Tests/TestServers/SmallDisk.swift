import Glibc

/// A small file system in memory, which can be filled to the last byte; it goes with this process. Needs the right to
/// mount.
public final class SmallDisk: Sendable {
  /// Where it is mounted.
  public let folder: String
  private let guardian: GuardedProcess

  /// Why none can be had here; nil: it can.
  public static let problem: String? = {
    do {
      try SmallDisk(megabytes: 1).remove()
      return nil
    } catch {
      return "no small file system can be mounted: \(error)"
    }
  }()

  private static let keeper = """
    trap 'kill $!; umount -l "$1"; exit' TERM QUIT
    sleep infinity & wait
    """

  /// Mounts one.
  public init(megabytes: Int) throws {
    let base = try temporaryFolder("disk")
    folder = base + "/mount"
    _ = try run(["chmod", "755", base])
    mkdir(folder, 0o755)
    let command = ["mount", "-t", "tmpfs", "-o", "size=\(megabytes)m,mode=0777", "tmpfs", folder]
    let (status, output) = try run(command)
    guard status == 0 else {
      rmdir(folder)
      rmdir(base)
      throw ServerFailure(output.split(separator: "\n").first.map(String.init) ?? "mount: \(status)")
    }
    guardian = try GuardedProcess(["sh", "-c", Self.keeper, "keeper", folder], folder: base)
  }

  /// Leaves not a byte free.
  public func fill() throws {
    _ = try run(["dd", "if=/dev/zero", "of=\(ballast)", "bs=64k"])
    // What is smaller than a block of dd's.
    let script = "while printf '%4096s' x >>\"$1\"; do :; done 2>/dev/null"
    _ = try run(["sh", "-c", script, "fill", ballast])
    guard access(ballast, F_OK) == 0 else { throw ServerFailure("nothing to fill \(folder) with") }
  }

  /// Gives the room back.
  public func clear() { unlink(ballast) }

  /// Unmounts it, now or as soon as nobody uses it any more.
  public func remove() { guardian.kill(keepFolder: false) }

  private var ballast: String { folder + "/ballast" }
}
