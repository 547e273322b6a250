import Configuration
package import Dataflow
import Pipeline

/// Orders a pipeline to leave offsets out, in the partition's record.
package struct SkipOrders {
  package let access: any PipelineAccess
  package let partitions: Int32
  /// Whether it is only told that the order could be given.
  package let isDryRun: Bool

  package init(access: any PipelineAccess, partitions: Int32, isDryRun: Bool) {
    self.access = access
    self.partitions = partitions
    self.isDryRun = isDryRun
  }

  /// How often an order is tried while a worker moves the partition's record.
  private static let triesMax = 100

  /// Gives an order. Throws `Failure` when it is refused.
  package func give(_ order: LeftOut, to partition: Int32) throws {
    let store = try access.openStates(partitionCount: partitions)
    defer { store.close() }
    var tries = 0
    while try !tryToGive(order, to: partition, store) {
      tries += 1
      guard tries < Self.triesMax else {
        throw Failure("partition \(partition): its record moves all the time; try again", reason: .busy)
      }
    }
  }

  /// Returns false when somebody has moved the record meanwhile.
  private func tryToGive(_ order: LeftOut, to partition: Int32, _ store: any StateStore) throws -> Bool {
    let positions = try PipelinePositions(access, store: store, partitions: partitions)
    let facts = positions.facts[Int(partition)]
    let next = try TakeoverRules.skip(order, facts)
    let range = "\(partition):\(order.from)-\(order.until - 1)"
    guard next != facts.record else {
      access.report.say("skip: \(range) is left out already")
      return true
    }
    guard !isDryRun else {
      access.report.say(
        "skip: \(range) can be left out; partition \(partition) is at offset \(next.nextOffset)")
      return true
    }
    var write = StateWrite()
    write.partition = partition
    write.expected = positions.recordBytes[Int(partition)]
    write.record = next.encoded
    guard try store.write(write) != .conflict else {
      guard !facts.isRecordBesideOffset else {
        throw Failure(
          "partition \(partition): the pipeline keeps no state, so that the order must be put beside the group's offset, and brokers take "
            + "that only while nobody is in the group: stop all tally runs of the pipeline, give the order, and start them again",
          reason: .busy)
      }
      return false
    }
    access.report.say(
      "skip: \(range) is ordered to be left out; partition \(partition) is at offset \(next.nextOffset)")
    return true
  }
}
