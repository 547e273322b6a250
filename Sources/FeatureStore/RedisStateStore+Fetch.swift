public import Dataflow

extension RedisStateStore {
  /// Reads in one round trip the partitions' records and the entities' states, all of one moment.
  ///
  /// The closures are called when all answers are there, so that an error comes before any of them.
  public func fetch(
    partitions: [Int32], entities: [EntityRequest],
    record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
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
        for index in partitions.indices { record(index, values[index]) }
        for index in entities.indices { state(index, values[partitions.count + index]) }
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
