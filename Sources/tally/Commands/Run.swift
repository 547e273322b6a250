import ArgumentParser
import Configuration
import Dataflow
import Dispatch
import Features
import Foundation
import Kafka
import Metrics
import Monitor
import Pipeline
import Serve

/// `tally run`: the pipeline at work.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Scores events until it is stopped.",
    discussion: """
      Delivery is effectively once: after any crash every event is scored, none twice in the table, no state applied twice; the
      topic may repeat a byte-identical record. With --delivery exactly-once readers of committed records see none twice in the
      topic either; processes that share a host then need a scores.transactional_id each. SIGTERM or Ctrl-C stops it
      within 5 seconds.

      Examples:
        tally run --config tally.yaml
        tally run --brokers kafka:9092 --redis redis://redis:6379/0 --postgres "host=db dbname=tally user=tally"
        tally run --delivery exactly-once
        tally run --sqlite scores.db --until-end          # work off what is there, then end
        tally run --accept-gap 3:500-999                  # once, when the log has lost these unscored events
        tally run --http 9464                             # curl localhost:9464/metrics
        tally run -X security.protocol=ssl -X ssl.ca.location=/etc/ssl/ca.pem
      """)

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var options: RunOptions
  @Flag(
    help: "End when everything is scored that the log held at the start; for one process alone in its group.")
  var untilEnd = false
  @Flag(
    help:
      "Believe the group's offsets although Tally has not committed them: for a start after they were set by hand."
  )
  var trustOffsets = false
  @Option(
    help: ArgumentHelp(
      "Go on although the log has lost these events before they were scored: exactly what the error names; may be given again.",
      valueName: "PARTITION:FROM-TO"))
  var acceptGap: [PartitionRange] = []
  @OptionGroup var compacted: CompactedOption
  @Flag(
    help:
      "Go on although producers may date records as far ahead as they like (message.timestamp.type=CreateTime)."
  )
  var acceptCreateTime = false
  @Flag(help: "A live view instead of a line now and then.") var view = false

  func validate() throws {
    guard Set(acceptGap.map(\.partition)).count == acceptGap.count else {
      throw ValidationError("--accept-gap takes one range for each partition")
    }
  }

  func run() throws {
    try reporting {
      // From the beginning: whoever is stopped while it starts has begun nothing, and says so by its exit code.
      let stopping = RunStop()
      let interrupts = Interrupts { stopping.stop() }
      defer { withExtendedLifetime(interrupts) {} }
      var settings = try connection.settings(options.given)
      settings.worker.trustsOffsets = trustOffsets
      for gap in acceptGap { settings.worker.acceptedGaps[gap.partition] = gap.leftOut(.deleted) }
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      if !acceptGap.isEmpty { try settings.check(acceptGap, partitions: try settings.partitionCount()) }
      let check = TopicCheck(
        settings, pipeline, compacted, isLive: true, acceptsCreateTime: acceptCreateTime)
      let watch = TopicWatch(after: try check.enforce()) { try check.review() }
      let ends = untilEnd ? try settings.ends() : nil
      let running = try PipelineRun(settings, pipeline)
      let server = try settings.serve(running, pipeline)
      defer { server?.stop() }
      stopping.attach(running.stop)
      let timers = [watch.start(), LetterRetention(settings, pipeline)?.start()].compactMap { $0 }
      // Without a store there is no place for what several processes add up.
      let report =
        pipeline.program.keepsState ? NameReport(try settings.makeNameTotals(pipeline), running.metrics) : nil
      let voter = try settings.vote(running, pipeline)
      defer {
        report?.stop()
        voter?.stop()
        for timer in timers { timer.cancel() }
      }
      note(
        "\(pipeline.declaration.name) from \(settings.topic) at \(settings.brokers), \(settings.workers) worker(s)"
      )
      RunWatch(
        running, title: "tally \(pipeline.declaration.name)", isLive: view, ends: ends, tellsOfTypes: true
      )
      .watch()
      try running.join()
    }
  }
}

extension Settings {
  /// Answers proposals of models, where promotions can come and there is a store to answer in; nil: they cannot.
  func vote(_ run: PipelineRun, _ pipeline: LoadedPipeline) throws -> ModelVoter? {
    guard let loader = run.loader, pipeline.program.keepsState,
      !pipeline.declaration.features.control.isEmpty
    else { return nil }
    return ModelVoter(try makeProposals(pipeline), loader, run.metrics)
  }

  /// Serves metrics and health when that is wanted; says where. Throws `Failure` when the address cannot be had.
  func serve(_ run: PipelineRun, _ pipeline: LoadedPipeline) throws -> StatusServer? {
    guard let http else { return nil }
    let server = StatusServer(
      metrics: run.metrics, pipeline: pipeline.declaration.name, version: Tally.configuration.version)
    let (port, problem) = StatusServer.Address(http).map { server.start($0) } ?? (nil, "not an address")
    guard let port else {
      run.stop.stop()
      try run.join()
      throw Failure(
        "http \(http): \(problem); --http takes PORT, :PORT or HOST:PORT (an IPv4 address), and a free port",
        reason: .usage)
    }
    note("metrics at http port \(port): /metrics /healthz /readyz")
    return server
  }

  /// The log's end of every partition, now.
  func ends() throws -> [Int64] {
    let partitions = try partitionCount()
    return try withAdmin { admin in
      try (0..<partitions).map {
        try admin.watermarks(topic: topic, partition: $0, timeoutMs: Self.startTimeoutMs).high
      }
    }
  }
}
