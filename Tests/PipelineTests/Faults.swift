import Dataflow
import TestNumbers

/// The process died here: everything after it fails too, until a new worker is made.
struct Crash: Error {}

/// Decides, from a seed, which calls of the fakes crash or fail, before or after they took effect.
final class Faults {
  var generator: SeededGenerator
  /// Share of calls that kill the process.
  let crashShare: Double
  /// Share of calls that fail but can be tried again.
  let unavailableShare: Double
  private(set) var isDead = false
  private(set) var crashes = 0
  private(set) var failures = 0

  init(seed: UInt64, crashShare: Double, unavailableShare: Double) {
    generator = SeededGenerator(seed: seed)
    self.crashShare = crashShare
    self.unavailableShare = unavailableShare
  }

  func revive() { isDead = false }

  /// Runs an operation that may fail before it begins or after it took effect.
  func around<Result>(_ body: () throws -> Result) throws -> Result {
    try inject()
    let result = try body()
    try inject()
    return result
  }

  /// Runs an operation that may fail before it begins only.
  func before<Result>(_ body: () throws -> Result) throws -> Result {
    try inject()
    return try body()
  }

  private func inject() throws {
    if isDead { throw Crash() }
    let draw = Double.random(in: 0..<1, using: &generator)
    if draw < crashShare {
      isDead = true
      crashes += 1
      throw Crash()
    }
    if draw < crashShare + unavailableShare {
      failures += 1
      throw PortError(.unavailable, "injected")
    }
  }
}
