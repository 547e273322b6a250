public import Dataflow

extension TakeoverRules {
  /// Throws `PortError.refused` when the partition's states, or the group's offset beside which Tally has noted it, belong to a log
  /// whose keys were spread over its partitions in another way: entities live elsewhere now. Without states they live nowhere.
  public static func checkHomes(_ facts: PartitionFacts, partitioner: Partitioner) throws {
    guard !facts.isRecordBesideOffset else { return }
    let count = facts.log.partitionCount
    let record = facts.record
    if let before = record?.partitionCount ?? facts.committed?.homes?.partitionCount, before != count {
      throw refusal(
        facts, "the topic had \(before) partitions and now has \(count), so that keys belong elsewhere",
        "copy the events into a topic in which every key is at home, with tally copy, and read that one with another group, "
          + "redis.generation and table", reason: .partitionsChanged)
    }
    if let before = record.map({ $0.partitioner }) ?? facts.committed?.homes?.partitioner,
      before != partitioner
    {
      throw refusal(
        facts,
        "the states were made with kafka.partitioner \(before.rawValue), and now it is \(partitioner.rawValue)",
        "set kafka.partitioner: \(before.rawValue); if the producers have changed theirs, copy the events into a topic in "
          + "which every key is at home, with tally copy, and read that one with another group, redis.generation and table",
        reason: .keysElsewhere
      )
    }
  }

  /// Throws `PortError.refused` when a partition of the pipeline, whoever works on it, was begun by another partitioner: an entity would
  /// have two homes. `records`: by partition.
  static func checkNeighbours(_ records: [PartitionRecord?], partitioner: Partitioner) throws {
    for (partition, record) in records.enumerated() {
      guard let other = record?.partitioner, other != partitioner else { continue }
      throw PortError(
        .refused,
        "partition \(partition): the states were made with kafka.partitioner \(other.rawValue), and here it is "
          + "\(partitioner.rawValue); what to do: start all processes of the pipeline with the same setting; if both have scored, "
          + "start over with another group, redis.generation and table", reason: .keysElsewhere)
    }
  }
}

/// Counts of stored states of an earlier version, which left an entity where its first event was seen: how many lie on the partition
/// that their entity belongs to.
public struct HomeSurvey {
  /// Where entities belong.
  public let homes: KeyHomes
  /// States that were looked at.
  public private(set) var entities = 0
  /// Those of them that lie elsewhere.
  public private(set) var astray = 0
  private var astrayBy: [Int]

  /// Nothing looked at.
  public init(_ homes: KeyHomes) {
    self.homes = homes
    astrayBy = Partitioner.allCases.map { _ in 0 }
  }

  /// Looks at the states of partitions whose records do not say that this was done. `body` sees those that lie elsewhere than
  /// their entity belongs.
  public init(
    of facts: [PartitionFacts], in store: any StateStore, _ homes: KeyHomes,
    astray body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) -> Void = { _, _ in }
  ) throws {
    var survey = HomeSurvey(homes)
    let partitions = Self.unseen(facts)
    if !partitions.isEmpty {
      try store.forEachEntity(of: partitions) { partition, id in
        if survey.add(id, partition: partition) { body(partition, id) }
      }
    }
    self = survey
  }

  /// Partitions with states of which nobody has looked yet where they lie.
  public static func unseen(_ facts: [PartitionFacts]) -> [Int32] {
    facts.filter { $0.record.map { $0.partitioner == nil && !$0.isClearing } ?? false }.map(\.partition)
  }

  /// Throws `PortError.refused` when states lie elsewhere than their entities belong.
  public func check() throws {
    guard astray > 0 else { return }
    let what =
      "\(astray) of \(entities) entities have their state on another partition than the one they belong to by "
      + "kafka.partitioner \(homes.partitioner.rawValue)"
    if let better {
      throw PortError(
        .refused,
        "\(what); what to do: set kafka.partitioner: \(better.rawValue), by which all of them are at home",
        reason: .keysElsewhere)
    }
    throw PortError(
      .refused,
      "\(what): an earlier version left them where they were seen first; what to do: stop all tally runs of the pipeline, "
        + "and rebuild these states where they belong: tally rebuild --strays", reason: .keysElsewhere)
  }

  /// Looks at a state. Returns whether it lies elsewhere than its entity belongs.
  @discardableResult
  public mutating func add(_ entityID: UnsafeRawBufferPointer, partition: Int32) -> Bool {
    entities += 1
    for (index, partitioner) in Partitioner.allCases.enumerated()
    where partitioner.partition(of: entityID, count: homes.partitionCount) != partition {
      astrayBy[index] += 1
    }
    guard homes.home(of: entityID) != partition else { return false }
    astray += 1
    return true
  }

  /// Another partitioner by which all states are where they belong; nil: none, or too few states to tell.
  public var better: Partitioner? {
    guard astray > 0, entities >= Self.entitiesToTell else { return nil }
    return zip(Partitioner.allCases, astrayBy).first { $0.1 == 0 }?.0
  }

  /// States by which a partitioner can be told: by chance one of two partitions is right once in 2^n.
  private static let entitiesToTell = 8
}
