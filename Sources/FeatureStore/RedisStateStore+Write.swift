public import Dataflow

extension RedisStateStore {
  /// Compare-and-set of one partition's record together with its states: one script, one round trip.
  public func write(_ write: StateWrite) throws -> WriteOutcome {
    try check(write.partition)
    try write.validate()
    return try withSession { session in
      if let outcome = try send(write, session) { return outcome }
      try session.loadScript()
      guard let outcome = try send(write, session) else {
        throw PortError(
          .unavailable, session.detail("EVALSHA"), cause: "the server forgets scripts at once",
          reason: .redisUnavailable)
      }
      return outcome
    }
  }

  #if WITHOUT_GUARANTEES
    /// Sets record and states without comparing anything: what promises nothing, to measure what the comparison costs.
    public func set(_ write: StateWrite) throws {
      try check(write.partition)
      let partition = Int(write.partition)
      let kept = write.entries.filter { !$0.state.isEmpty }
      try withSession { session in
        commands.removeAll()
        commands.begin(words: 1 + 2 * (1 + kept.count))
        commands.word("MSET" as StaticString)
        commands.word(keys.records[partition])
        commands.word(write.record)
        write.bytes.withUnsafeBytes { arena in
          for entry in kept {
            commands.word(keys.entities[partition], UnsafeRawBufferPointer(rebasing: arena[entry.entityID]))
            commands.word(UnsafeRawBufferPointer(rebasing: arena[entry.state]))
          }
        }
        try session.send(commands)
        try session.next("MSET") { _ in }
      }
    }
  #endif

  /// nil: the server does not have the script.
  private func send(_ write: StateWrite, _ session: RedisSession) throws -> WriteOutcome? {
    append(write, script: session.script)
    try session.send(commands)
    return try session.next("EVALSHA", unless: "NOSCRIPT") { view in
      switch view.integer {
      case 1: .written
      case 2: .alreadyWritten
      case 0: .conflict
      default: throw session.unexpected("EVALSHA")
      }
    }
  }

  private func append(_ write: StateWrite, script: [UInt8]) {
    let partition = Int(write.partition)
    commands.removeAll()
    commands.begin(words: 3 + 1 + write.entries.count + 3 + write.entries.count)
    commands.word("EVALSHA" as StaticString)
    commands.word(script)
    commands.word(Int64(1 + write.entries.count))
    commands.word(keys.records[partition])
    write.bytes.withUnsafeBytes { arena in
      for entry in write.entries {
        commands.word(keys.entities[partition], UnsafeRawBufferPointer(rebasing: arena[entry.entityID]))
      }
      commands.word(write.expected)
      commands.word(write.record)
      commands.word(configuration.expiryMs ?? 0)
      for entry in write.entries { commands.word(UnsafeRawBufferPointer(rebasing: arena[entry.state])) }
    }
  }
}

extension StateWrite {
  /// Throws `PortError.misuse` for a write that no store may take.
  func validate() throws {
    func require(_ condition: Bool, _ text: String) throws {
      if !condition { throw PortError(.misuse, "state write", cause: text) }
    }
    try require(!record.isEmpty, "the new record is empty")
    try require(entries.count <= StateStoreLimits.statesMax, "more than \(StateStoreLimits.statesMax) states")
    for entry in entries {
      try require(
        entry.entityID.lowerBound >= 0 && entry.entityID.upperBound <= bytes.count && !entry.entityID.isEmpty
          && entry.state.lowerBound >= 0 && entry.state.upperBound <= bytes.count,
        "an entry lies outside the bytes")
    }
  }
}
