public import Dataflow

extension RedisStateStore {
  /// Reads in one round trip the partitions' records and the entities' states, all of one moment.
  ///
  /// Entities without a state cost a second round trip, which looks for them on the other partitions. The
  /// closures are called when all answers are there, so that an error comes before any of them.
  public func fetch(
    partitions: [Int32], entities: [EntityRequest],
    record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void,
    moved: (Int, Int32) -> Void
  ) throws {
    let total = partitions.count + entities.count
    guard total > 0 else { return }
    for partition in partitions { try check(partition) }
    for entity in entities { try check(entity.partition) }
    try withSession { session in
      appendReads(partitions, entities)
      try session.send(commands)
      let isSplit = total > Self.keysPerCommandMax
      if isSplit { for _ in 1..<commands.commands { try session.next("MGET") { _ in } } }
      try session.next("MGET") { answer in
        guard let values = Values(answer, count: total, isSplit: isSplit) else {
          throw session.unexpected("MGET")
        }
        let missing = entities.indices.filter { values[partitions.count + $0] == nil }
        let elsewhere = try partitionsOfMoved(missing, entities, session)
        for index in partitions.indices { record(index, values[index]) }
        for index in entities.indices { state(index, values[partitions.count + index]) }
        for found in elsewhere { moved(found.entity, found.partition) }
      }
    }
  }

  /// One MGET; or several in one transaction, since states must be those of the records read with them.
  private func appendReads(_ partitions: [Int32], _ entities: [EntityRequest]) {
    let total = partitions.count + entities.count
    let isSplit = total > Self.keysPerCommandMax
    commands.removeAll()
    if isSplit {
      commands.begin(words: 1)
      commands.word("MULTI" as StaticString)
    }
    for index in 0..<total {
      if index % Self.keysPerCommandMax == 0 {
        commands.begin(words: 1 + min(total - index, Self.keysPerCommandMax))
        commands.word("MGET" as StaticString)
      }
      if index < partitions.count {
        commands.word(keys.records[Int(partitions[index])])
      } else {
        let entity = entities[index - partitions.count]
        commands.word(keys.entities[Int(entity.partition)], entity.entityID)
      }
    }
    if isSplit {
      commands.begin(words: 1)
      commands.word("EXEC" as StaticString)
    }
  }

  /// Which of the entities have a state on another partition, and on which.
  private func partitionsOfMoved(
    _ missing: [Int], _ entities: [EntityRequest], _ session: RedisSession
  ) throws -> [(entity: Int, partition: Int32)] {
    let others = keys.partitionCount - 1
    guard others > 0 && !missing.isEmpty else { return [] }
    let entitiesAtOnce = max(Self.searchKeysMax / others, 1)
    var found: [(entity: Int, partition: Int32)] = []
    for start in stride(from: 0, to: missing.count, by: entitiesAtOnce) {
      let group = missing[start..<min(start + entitiesAtOnce, missing.count)]
      commands.removeAll()
      for index in group {
        commands.begin(words: 1 + others)
        commands.word("EXISTS" as StaticString)
        for partition in 0..<keys.partitionCount where partition != Int(entities[index].partition) {
          commands.word(keys.entities[partition], entities[index].entityID)
        }
      }
      try session.send(commands)
      let somewhere = try group.filter { _ in try exists(session) }
      for index in somewhere {
        if let partition = try partitionHolding(entities[index], session) { found.append((index, partition)) }
      }
    }
    return found
  }

  private func partitionHolding(_ entity: EntityRequest, _ session: RedisSession) throws -> Int32? {
    let others = (0..<keys.partitionCount).filter { $0 != Int(entity.partition) }
    commands.removeAll()
    for partition in others {
      commands.begin(words: 2)
      commands.word("EXISTS" as StaticString)
      commands.word(keys.entities[partition], entity.entityID)
    }
    try session.send(commands)
    let holding = try others.filter { _ in try exists(session) }
    return holding.first.map { Int32($0) }
  }

  private func exists(_ session: RedisSession) throws -> Bool {
    try session.next("EXISTS") { view in
      guard let count = view.integer else { throw session.unexpected("EXISTS") }
      return count > 0
    }
  }
}

/// The values of one MGET, or of several in a transaction, as one list.
private struct Values {
  private let answer: RedisReplyView
  private let isSplit: Bool

  /// nil: the answer has another shape.
  init?(_ answer: RedisReplyView, count: Int, isSplit: Bool) {
    self.answer = answer
    self.isSplit = isSplit
    let parts = isSplit ? (0..<answer.count).map { answer[$0] } : [answer]
    guard parts.reduce(0, { $0 + $1.count }) == count else { return nil }
    for part in parts {
      for index in 0..<part.count where !part[index].isNull && part[index].bytes == nil { return nil }
    }
  }

  /// A value; nil: the key is not there.
  subscript(index: Int) -> UnsafeRawBufferPointer? {
    guard isSplit else { return answer[index].bytes }
    return answer[index / RedisStateStore.keysPerCommandMax][index % RedisStateStore.keysPerCommandMax].bytes
  }
}
