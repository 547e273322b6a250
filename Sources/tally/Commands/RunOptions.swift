import Dataflow
public import ArgumentParser
import Pipeline

/// A flag that some commands share.
struct WorkersOption: ParsableArguments {
  @Option(
    help: "Threads; each reads some of the partitions, with connections of its own.")
  var workers: Int?

  func validate() throws {
    if let workers, !(1...256).contains(workers) { throw ValidationError("--workers takes 1 to 256") }
  }

  /// For `ConnectionOptions.settings`.
  var given: [(flag: String, text: String?)] { [("--workers", workers.map { "\($0)" })] }
}

/// Flags of `tally run` that are settings; `tally config` has them, too, to show what they would give.
struct RunOptions: ParsableArguments {
  @OptionGroup var threads: WorkersOption
  @Option(help: "effectively-once or exactly-once.") var delivery: DeliveryGuarantee?
  @Option(help: "Where a pipeline without any position begins: earliest or latest.") var startAt: StartAt?
  @Option(help: "Lost states: rebuild them from the log, or refuse.") var onLostState: OnLostState?
  @Option(help: "Scores as json or protobuf.") var encoding: String?
  @Option(
    help: "Serve /metrics (Prometheus), /healthz and /readyz: PORT (this machine only), :PORT or HOST:PORT.")
  var http: String?

  func validate() throws {
    if let encoding, !["json", "protobuf"].contains(encoding) {
      throw ValidationError("--encoding takes json or protobuf")
    }
  }

  /// For `ConnectionOptions.settings`.
  var given: [(flag: String, text: String?)] {
    threads.given + [
      ("--delivery", delivery?.rawValue), ("--start-at", startAt?.rawValue),
      ("--on-lost-state", onLostState?.rawValue), ("--encoding", encoding), ("--http", http),
    ]
  }
}

extension DeliveryGuarantee: ExpressibleByArgument {}
extension StartAt: ExpressibleByArgument {}
extension OnLostState: ExpressibleByArgument {}
