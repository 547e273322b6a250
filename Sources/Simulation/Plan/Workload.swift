import Dataflow
import Events

/// A record that producers will append.
struct PlannedRecord {
  /// Position in the plan, by which it can be left out.
  var number: Int
  var partition: Int
  var key: [UInt8]?
  var value: [UInt8]
  var timestampMs: Int64
  /// When it is appended, microseconds of the run.
  var appendAt: Int64
  /// Offsets that are skipped before it, as markers of transactions and compaction do.
  var gap: Int64
  /// Whether it is its partition's last, which comes when nothing goes wrong any more.
  var isLast = false
  /// The producer's batch that it lies in, whose bytes nobody can read; nil: it can be read.
  var unreadable: Int?
}

/// The events of a run: producers that repeat themselves and send late, garbage, ticks and erasures.
struct Workload {
  private(set) var records: [PlannedRecord] = []
  private var names: [[UInt8]] = []
  private let homes: KeyHomes
  /// What most events are.
  private let usual: EventKind
  /// Ids that each entity has had, the latest last.
  private var ids: [[UInt32]] = []
  private var time: EventTime = 1_700_000_000_000_000
  /// Repeats come from so many ids back: within what an entity remembers.
  private static let repeatsFromMax = 20
  private static let wanderer = Array("wanderer".utf8)

  init(_ plan: RunPlan) {
    var draw = Draw(plan.seed, .workload)
    homes = KeyHomes(.murmur2, partitionCount: Int32(plan.partitions))
    usual = plan.keepsState ? .engagement : .profileSnapshot
    let entities = draw.int(2...7)
    names = (0..<entities).map { Array("e\($0)".utf8) }
    ids = Array(repeating: [], count: entities)
    let count = draw.int(50...130)
    // A part lies there from the start, the rest comes in bursts while workers run.
    let early = draw.below(count)
    var appendAt: Int64 = 0
    let end = plan.quietAt * 2 / 3
    for number in 0..<count {
      if number > early && draw.chance(250) {
        appendAt = min(end, appendAt + Int64(draw.below(Int(end) * 6 / count)))
      }
      time += Int64(draw.below(7_200_000_000))
      records.append(record(number, plan, appendAt, &draw))
    }
    spoil(&draw)
    // What a store has lost is noticed when there is something to do.
    for partition in 0..<plan.partitions {
      time += 60_000_000
      records.append(last(of: partition, number: count + partition, at: plan.quietAt + 1000))
    }
  }

  /// Makes a batch or two unreadable, in some runs.
  private mutating func spoil(_ draw: inout Draw) {
    guard draw.chance(300) else { return }
    for batch in 0...draw.below(2) {
      let first = draw.below(records.count)
      var left = draw.int(1...4)
      for place in first..<records.count
      where left > 0 && records[place].partition == records[first].partition {
        records[place].unreadable = batch
        left -= 1
      }
    }
  }

  /// A partition's last record, which cannot be left out.
  private func last(of partition: Int, number: Int, at appendAt: Int64) -> PlannedRecord {
    PlannedRecord(
      number: number, partition: partition, key: name("last", on: partition),
      value: EventReader.value(
        kind: usual, id: UInt32(number + 1), time: time, amount: 100, isBuy: true),
      timestampMs: time / 1000, appendAt: appendAt, gap: 0, isLast: true)
  }

  /// The first name of its kind that belongs to a partition.
  private func name(_ kind: String, on partition: Int) -> [UInt8] {
    var number = 0
    while true {
      let name = Array("\(kind)\(number)".utf8)
      if home(of: name) == partition { return name }
      number += 1
    }
  }

  private func home(of key: [UInt8]) -> Int { key.withUnsafeBytes { Int(homes.home(of: $0)) } }

  private mutating func record(
    _ number: Int, _ plan: RunPlan, _ appendAt: Int64, _ draw: inout Draw
  ) -> PlannedRecord {
    let entity = draw.below(names.count)
    let what = draw.below(100)
    var eventTime = time
    if draw.chance(120) { eventTime -= Int64(draw.below(200_000)) * 1_000_000 }
    var id = UInt32(number + 1)
    if what < 8, !ids[entity].isEmpty { id = ids[entity][draw.below(ids[entity].count)] }
    let kind: EventKind =
      what >= 92 ? .erasure : what >= 84 ? .tick : (70..<74).contains(what) ? .engagement : usual
    var key: [UInt8]? = names[entity]
    var value = EventReader.value(
      kind: kind, id: id, time: eventTime, amount: Int32(draw.below(20_000) - 5000),
      isBuy: (kind == .engagement || kind == usual) && draw.chance(500))
    if what == 91 || what == 83 { value = [0xff, UInt8(number & 0xff)] }
    if what == 82 { value = [] }
    if what == 81 { key = draw.chance(500) ? nil : Array("x".utf8) }
    var partition = home(of: names[entity])
    // Of producers with another partitioner: an entity that is never erased, here and there.
    if (78...80).contains(what) {
      key = Self.wanderer
      partition = (home(of: Self.wanderer) + what - 78) % plan.partitions
    }
    if what < 91 {
      ids[entity].append(id)
      if ids[entity].count > Self.repeatsFromMax { ids[entity].removeFirst() }
    }
    return PlannedRecord(
      number: number, partition: partition, key: key, value: value,
      timestampMs: time / 1000, appendAt: appendAt, gap: draw.chance(60) ? Int64(draw.int(1...3)) : 0)
  }
}
