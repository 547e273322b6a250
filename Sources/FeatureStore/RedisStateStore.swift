public import Dataflow

/// States and partition records in Redis 4 or later, one connection, one thread.
///
/// It connects when first used. After any error the connection is thrown away and the next call makes a new
/// one: how long to wait between is the caller's. A write whose answer was lost may be repeated: the
/// compare-and-set then answers `alreadyWritten`. Keys and values are proto/state.proto's.
public final class RedisStateStore: StateStore {
  /// Keys in one MGET; a larger fetch becomes several inside one transaction, still in one round trip.
  static let keysPerCommandMax = 8_192

  let configuration: RedisConfiguration
  private(set) var keys: StateKeys
  var session: RedisSession?
  var commands = RespBuffer()

  /// A store for one pipeline's generation; does not connect. Throws `PortError.misuse`.
  ///
  /// `partitionCount`: the topic's number of partitions.
  public init(
    _ configuration: RedisConfiguration, pipeline: String, generation: UInt64, partitionCount: Int32
  ) throws {
    try configuration.validate()
    guard partitionCount > 0, !pipeline.isEmpty, !pipeline.utf8.contains(where: { $0 == 0x7b || $0 == 0x7d })
    else {
      throw PortError(
        .misuse, "redis state store", cause: "it needs partitions, and a pipeline name without braces")
    }
    self.configuration = configuration
    keys = StateKeys(
      prefix: configuration.keyPrefix, pipeline: pipeline, generation: generation,
      partitionCount: partitionCount)
  }

  /// Connects and checks now, if not connected: for a clear error at start. Throws `PortError`.
  public func connect() throws { try withSession { _ in } }

  /// From now on a partition's record and states are those of this generation.
  public func use(generation: UInt64, of partition: Int32) {
    guard keys.records.indices.contains(Int(partition)) else { return }
    keys.use(generation, of: partition)
  }

  /// Reads partition records, in the order asked; nil: none.
  public func records(_ partitions: [Int32]) throws -> [[UInt8]?] {
    var found: [[UInt8]?] = []
    try fetch(
      partitions: partitions, entities: [], record: { found.append($1.map { Array($0) }) },
      state: { _, _ in })
    return found
  }

  /// Closes the connection; a later call makes a new one.
  public func close() { session = nil }

  /// Calls `body` with a connection that is ready; on any error it is thrown away.
  func withSession<Result>(_ body: (RedisSession) throws -> Result) throws -> Result {
    do {
      let current = try session ?? RedisSession(configuration)
      session = current
      return try body(current)
    } catch {
      session = nil
      throw error
    }
  }

  /// Throws `PortError.misuse` for a partition that the topic does not have.
  func check(_ partition: Int32) throws {
    guard partition >= 0 && Int(partition) < keys.partitionCount else {
      throw PortError(
        .misuse, "redis state store", cause: "partition \(partition) of \(keys.partitionCount)")
    }
  }
}
