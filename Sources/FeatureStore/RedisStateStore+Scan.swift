extension RedisStateStore {
  /// Keys that one SCAN is asked to look at, and that one command removes or reads.
  private static let scanKeysMax = 1_000

  /// Removes all states of a partition as long as its record is, byte for byte, `record`. Returns false when it is not, or
  /// no longer: then some may be left.
  ///
  /// Looks at every key of the database (SCAN), a thousand at a time; each thousand's removal compares the record
  /// first.
  public func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    try check(partition)
    let place = Int(partition)
    return try withSession { session in
      var isOurs = try remove([], from: place, whileRecordIs: record, session)
      guard isOurs else { return false }
      try scan(keys.pattern(ofEntitiesOf: partition), session) { found in
        for start in stride(from: 0, to: found.count, by: Self.scanKeysMax) {
          let some = found[start..<min(start + Self.scanKeysMax, found.count)]
          isOurs = try remove(some, from: place, whileRecordIs: record, session)
          if !isOurs { return false }
        }
        return true
      }
      return isOurs
    }
  }

  /// Removes everything of the pipeline's generation: records and states. For one that nobody works with.
  public func removeGeneration() throws {
    try withSession { session in
      try scan(keys.patternOfEverything, session) { found in
        for start in stride(from: 0, to: found.count, by: Self.scanKeysMax) {
          let some = found[start..<min(start + Self.scanKeysMax, found.count)]
          commands.removeAll()
          commands.begin(words: 1 + some.count)
          commands.word("UNLINK" as StaticString)
          for key in some { commands.word(key) }
          try session.send(commands)
          try session.next("UNLINK") { _ in }
        }
        return true
      }
    }
  }

  /// Numbers of partition records and states of every generation that the pipeline has here. Looks at every key of the database; what
  /// is written meanwhile may be counted twice or not at all.
  public func generations() throws -> [UInt64: (records: Int, states: Int)] {
    var counts: [UInt64: (records: Int, states: Int)] = [:]
    try withSession { session in
      try scan(keys.patternOfAllGenerations, session) { found in
        for key in found {
          guard let (generation, isState) = keys.generation(of: key) else { continue }
          if isState {
            counts[generation, default: (0, 0)].states += 1
          } else {
            counts[generation, default: (0, 0)].records += 1
          }
        }
        return true
      }
    }
    return counts
  }

  /// Calls `body` with every entity of these partitions that has a stored state, in no order; an entity may come twice, one
  /// that is there all the time is not missed. Looks at every key of the database.
  public func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let wanted = Set(partitions)
    try withSession { session in
      try scan(keys.patternOfEntities, session) { found in
        for key in found {
          guard let entity = keys.entity(of: key), wanted.contains(entity.partition) else { continue }
          try entity.entityID.withUnsafeBytes { try body(entity.partition, $0) }
        }
        return true
      }
    }
  }

  /// Reads all stored states of all partitions, in no order; the pointers are valid during the call. One that is written
  /// meanwhile may be read twice, as it was or as it is; one that is there all the time is not missed.
  public func forEachState(
    _ body: (_ partition: Int32, _ entityID: [UInt8], _ state: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try withSession { session in
      try scan(keys.patternOfEntities, session) { found in
        let entities = found.compactMap { key in keys.entity(of: key).map { (key: key, id: $0) } }
        for start in stride(from: 0, to: entities.count, by: Self.scanKeysMax) {
          let some = entities[start..<min(start + Self.scanKeysMax, entities.count)]
          commands.removeAll()
          commands.begin(words: 1 + some.count)
          commands.word("MGET" as StaticString)
          for entity in some { commands.word(entity.key) }
          try session.send(commands)
          try session.next("MGET") { view in
            guard view.count == some.count else { throw session.unexpected("MGET") }
            for (index, entity) in some.enumerated() {
              if let state = view[index].bytes { try body(entity.id.partition, entity.id.entityID, state) }
            }
          }
        }
        return true
      }
    }
  }

  /// Where an entity's state lies, for readers: its key.
  public func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String {
    guard keys.entities.indices.contains(Int(partition)) else { return "partition \(partition)" }
    return String(decoding: keys.entities[Int(partition)] + Array(entityID), as: UTF8.self)
  }

  /// Calls `body` with the matching keys, some at a time, until it returns false or all were seen.
  private func scan(
    _ pattern: [UInt8], _ session: RedisSession, _ body: ([[UInt8]]) throws -> Bool
  ) throws {
    var cursor = Array("0".utf8)
    repeat {
      commands.removeAll()
      commands.begin(words: 6)
      commands.word("SCAN" as StaticString)
      commands.word(cursor)
      commands.word("MATCH" as StaticString)
      commands.word(pattern)
      commands.word("COUNT" as StaticString)
      commands.word(Int64(Self.scanKeysMax))
      try session.send(commands)
      let (next, found) = try session.next("SCAN") { view -> ([UInt8], [[UInt8]]) in
        guard view.count == 2, let next = view[0].bytes else { throw session.unexpected("SCAN") }
        let list = view[1]
        return (Array(next), (0..<list.count).compactMap { list[$0].bytes.map { Array($0) } })
      }
      cursor = next
      if !found.isEmpty, !(try body(found)) { return }
    } while !cursor.elementsEqual("0".utf8)
  }

  private func remove(
    _ found: ArraySlice<[UInt8]>, from partition: Int, whileRecordIs record: [UInt8],
    _ session: RedisSession
  ) throws -> Bool {
    commands.removeAll()
    commands.begin(words: 3 + 1 + found.count + 1)
    commands.word("EVAL" as StaticString)
    commands.word(RedisScript.clear)
    commands.word(Int64(1 + found.count))
    commands.word(keys.records[partition])
    for key in found { commands.word(key) }
    commands.word(record)
    try session.send(commands)
    return try session.next("EVAL") { view in
      guard let answer = view.integer else { throw session.unexpected("EVAL") }
      return answer == 1
    }
  }
}
