import Dataflow
import Features
import FeatureStore
import TestServers
import Testing

extension StateWrite {
  /// A write of texts.
  static func of(
    _ partition: Int32, from expected: String, to record: String,
    _ states: [(id: [UInt8], state: [UInt8])] = []
  ) -> StateWrite {
    var write = StateWrite()
    write.partition = partition
    write.expected = Array(expected.utf8)
    write.record = Array(record.utf8)
    for (id, state) in states {
      let start = write.bytes.count
      write.bytes += id + state
      let middle = start + id.count
      write.entries.append(StateEntry(entityID: start..<middle, state: middle..<write.bytes.count))
    }
    return write
  }

  /// A write of texts.
  static func of(
    _ partition: Int32, from expected: String, to record: String, texts states: [String: String]
  ) -> StateWrite {
    of(partition, from: expected, to: record, states.map { (Array($0.key.utf8), Array($0.value.utf8)) })
  }
}

/// An entity, and the partition that has its state.
struct Lodger: Hashable {
  var partition: Int32
  var id: [UInt8]
}

/// What a fetch gave.
struct Fetched: Equatable {
  var records: [[UInt8]?] = []
  var states: [[UInt8]?] = []
}

extension StateStore {
  /// Fetches into arrays.
  func fetched(_ partitions: [Int32], _ entities: [(partition: Int32, id: [UInt8])]) throws -> Fetched {
    var result = Fetched()
    let arena = UnsafeMutableRawBufferPointer.allocate(
      byteCount: entities.reduce(1) { $0 + $1.id.count }, alignment: 1)
    defer { arena.deallocate() }
    var used = 0
    let requests = entities.map { entity in
      let part = UnsafeMutableRawBufferPointer(rebasing: arena[used..<(used + entity.id.count)])
      part.copyBytes(from: entity.id)
      used += entity.id.count
      return EntityRequest(partition: entity.partition, entityID: UnsafeRawBufferPointer(part))
    }
    try fetch(
      partitions: partitions, entities: requests,
      record: { index, bytes in
        #expect(index == result.records.count)
        result.records.append(bytes.map { Array($0) })
      },
      state: { index, bytes in
        #expect(index == result.states.count)
        result.states.append(bytes.map { Array($0) })
      })
    return result
  }

  /// Entities with states, each once.
  func entities(of partitions: [Int32]) throws -> Set<Lodger> {
    var found: Set<Lodger> = []
    try forEachEntity(of: partitions) { found.insert(Lodger(partition: $0, id: Array($1))) }
    return found
  }

  /// Fetches texts.
  func fetchedTexts(_ partition: Int32, _ ids: String...) throws -> [String?] {
    try fetched([], ids.map { (partition, Array($0.utf8)) }).states.map {
      $0.map { String(decoding: $0, as: UTF8.self) }
    }
  }
}

extension RedisServer {
  /// A store on this server.
  func store(
    partitions: Int32 = 4, generation: UInt64 = 1, _ change: (inout RedisConfiguration) -> Void = { _ in }
  ) throws -> RedisStateStore {
    var configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port))
    configuration.password = password.map { Secret($0) }
    change(&configuration)
    return try RedisStateStore(
      configuration, pipeline: "engagement", generation: generation, partitionCount: partitions)
  }
}

/// The port error that `body` throws; nil: none, or another error.
func portError(_ body: () throws -> Void) -> PortError? {
  do {
    try body()
    return nil
  } catch {
    return error as? PortError
  }
}

/// Waits until `condition` holds, at most 10 s; returns whether it does.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  let clock = ContinuousClock()
  let deadline = clock.now + .seconds(60)
  while clock.now < deadline {
    if try condition() { return true }
  }
  return false
}
