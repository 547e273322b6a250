import Foundation
import Glibc
public import Kafka
import Synchronization

/// librdkafka's mock brokers in a process of their own, which dies with this one: what ends them does not end the tests.
///
/// The program and what it answers to: `MockBrokerProgram`. When it has ended by itself, whatever is asked of it throws a
/// `ServerFailure` with its last words, and `stop` records them as an issue.
public final class MockBroker: Sendable {
  /// Addresses for `bootstrap.servers`.
  public let bootstrapServers: String
  private let process: GuardedProcess
  private let channel: Mutex<Channel>

  /// Starts some.
  public init(brokers: Int = 1) throws {
    let (own, other) = try socketPair()
    defer { close(other) }
    var channel = Channel(descriptor: own)
    let process: GuardedProcess
    do {
      process = try GuardedProcess(
        [try builtProgram("MockBrokerProgram"), "\(brokers)"], name: "the mock broker",
        folder: try temporaryFolder("broker"), channel: other)
      let words = (try channel.line() ?? "").split(separator: " ")
      guard words.count == 2 && words[0] == "ready" else {
        throw ServerFailure(process.end(keepFolder: false) ?? "the mock broker does not start: \(words)")
      }
      bootstrapServers = String(words[1])
    } catch {
      close(own)
      throw error
    }
    self.process = process
    self.channel = Mutex(channel)
  }

  deinit {
    stop()
    channel.withLock { _ = close($0.descriptor) }
  }

  /// Makes a topic.
  public func createTopic(_ name: String, partitions: Int) throws {
    try ask("topic \(name) \(partitions)")
  }

  /// Lets all brokers refuse connections, or serve again.
  public func setDown(_ down: Bool) throws { try ask(down ? "down" : "up") }

  /// Stops all its work until `thaw`: connections stay open, nothing is answered.
  public func freeze() {
    process.signal(SIGSTOP)
    // A thread of it that was at work may still finish its answer.
    while process.isRunning, !readStatus().contains("State:\tT") { usleep(1_000) }
  }

  private func readStatus() -> String {
    (try? String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)) ?? ""
  }

  /// Takes its work up again.
  public func thaw() { process.signal(SIGCONT) }

  /// Lets the next `times` requests of a kind fail.
  public func fail(_ request: MockCluster.Request, with fault: MockCluster.Fault, times: Int = 1) throws {
    try ask("fail \(request.rawValue) \(fault.rawValue) \(times)")
  }

  /// How many connections it has, and how many of them hold small pieces back (Nagle's algorithm).
  public func connections() throws -> (count: Int, slow: Int) {
    let words = try ask("connections").split(separator: " ").compactMap { Int($0) }
    guard words.count == 2 else { throw ServerFailure("the mock broker counts \(words)") }
    return (words[0], words[1])
  }

  /// Lets it die as it does when something in librdkafka is not as expected; returns when it has.
  public func abort() throws {
    try channel.withLock { try $0.say("abort") }
    try poll(seconds: 10, what: "end of the mock broker") { process.isRunning ? nil : () }
  }

  /// Ends it. One that has ended by itself is an issue of the test. A second call does nothing.
  public func stop() { process.kill(keepFolder: false) }

  /// Asks for something and waits until it is done; returns what it tells.
  @discardableResult
  private func ask(_ command: String) throws -> String {
    let answer = try channel.withLock { channel in
      try channel.say(command)
      return try channel.line()
    }
    guard let answer else {
      throw ServerFailure(process.end(keepFolder: false) ?? "the mock broker says nothing to \(command)")
    }
    guard answer.hasPrefix("ok ") else {
      throw ServerFailure("the mock broker says to \(command): \(answer)")
    }
    return String(answer.dropFirst(3))
  }

  /// Lines to and from the program.
  private struct Channel {
    let descriptor: Int32
    private var rest: [UInt8] = []
    private static let answerSecondsMax = 10 * patience

    init(descriptor: Int32) {
      self.descriptor = descriptor
      var limit = timeval(tv_sec: Self.answerSecondsMax, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// A program that is gone does not hear it; its answer will be missed.
    func say(_ line: String) throws {
      let bytes = Array((line + "\n").utf8)
      send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// The next line; nil: the program is gone. Throws when there is none for long.
    mutating func line() throws -> String? {
      var piece = [UInt8](repeating: 0, count: 1 << 10)
      while true {
        if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          defer { rest.removeSubrange(...end) }
          return String(decoding: rest[..<end], as: UTF8.self)
        }
        let count = recv(descriptor, &piece, piece.count, 0)
        if count > 0 {
          rest += piece[..<count]
        } else if count == 0 || errno == ECONNRESET {
          return nil
        } else if errno != EINTR {
          throw ServerFailure("no answer of the mock broker after \(Self.answerSecondsMax) s")
        }
      }
    }
  }
}
