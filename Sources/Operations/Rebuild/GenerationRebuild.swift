import Configuration
package import Dataflow
import FeatureStore
import Ingest
import Pipeline

/// States rebuilt from the log in a generation beside the one in force, and the switch to it.
///
/// The work goes in rounds: each reads up to where the live generation stood when the round began. When a round leaves the new
/// generation close behind, the old records are sealed, and whoever scores follows; then the old states are removed.
package struct GenerationRebuild {
  package let access: any PipelineAccess
  package let store: any StateStore
  package let target: UInt64
  package let modelSet: String
  package let homes: KeyHomes
  package let acceptShorterLog: Bool
  package let goesOn: Bool
  /// Whether the log may lack records in its middle.
  package let isCompacted: Bool
  /// Applies a part of the log to states of a generation, by workers without models and sinks. Returns the number of records read; nil:
  /// it was stopped.
  package let work: (GenerationWork) throws -> UInt64?

  package init(
    access: any PipelineAccess, store: any StateStore, target: UInt64, modelSet: String, homes: KeyHomes,
    acceptShorterLog: Bool, goesOn: Bool, isCompacted: Bool,
    work: @escaping (GenerationWork) throws -> UInt64?
  ) {
    self.access = access
    self.store = store
    self.target = target
    self.modelSet = modelSet
    self.homes = homes
    self.acceptShorterLog = acceptShorterLog
    self.goesOn = goesOn
    self.isCompacted = isCompacted
    self.work = work
  }

  private var pipeline: LoadedPipeline { access.pipeline }

  /// Records by which the new generation may be behind at the switch: what workers apply, without scoring it again, before
  /// they go on.
  private static let lagMax: Int64 = 5_000
  /// Rounds after which the switch is made in any case.
  private static let roundsMax = 10

  /// Makes the states and switches over. Returns false when it was stopped on the way.
  package func run(_ positions: PipelinePositions) throws -> Bool {
    let old = positions.standings.map(\.generation)
    let isInPlace = positions.facts.allSatisfy { $0.record == nil }
    // A partition without a record has no states that could be moved: who takes it over makes them where they were.
    let partitions = positions.facts.filter {
      isInPlace || $0.record != nil && old[Int($0.partition)] != target
    }.map(\.partition)
    let began = try begin(partitions, positions)
    guard !began.isEmpty else {
      access.report.say("rebuild: nothing was scored yet, so there are no states to make")
      return true
    }
    var until = began.mapValues(\.until)
    var from = began.mapValues(\.from)
    let first = from
    var records: UInt64 = 0
    var rounds = 0
    while true {
      if !isInPlace { try takeOverOrders(partitions, from: old) }
      guard let read = try apply(began, from: from, until: until) else { return false }
      records += read
      rounds += 1
      if isInPlace { break }
      let live = try nextOffsets(partitions, in: old)
      let lag = partitions.map { max(0, (live[$0] ?? 0) - (until[$0] ?? 0)) }.reduce(0, +)
      if lag <= Self.lagMax || rounds == Self.roundsMax { break }
      from = until
      for partition in partitions { until[partition] = max(until[partition] ?? 0, live[partition] ?? 0) }
    }
    if isInPlace {
      access.report.say("rebuild: done, \(records) records; tally run goes on from here")
      tellGaps(first, until, records)
      return true
    }
    from = until
    for (partition, next) in try switchOver(partitions, old) {
      until[partition] = max(until[partition] ?? 0, next)
    }
    try takeOverOrders(partitions, from: old)
    guard let read = try apply(began, from: from, until: until) else { return false }
    records += read
    try removeOld()
    access.report.say(
      "rebuild: done, \(records) records; switched to generation \(target), tally run goes on from here")
    tellGaps(first, until, records)
    return true
  }

  /// Says how much a compacted log lacks at most.
  private func tellGaps(_ from: [Int32: Int64], _ until: [Int32: Int64], _ records: UInt64) {
    guard isCompacted else { return }
    let offsets = from.map { max(0, (until[$0.key] ?? 0) - $0.value) }.reduce(0, +)
    access.report.say(
      "rebuild: \(max(0, offsets - Int64(records))) of \(offsets) offsets hold no record: compacted away, or marks of "
        + "transactions; whose events they were, and what the states lack by that, is not known")
  }

  /// Puts the first records of the new generation where there are none to go on from. Returns those that have something to do.
  private func begin(_ partitions: [Int32], _ positions: PipelinePositions) throws -> [Int32: Renewal] {
    for partition in partitions { store.use(generation: target, of: partition) }
    let found = try store.records(partitions)
    let identity = pipeline.identity(
      generation: target, modelSet: modelSet, partitioner: homes.partitioner)
    var renewals: [Int32: Renewal] = [:]
    for (partition, bytes) in zip(partitions, found) {
      let begun = try bytes.map { try PartitionRecord.read($0, partition: partition) }
      let facts = positions.facts[Int(partition)]
      let renewal = try TakeoverRules.renew(
        facts, begun: begun, identity: identity, acceptShorterLog: acceptShorterLog, goesOn: goesOn)
      guard let renewal else { continue }
      renewals[partition] = renewal
      guard let record = renewal.record else { continue }
      var write = StateWrite()
      write.partition = partition
      write.expected = bytes ?? []
      write.record = record.encoded
      guard try store.write(write) != .conflict else {
        throw Failure(
          "partition \(partition): another tally rebuild works on it; wait for its end", reason: .busy)
      }
    }
    return renewals
  }

  /// Applies the log between two positions. Returns the number of records read; nil: stopped.
  private func apply(
    _ began: [Int32: Renewal], from: [Int32: Int64], until: [Int32: Int64]
  ) throws -> UInt64? {
    let total = began.keys.map { max(0, (until[$0] ?? 0) - (from[$0] ?? 0)) }.reduce(0, +)
    guard total > 0 else { return 0 }
    return try work(
      GenerationWork(
        generation: target, partitions: began.keys.sorted(), until: until, total: total, modelSet: modelSet,
        homes: homes))
  }

  /// Orders that the live generation has followed meanwhile hold for the new one, too.
  private func takeOverOrders(_ partitions: [Int32], from old: [UInt64]) throws {
    let live = try records(partitions, in: old)
    for partition in partitions { store.use(generation: target, of: partition) }
    for (place, bytes) in try store.records(partitions).enumerated() {
      guard let bytes, let other = live[place] else { continue }
      let partition = partitions[place]
      let next = try TakeoverRules.takeOver(
        ordersOf: try PartitionRecord.read(other, partition: partition),
        to: try PartitionRecord.read(bytes, partition: partition), partition: partition)
      guard let next else { continue }
      var write = StateWrite()
      write.partition = partition
      write.expected = bytes
      write.record = next.encoded
      guard try store.write(write) != .conflict else {
        throw Failure(
          "partition \(partition): another tally rebuild works on it; wait for its end", reason: .busy)
      }
    }
  }

  /// W of the generations in force; 0: none.
  private func nextOffsets(_ partitions: [Int32], in generations: [UInt64]) throws -> [Int32: Int64] {
    var offsets: [Int32: Int64] = [:]
    for (partition, bytes) in zip(partitions, try records(partitions, in: generations)) {
      offsets[partition] =
        try bytes.map { try PartitionRecord.read($0, partition: partition).nextOffset } ?? 0
    }
    return offsets
  }

  private func records(_ partitions: [Int32], in generations: [UInt64]) throws -> [[UInt8]?] {
    for partition in partitions { store.use(generation: generations[Int(partition)], of: partition) }
    return try store.records(partitions)
  }

  /// Seals the old records, one after the other; each is read again until nobody has moved it in between. Returns W at those moments.
  private func switchOver(_ partitions: [Int32], _ old: [UInt64]) throws -> [Int32: Int64] {
    var sealed: [Int32: Int64] = [:]
    for partition in partitions {
      while sealed[partition] == nil {
        guard let record = try records([partition], in: old)[0] else {
          throw Failure(
            "partition \(partition): the store has lost its record meanwhile; start this again",
            reason: .lostState)
        }
        guard try PartitionRecord.read(record, partition: partition).successor == 0 else {
          throw Failure("partition \(partition): another tally rebuild has switched it over", reason: .busy)
        }
        sealed[partition] = try Generations.seal(
          store, partition: partition, record: record, successor: target)
      }
    }
    return sealed
  }

  /// Removes the states that nobody uses any more.
  private func removeOld() throws {
    let count = try access.partitionCount()
    let standings = try Generations.follow(store, from: access.settings.generation, partitionCount: count)
    for (partition, standing) in standings.enumerated() {
      try Generations.removeLeftovers(store, standing, partition: Int32(partition))
    }
  }
}

/// A part of the log that workers apply to the states of a generation.
package struct GenerationWork {
  /// The generation whose states are made.
  package let generation: UInt64
  /// Partitions to read, each from where its record stands.
  package let partitions: [Int32]
  /// Ends, not read themselves.
  package let until: [Int32: Int64]
  /// Offsets to come, in all partitions.
  package let total: Int64
  /// Hash of the model set, for partition records.
  package let modelSet: String
  /// Where the log's entities live.
  package let homes: KeyHomes
}
