import Operations
import ArgumentParser
import Configuration
import Dataflow
import FeatureStore
import Pipeline

/// `tally skip`: records that the pipeline shall never score.
struct Skip: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Orders the pipeline to leave records out.",
    discussion: """
      For a partition that waits because its log cannot be read on: tally run says at which offset, and /readyz says 503 until then.
      The order is put into the partition's record in Redis, by compare-and-set, also while tally run works; whoever scores the
      partition passes over these offsets and goes on behind them. (Of a pipeline that keeps no state the record lies beside the group's
      offset, which brokers let nobody change while the group has members: stop tally run first.) Nothing of the records gets into states, scores or dead
      letters; rebuild, verify and replay leave out the same. There is no way back.

      The order stands in the partition's record, in the table (positions.left_out), beside the group's offset, in tally status and in
      the metric tally_partition_left_out_offsets. Only what is not scored yet can be left out, and only what is in the
      log; a partition can have 64 such ranges. What is scored while the order is on its way stays scored.

      Exit codes: 0 the order is given, or was already; 1 it is refused.

      Examples:
        tally skip 3:500-501            # offsets 500 and 501 of partition 3
        tally skip 3:500 --dry-run      # only look whether it can be
      """)

  @Argument(
    help: ArgumentHelp("Offsets, both ends inside; may be given again.", valueName: "PARTITION:FROM-TO"))
  var ranges: [PartitionRange]
  @OptionGroup var connection: ConnectionOptions
  @Flag(help: "Order nothing; only tell whether it could be.") var dryRun = false

  func run() throws {
    try reporting {
      let settings = try connection.settings()
      let access = Deployment(settings, try LoadedPipeline(file: settings.pipeline))
      let partitions = try access.partitionCount()
      try settings.check(ranges, partitions: partitions)
      let orders = SkipOrders(access: access, partitions: partitions, isDryRun: dryRun)
      for range in ranges { try orders.give(range.leftOut(.skipped), to: range.partition) }
    }
  }
}

extension Settings {
  /// Throws `Failure` when ranges name a partition that the topic does not have.
  func check(_ ranges: [PartitionRange], partitions: Int32) throws {
    for range in ranges where range.partition >= partitions {
      throw Failure(
        "\(range.text): topic \(topic) has the partitions 0 to \(partitions - 1)")
    }
  }
}
