import Configuration
package import Dataflow
import Events
import FeatureStore
import Features
import Ingest
import Kafka
import Pipeline

/// Where a log's entities live.
extension PipelineAccess {
  /// By the setting, or murmur2 when it is not given.
  package func homes(_ partitions: Int32) -> KeyHomes {
    KeyHomes(settings.partitioner ?? .murmur2, partitionCount: partitions)
  }

  /// By the setting; when it is not given and the store has no record, the log's first keys must agree with murmur2. Throws `Failure`
  /// when they do not, and `PortError`. Where no states are kept, keys may lie anywhere.
  package func homes(
    _ partitions: Int32, records: [PartitionRecord?]
  ) throws -> KeyHomes {
    let homes = homes(partitions)
    guard pipeline.program.keepsState, settings.partitioner == nil, partitions > 1,
      records.allSatisfy({ ($0?.counters.read ?? 0) == 0 })
    else {
      return homes
    }
    let spread = try lookAtKeys(partitions)
    let astray = spread.keys - spread.atHome(by: homes.partitioner)
    let what =
      "topic \(settings.topic): of the first \(spread.keys) keys \(astray) are not on the partition that they belong to by murmur2"
    let problem: String
    switch spread.verdict(on: homes.partitioner) {
    case .fits: return homes
    case .looksLike(let other):
      problem =
        "\(what); these look like \(other.rawValue): set kafka.partitioner: \(other.rawValue) (or murmur2, if these keys say "
        + "nothing of the others)"
    case .looksLikeNone:
      problem =
        "\(what), nor by \(Partitioner.allCases.dropFirst().map(\.rawValue).joined(separator: " or ")): copy the events into "
        + "a topic in which every key is at home, with tally copy, or set kafka.partitioner, if these keys say nothing of the "
        + "others"
    }
    guard spread.keys >= KeySpread.keysToTell else {
      report.warn(problem)
      return homes
    }
    throw Failure(problem)
  }

  /// By the setting, which must be that of the store's records. Throws `Failure` when they are of another partitioner or number of
  /// partitions, or of a version that did not look. Where there are no states, every partition stands for itself.
  package func homes(_ partitions: Int32, checkedBy records: [PartitionRecord?]) throws -> KeyHomes {
    let homes = homes(partitions)
    for (partition, record) in records.enumerated() where pipeline.program.keepsState {
      guard let record else { continue }
      guard let known = record.homes else {
        throw Failure(
          "partition \(partition): an earlier version made the states, and whether they are where they belong was not looked "
            + "at yet; start tally run once", reason: .keysElsewhere)
      }
      guard known.partitionCount == partitions else {
        throw Failure(
          "partition \(partition): the topic had \(known.partitionCount) partitions and now has \(partitions), so that keys "
            + "belong elsewhere; tally copy makes a topic in which they are at home",
          reason: .partitionsChanged)
      }
      guard known.partitioner == homes.partitioner else {
        throw Failure(
          "partition \(partition): the states were made with kafka.partitioner \(known.partitioner.rawValue), and now it is "
            + "\(homes.partitioner.rawValue); set kafka.partitioner: \(known.partitioner.rawValue)",
          reason: .keysElsewhere)
      }
    }
    return homes
  }

  /// The partition records of the generations in force.
  package func recordsInForce(_ partitions: Int32) throws -> [PartitionRecord?] {
    let store = try openStates(partitionCount: partitions)
    defer { store.close() }
    return try Generations.follow(
      store, from: settings.firstGeneration(of: pipeline), partitionCount: partitions
    ).map(\.record)
  }

  /// The states, of the generations in force, and where the log's entities live by its records. The caller closes them.
  package func openStatesInForce(
    partitionCount: Int32
  ) throws -> (store: any StateSurvey, homes: KeyHomes) {
    let store = try openStates(partitionCount: partitionCount)
    do {
      let standings = try Generations.follow(
        store, from: settings.firstGeneration(of: pipeline), partitionCount: partitionCount)
      return (store, try homes(partitionCount, checkedBy: standings.map(\.record)))
    } catch {
      store.close()
      throw error
    }
  }

  /// The keys of the log's first events. What is no event says nothing: anybody may have sent it.
  private func lookAtKeys(_ partitions: Int32) throws -> KeySpread {
    let source = try openLog(LogPart(), reader: "tally-look")
    defer { source.close() }
    var spread = KeySpread(partitionCount: partitions)
    let decoder = try makeDecoder(.onePartition)
    let events = EventBatch(symbols: pipeline.program.symbols)
    var records = 0
    _ = try LogReading(source).readOn { batch in
      for record in batch.records {
        events.removeAll()
        var anywhere = record
        anywhere.partition = 0
        if decoder.decode(anywhere, into: events) == nil { spread.add(record) }
      }
      records += batch.records.count
      return records < recordsLookedAtMax
    }
    return spread
  }
}

/// Records that are looked at, at most, to tell how producers spread keys.
private let recordsLookedAtMax = 20_000
