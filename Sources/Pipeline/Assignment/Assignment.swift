import Dataflow

/// The partitions that a worker has, each with its positions. One thread.
final class Assignment {
  /// The partitions, in the order in which they were taken over.
  var owned: [OwnedPartition] = []
  /// Place in `owned` by partition number; -1: not ours.
  private var places: [Int32] = []

  /// Numbers of the partitions.
  var partitions: [Int32] { owned.map(\.partition) }

  /// Takes other partitions in place of those that were there.
  func replace(by next: [OwnedPartition]) {
    owned = next
    places = [Int32](repeating: -1, count: (next.map { Int($0.partition) }.max() ?? -1) + 1)
    for (place, partition) in next.enumerated() { places[Int(partition.partition)] = Int32(place) }
  }

  /// Forgets all.
  func removeAll() { replace(by: []) }

  /// Place of a partition in `owned`; nil: it is not ours.
  func place(of partition: Int32) -> Int? {
    guard partition >= 0, Int(partition) < places.count, places[Int(partition)] >= 0 else { return nil }
    return Int(places[Int(partition)])
  }

  /// Place of a partition that is ours.
  func ownPlace(of partition: Int32) -> Int { Int(places[Int(partition)]) }

  /// Notes what was written of a partition: W. Its bytes are the caller's to note.
  func noteWritten(_ record: PartitionRecord, at place: Int) {
    owned[place].record = record
    guard owned[place].isRecordBesideOffset else { return }
    owned[place].committed = record.nextOffset
    owned[place].shown = record.nextOffset
  }

  /// Notes what was committed for the group.
  func noteCommitted(_ marks: [OffsetMark]) {
    for mark in marks {
      let place = ownPlace(of: mark.partition)
      owned[place].committed = mark.offset
      owned[place].shown = mark.shown
    }
  }

  /// Tells that the worker is running, or which partition waits.
  func tellRunning(_ recorder: any Recorder) {
    for place in owned.indices {
      if let stuck = owned[place].stuck, owned[place].record.nextOffset > stuck.from {
        owned[place].stuck = nil
      }
    }
    if let text = owned.lazy.compactMap({ $0.stuck?.text }).first {
      recorder.state(text, healthy: false)
    } else {
      recorder.state("running", healthy: true)
    }
  }
}

/// A partition that this worker has.
struct OwnedPartition {
  let partition: Int32
  /// Record as last read or written, and its bytes.
  var record: PartitionRecord
  var recordBytes: [UInt8]
  /// T; nil: no row yet or no table.
  var tablePosition: Int64?
  /// C as last read or committed.
  var committed: Int64?
  /// The same as the group shows it: with the marks of transactions behind it.
  var shown: Int64
  /// The end up to which everything was given, and is done; 0: not known.
  var reached: Int64 = 0
  var topicFrom: Int64
  var tableFrom: Int64
  /// The next record must be W − 1 with the record's fingerprint.
  var mustVerify: Bool
  /// The log's end, as far as known, and the next offset, as last reported.
  var end: Int64 = -1
  var reportedNext: Int64 = -1
  /// Number of the promotion that was reported last.
  var reportedModels: UInt64?
  /// The log's end when the partition was taken over.
  var askedEnd: Int64
  /// What is left out is passed over up to here at most.
  let passUntilMax: Int64
  /// What keeps the partition waiting, and the offset that cannot be had; nil: nothing.
  var stuck: (from: Int64, text: String)?
  /// W when it was looked for orders last.
  var nextAtLook: Int64 = -1
  /// Below it all was delivered already: states are made again, and nothing counts as scored.
  var againUntil: Int64
  /// Whether the record lies beside C: then each commit of C carries it.
  let isRecordBesideOffset: Bool
  /// What the batch under way has of the partition.
  var share = BatchShare()

  /// W as C is committed.
  var mark: OffsetMark {
    OffsetMark(
      partition: partition, offset: record.nextOffset, firstOffset: record.firstOffset, homes: record.homes,
      shown: reached, leftOut: record.leftOut, record: isRecordBesideOffset ? recordBytes : [])
  }

  /// The offset that the batch under way brings, as C is committed with it.
  var nextMark: OffsetMark {
    let next = share.next
    return OffsetMark(
      partition: partition, offset: next.nextOffset, firstOffset: next.firstOffset, homes: next.homes,
      leftOut: next.leftOut, record: isRecordBesideOffset ? next.encoded : [])
  }

  /// Whether all of a record was delivered before, and only a lost state wants it once more.
  func isAgain(_ record: RawRecord) -> Bool { record.offset < againUntil }
}

/// What one batch has of a partition.
struct BatchShare {
  /// The partition record that is written with the batch's states.
  var next = PartitionRecord()
  /// Changed states, each once.
  var dirty: [ChangedState] = []
  /// Position of the last record in the batch; nil: the batch has none.
  var lastRecord: Int32?
}

/// A state to be written: its slot, and a record of the batch whose key is its entity id.
struct ChangedState {
  let slot: Int32
  let record: Int32
}

/// The batch under way is given up because its partitions are no longer ours, or someone stops us.
struct Abandoned: Error {}

/// A store's position is not what this worker last wrote: take the partitions over anew.
struct Superseded: Error {}
