import Dataflow
import Events
import FeatureStore
import Features
import Pipeline
import Testing

@testable import Configuration
@testable import Operations

@Suite struct EntityRebuildTests {
  private func rebuild(
    _ access: MemoryAccess, _ id: String, acceptShorterLog: Bool = false
  ) throws {
    let count = try access.partitionCount()
    let store = try access.openStates(partitionCount: count)
    let positions = try PipelinePositions(access, store: store, partitions: count)
    try EntityRebuild(id: id, acceptShorterLog: acceptShorterLog, access: access, store: store).run(positions)
  }

  @Test func makesTheStateThatAWorkerMade() throws {
    let access = try MemoryAccess()
    access.feed(["ann", "bob", "cid", "dan"])
    try access.score()
    for id in ["ann", "bob", "cid", "dan"] {
      let before = try #require(try access.stored(id))
      try access.damage(id, [1, 2, 3])
      try rebuild(access, id)
      #expect(try access.stored(id) == before, "\(id)")
    }
    #expect(access.said.all.count == 4 && access.said.warnings.isEmpty)
  }

  /// What lies beyond W is not in the state, and what a worker applies while the log is read is.
  @Test func fitsWhereverTheWorkerIs() throws {
    var access = try MemoryAccess(partitions: 1)
    access.feed(["ann", "bob"], rounds: 6)
    try access.score(below: [5])
    let early = try #require(try access.stored("ann"))
    try access.damage("ann", [9])
    try rebuild(access, "ann")
    #expect(try access.stored("ann") == early)
    let record = try #require(try access.record(0))
    #expect(record.nextOffset == 5 && record.repairs == 2)

    // The worker moves on, up to the end, at the third poll of the rebuild.
    let other = access
    var polls = 0
    access.onPoll = {
      polls += 1
      if polls == 3 { try? other.score() }
    }
    try access.damage("ann", [9])
    try rebuild(access, "ann")
    var untouched = try MemoryAccess(partitions: 1)
    untouched.onPoll = nil
    untouched.feed(["ann", "bob"], rounds: 6)
    try untouched.score()
    #expect(try access.stored("ann") == untouched.stored("ann"))
    #expect(try access.record(0)?.nextOffset == 12)
  }

  @Test func removesWhatTheLogDoesNotKnow() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed(["ann"])
    try access.score()
    try access.damage("eve", [7])
    try rebuild(access, "eve")
    #expect(try access.stored("eve") == nil)
    #expect(access.said.all.first?.contains("removed") == true)
    #expect(throws: Failure.self) { try rebuild(access, "nobody") }
  }

  @Test func leavesOutWhatIsLeftOut() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed(["ann"], rounds: 5)
    access.log.unreadable[0] = 1..<2
    try access.score { record in
      record.leftOut.add(LeftOut(from: 3, until: 4, cause: .skipped))
    }
    try access.damage("ann", [9])
    try rebuild(access, "ann")
    let state = EntityState(access.pipeline.program)
    let bytes = try #require(try access.stored("ann"))
    #expect(bytes.withUnsafeBytes { state.decode($0) } && state.events == 3)
    #expect(access.said.warnings.count == 1 && access.said.warnings[0].contains("offsets 1-1"))
  }

  @Test func refusesWhatItCannotDoByName() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed(["ann"])
    func refusal() -> String {
      do {
        try rebuild(access, "ann")
        return ""
      } catch { return "\(error)" }
    }
    #expect(refusal().contains("no record in the store"))
    try access.score { $0.definition = "another" }
    #expect(refusal().contains("another definition"))
    let other = try MemoryAccess(partitions: 1)
    other.feed(["ann"])
    try other.score()
    other.log.low[0] = 1
    #expect(throws: Failure.self) { try rebuild(other, "ann") }
    try rebuild(other, "ann", acceptShorterLog: true)
    let state = EntityState(other.pipeline.program)
    let bytes = try #require(try other.stored("ann"))
    #expect(bytes.withUnsafeBytes { state.decode($0) } && state.events == 2)
    other.log.stuck[0] = 2
    #expect(throws: Failure.self) { try rebuild(other, "ann", acceptShorterLog: true) }
  }
}

