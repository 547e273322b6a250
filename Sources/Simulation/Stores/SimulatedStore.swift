import Dataflow

/// The store as one life reads and writes it.
final class SimulatedStore: StateStore {
  private let life: Life
  private var generations: [UInt64]
  /// States that one step of `clear` removes.
  private static let clearStatesMax = 2

  init(_ life: Life) {
    self.life = life
    generations = Array(repeating: 1, count: life.world.plan.partitions)
  }

  private var world: World { life.world }

  private func place(_ partition: Int32) -> StoreKey {
    StoreKey(generation: generations[Int(partition)], partition: partition)
  }

  func use(generation: UInt64, of partition: Int32) { generations[Int(partition)] = generation }

  func records(_ partitions: [Int32]) throws -> [[UInt8]?] {
    try life.read("records", of: .store, "of \(partitions)") {
      partitions.map { world.store.slot(place($0)).record }
    }
  }

  func fetch(
    partitions: [Int32], entities: [EntityRequest], record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    let (records, states) = try life.read("fetch", of: .store, "\(entities.count) states of \(partitions)") {
      (
        partitions.map { world.store.slot(place($0)).record },
        entities.map { world.store.slot(place($0.partition)).states[Array($0.entityID)] }
      )
    }
    for (index, bytes) in records.enumerated() { Self.pass(bytes) { record(index, $0) } }
    for (index, bytes) in states.enumerated() { Self.pass(bytes) { state(index, $0) } }
  }

  func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let found = try life.read("entities", of: .store, "of \(partitions)") {
      partitions.map { world.store.slot(place($0)).states.keys.map { $0 } }
    }
    for (partition, ids) in zip(partitions, found) {
      for id in ids { try id.withUnsafeBytes { try body(partition, $0) } }
    }
  }

  private static func pass(_ bytes: [UInt8]?, to body: (UnsafeRawBufferPointer?) -> Void) {
    guard let bytes else { return body(nil) }
    bytes.withUnsafeBytes { body($0) }
  }

  func write(_ write: StateWrite) throws -> WriteOutcome {
    let (server, place) = (world.store, place(write.partition))
    if !write.entries.isEmpty || !write.expected.isEmpty { try commitEarly(write, at: place) }
    if world.plan.neighbourBugs.has(.positionBeforeStates) {
      var position = write
      position.entries = []
      let outcome = try life.change("write position", of: .store, text(write)) {
        [position] in server.write(position, at: place)
      }
      guard outcome != .conflict else { return outcome }
      try life.change("write states", of: .store) { server.writeStates(write, at: place) }
      return outcome
    }
    if world.plan.neighbourBugs.has(.statesBeforePosition), server.slot(place).record ?? [] == write.expected
    {
      try life.change("write states", of: .store) { server.writeStates(write, at: place) }
    }
    return try life.change("write", of: .store, text(write)) { server.write(write, at: place) }
  }

  /// The planted bugs that move C before the state.
  private func commitEarly(_ write: StateWrite, at place: StoreKey) throws {
    guard world.plan.neighbourBugs.has(.commitBeforeState), life.plan.guarantee == .effectivelyOnce,
      let standing = PartitionRecord.stored(write.record)
    else { return }
    let mark = OffsetMark(
      partition: write.partition, offset: standing.nextOffset, firstOffset: standing.firstOffset)
    let (group, id, generation) = (world.group, life.member.id, life.member.generation)
    _ = try life.change("commit", of: .broker) { group.commit([mark], id: id, generation: generation) }
  }

  private func text(_ write: StateWrite) -> String {
    let next = PartitionRecord.stored(write.record)?.nextOffset ?? -1
    return "\(write.partition): W \(next), \(write.entries.count) states"
  }

  func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    let (server, place) = (world.store, place(partition))
    while true {
      let isLeft = try life.change("clear", of: .store, "\(partition)") {
        server.clear(Self.clearStatesMax, at: place, whileRecordIs: record)
      }
      guard let isLeft else { return false }
      if !isLeft { return true }
    }
  }

  func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String { "simulated \(partition)" }
  func close() {}
}
