import Dataflow

/// How far reading has come, and what the group is shown of it. One thread.
struct Progress {
  let context: WorkerContext

  private var ports: WorkerPorts { context.ports }
  private var assignment: Assignment { context.assignment }

  /// Keeps the ends that reading has reached. To be called when nothing that was given is left to be done.
  func noteReached() {
    for place in assignment.owned.indices {
      guard let end = ports.source.reachedEnd(assignment.owned[place].partition) else { continue }
      assignment.owned[place].reached = max(assignment.owned[place].reached, end)
    }
  }

  /// Effectively once: commits C of every partition that moved, be it over marks of transactions. A failure is not an error: C may
  /// lag, W counts.
  ///
  /// `surely`: also what was committed already, if a commit that has failed may have taken C back since.
  func commitOffsets(surely: Bool = false) {
    guard context.transactions == nil else { return }
    let isInDoubt =
      surely && context.offsets?.isInDoubt ?? false && !context.configuration.has(.failedCommitForgotten)
    var marks: [OffsetMark] = []
    for partition in assignment.owned {
      let mark = partition.mark
      // A C ahead of W belongs to what is being made again.
      guard mark.offset >= partition.committed ?? -1, mark.shown > partition.shown || isInDoubt else {
        continue
      }
      marks.append(mark)
    }
    guard !marks.isEmpty else { return }
    guard let outcome = try? ports.source.commit(marks) else {
      context.offsets?.isInDoubt = true
      return
    }
    if outcome == .conflict { return }
    assignment.noteCommitted(marks)
  }

  /// Exactly once: lets the group show the end that was reached at rest. In a transaction without messages: a commit by itself that
  /// is late would take C back behind the transactions that follow.
  func commitReached() throws {
    guard let transactions = context.transactions else { return }
    var marks: [OffsetMark] = []
    for partition in assignment.owned where partition.committed == partition.record.nextOffset {
      let mark = partition.mark
      if mark.shown > partition.shown { marks.append(mark) }
    }
    guard !marks.isEmpty else { return }
    try context.moveOffsets(marks, by: transactions)
  }

  /// As `commitReached`, when everything ends: what fails stays as it is.
  func showReached() {
    guard !context.isUnsettled else { return }
    try? commitReached()
  }

  /// Tells where partitions stand, as far as that has changed. Marks of transactions at the log's end count as read.
  func report() {
    for place in assignment.owned.indices {
      let own = assignment.owned[place]
      if own.reportedModels != own.record.modelSetNumber {
        assignment.owned[place].reportedModels = own.record.modelSetNumber
        ports.recorder.modelSet(
          partition: own.partition, number: own.record.modelSetNumber, hash: own.record.modelSet)
      }
      let next = max(own.record.nextOffset, own.reached)
      let end = max(next, ports.source.knownEnd(own.partition) ?? 0, own.askedEnd)
      guard next != own.reportedNext || end != own.end else { continue }
      assignment.owned[place].reportedNext = next
      assignment.owned[place].end = end
      ports.recorder.position(partition: own.partition, next: next, end: end)
      if own.stuck != nil { assignment.tellRunning(ports.recorder) }
      let passed = own.record.passedOffsets
      if !passed.isEmpty { ports.recorder.leftOut(partition: own.partition, offsets: passed) }
      let timeMs = own.record.lastTimestampMs
      if timeMs > 0 { ports.recorder.lastRead(partition: own.partition, timeMs: timeMs) }
    }
  }
}