@Suite struct StrayRebuildTests {
  @Test func bringsStraysHomeAndSaysSo() throws {
    let access = try MemoryAccess(partitions: 3)
    access.feed(["ann", "bob", "cid", "dan", "eve"])
    // An earlier version kept every state where its first event was seen, and noted no partitioner.
    try access.score { $0.partitioner = nil }
    let expected = try ["ann", "bob", "cid", "dan", "eve"].map { try access.stored($0) }
    let home = EntityLookup(Array("ann".utf8), access.homes(3)).partition
    let elsewhere = (home + 1) % 3
    let store = try access.openStates(partitionCount: 3)
    let bytes = try store.records([elsewhere])[0] ?? []
    var moved = try PartitionRecord.read(bytes, partition: elsewhere)
    moved.repairs += 1
    let stray = EntityLookup(Array("ann".utf8), partition: elsewhere)
    _ = try store.write(stray.write([5, 5], over: bytes, record: moved.encoded))
    try access.damage("ann", [])

    try StrayRebuild(access: access, store: store).run(try access.positions())
    #expect(try stray.state(in: store) == nil)
    #expect(try ["ann", "bob", "cid", "dan", "eve"].map { try access.stored($0) } == expected)
    for partition in Int32(0)..<3 { #expect(try access.record(partition)?.partitioner == .murmur2) }
    #expect(access.said.all.last?.contains("1 of 5 entities were astray") == true, "\(access.said.all)")
    try StrayRebuild(access: access, store: store).run(try access.positions())
    #expect(access.said.all.last?.contains("nothing to do") == true)
  }
}

@Suite struct GenerationRebuildTests {
  /// Applies the log as workers would, to the states of another generation.
  private func apply(_ work: GenerationWork, _ access: MemoryAccess) throws -> UInt64 {
    var own = access.settings
    own.generation = work.generation
    let other = access.with(own)
    let next = access.log.partitions.indices.map { work.until[Int32($0)] ?? 0 }
    try other.score(below: next)
    return UInt64(next.reduce(0, +))
  }

  @Test func makesStatesBesideTheLiveOnesAndSwitchesOver() throws {
    let access = try MemoryAccess()
    access.feed(["ann", "bob", "cid", "dan"])
    // The live states are of an older definition.
    try access.score { $0.definition = "older" }
    let store = try access.openStates(partitionCount: 2)
    var rounds: [GenerationWork] = []
    let rebuild = GenerationRebuild(
      access: access, store: store, target: 2, modelSet: "models", homes: access.homes(2),
      acceptShorterLog: false, goesOn: true, isCompacted: false,
      work: { work in
        rounds.append(work)
        // Events come while the states are made: the switch must take them along.
        if rounds.count == 1 { access.feed(["ann", "bob", "cid", "dan"], rounds: 1) }
        return try apply(work, access)
      })
    #expect(try rebuild.run(try access.positions()))
    #expect(rounds.allSatisfy { $0.generation == 2 && $0.modelSet == "models" } && !rounds.isEmpty)
    let standings = try Generations.follow(store, from: 1, partitionCount: 2)
    #expect(standings.map(\.generation) == [2, 2])
    #expect(
      access.storage.states(0, generation: 1).isEmpty && access.storage.states(1, generation: 1).isEmpty)
    #expect(
      access.storage.states(0, generation: 2).count + access.storage.states(1, generation: 2).count == 4)
    #expect(access.said.all.last?.contains("switched to generation 2") == true)
  }

  @Test func canBeStoppedBetweenRounds() throws {
    let access = try MemoryAccess()
    access.feed(["ann", "bob"])
    try access.score { $0.definition = "older" }
    let store = try access.openStates(partitionCount: 2)
    let rebuild = GenerationRebuild(
      access: access, store: store, target: 2, modelSet: "", homes: access.homes(2), acceptShorterLog: false,
      goesOn: true, isCompacted: false, work: { _ in nil })
    #expect(try !rebuild.run(try access.positions()))
    #expect(try Generations.follow(store, from: 1, partitionCount: 2).map(\.generation) == [1, 1])
  }
}
