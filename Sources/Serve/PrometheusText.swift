internal import Dataflow
internal import Events
public import Foundation
public import Metrics

/// Metrics in Prometheus' text exposition format, version 0.0.4
/// (prometheus.io/docs/instrumenting/exposition_formats).
public struct PrometheusText: Sendable {
  /// `Content-Type` of the text.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// The lines so far.
  public private(set) var text = ""

  /// All metrics of a pipeline. Labels hold names of stages, reasons, partitions, workers, and of event types and attributes as far as
  /// they are safe to show; never data.
  public init(
    _ snapshot: MetricsSnapshot, _ distributions: [LatencyDistribution], pipeline: String, version: String,
    nowMs: Int64 = Int64(Date.now.timeIntervalSince1970 * 1000)
  ) {
    family("tally_build_info", "gauge", "Always 1; what runs here.")
    sample("tally_build_info", [("pipeline", pipeline), ("version", version)], "1")
    counter("tally_records_read_total", "Records read from the topic.", snapshot.read)
    counter("tally_events_scored_total", "Events scored.", snapshot.scored)
    counter(
      "tally_records_rebuilt_total",
      "Records applied once more to states that the store had lost; in no other count and no latency.",
      snapshot.rebuilt)
    counter(
      "tally_states_lost_total", "Partitions whose states were found lost or rolled back.",
      snapshot.statesLost)
    counter("tally_duplicates_total", "Events whose id was among the entity's last 32.", snapshot.duplicate)
    counter("tally_erased_total", "Erasures done.", snapshot.erased)
    counter(
      "tally_model_sets_refused_total", "Proposed sets of models that this process has refused.",
      snapshot.refusedModels)
    counter("tally_promotions_total", "Promotions of models that were read.", snapshot.promoted)
    counter(
      "tally_scored_without_model_total",
      "Events scored whose rows no model has scored, because score_when does not hold.", snapshot.withoutModel
    )
    counter(
      "tally_folds_total", "Events at which a state reached state_max and its rarest words became other.",
      snapshot.folded)
    family("tally_dead_letters_total", "counter", "Records that could not be scored, by reason.")
    for reason in DeadLetterReason.allCases {
      sample(
        "tally_dead_letters_total", [("reason", reason.rawValue)], "\(snapshot.deadLettered[reason.index])")
    }
    names(snapshot.names)
    // Another process tells of those that went to it.
    partitions(snapshot.partitions.filter(\.isOurs), nowMs: nowMs)
    family("tally_ready", "gauge", "1 while /readyz says ready.")
    sample("tally_ready", [], snapshot.isHealthy && !snapshot.workers.isEmpty ? "1" : "0")
    family("tally_worker_healthy", "gauge", "1 while the worker works, 0 while it waits for a server.")
    for worker in snapshot.workers {
      sample("tally_worker_healthy", [("worker", "\(worker.worker)")], worker.isHealthy ? "1" : "0")
    }
    family(
      "tally_stage_seconds", "histogram",
      "Time of an event in each stage (a batch's events share its time); total: broker to durable sinks.")
    for stage in Stage.allCases { histogram(stage, distributions[stage.rawValue]) }
  }

  /// Adds the process' own metrics under Prometheus' standard names.
  public mutating func add(_ process: ProcessFigures) {
    family("process_cpu_seconds_total", "counter", "CPU time, user and system.")
    sample("process_cpu_seconds_total", [], Self.seconds(process.cpuMicros * 1_000))
    family("process_resident_memory_bytes", "gauge", "Resident memory.")
    sample("process_resident_memory_bytes", [], "\(process.residentBytes)")
    family("process_open_fds", "gauge", "Open file descriptors.")
    sample("process_open_fds", [], "\(process.openDescriptors)")
    family("process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.")
    sample("process_start_time_seconds", [], Self.seconds(process.startMicros * 1_000))
  }

  private mutating func names(_ names: NameCounts) {
    family("tally_undeclared_events_total", "counter", "Events of types that the pipeline does not declare.")
    for type in names.types {
      sample("tally_undeclared_events_total", [("type", type.name)], "\(type.count)")
    }
    family(
      "tally_undeclared_attributes_total", "counter",
      "Attributes dropped because the pipeline does not declare them for the event's type.")
    for attribute in names.attributes {
      sample("tally_undeclared_attributes_total", [("attribute", attribute.name)], "\(attribute.count)")
    }
    family(
      "tally_replaced_values_total", "counter",
      "Events with a value of the attribute that is not allowed and counts as missing, or as the nearer bound."
    )
    for attribute in names.replaced {
      sample("tally_replaced_values_total", [("attribute", attribute.name)], "\(attribute.count)")
    }
  }

  private mutating func partitions(_ partitions: [PartitionProgress], nowMs: Int64) {
    let gauges: [(String, String, (PartitionProgress) -> Int64)] = [
      ("tally_partition_lag", "Records up to the last stable offset that are still to be read.", { $0.lag }),
      ("tally_partition_next_offset", "W: the next offset to read.", { $0.next }),
      (
        "tally_partition_end_offset", "End of the partition's log (high watermark), as far as known.",
        { $0.end }
      ),
      (
        "tally_partition_stable_offset", "Last stable offset: up to it committed records can be read.",
        { $0.stable ?? $0.end }
      ),
      (
        "tally_partition_rebuilding", "Records until states that were lost are whole again.",
        { $0.makingLeft }
      ),
    ]
    for (name, help, value) in gauges {
      family(name, "gauge", help)
      for partition in partitions {
        sample(name, [("partition", "\(partition.partition)")], "\(value(partition))")
      }
    }
    family(
      "tally_partition_left_out_offsets", "gauge",
      "Offsets below the next one that are left out: deleted from the log, unreadable, or skipped by order.")
    for partition in partitions {
      for cause in LeftOutCause.allCases {
        sample(
          "tally_partition_left_out_offsets",
          [("partition", "\(partition.partition)"), ("cause", cause.rawValue)],
          "\(partition.leftOut[cause] ?? 0)")
      }
    }
    family(
      "tally_model_set_number", "gauge",
      "Number of the promotion by which the partition's set of models is in force; 0: there was none.")
    for partition in partitions {
      guard let models = partition.models else { continue }
      sample(
        "tally_model_set_number", [("partition", "\(partition.partition)"), ("set", models.hash)],
        "\(models.number)")
    }
    family(
      "tally_partition_lag_seconds", "gauge",
      "Now minus the time of the next unread record; 0: there is none.")
    for partition in partitions {
      sample(
        "tally_partition_lag_seconds", [("partition", "\(partition.partition)")],
        "\(partition.lagSeconds(nowMs: nowMs))")
    }
  }

  private mutating func histogram(_ stage: Stage, _ values: LatencyDistribution) {
    let name = "tally_stage_seconds"
    let label = Self.name(of: stage)
    for (index, bound) in LatencyDistribution.bounds.enumerated() {
      sample(
        name + "_bucket", [("stage", label), ("le", Self.seconds(bound))], "\(values.cumulative[index])")
    }
    sample(name + "_bucket", [("stage", label), ("le", "+Inf")], "\(values.count)")
    sample(name + "_sum", [("stage", label)], Self.seconds(values.sum))
    sample(name + "_count", [("stage", label)], "\(values.count)")
  }

  /// A stage's label.
  static func name(of stage: Stage) -> String {
    switch stage {
    case .brokerWait: "broker_wait"
    case .decode: "decode"
    case .fetch: "fetch"
    case .features: "features"
    case .score: "score"
    case .sink: "sink"
    case .state: "state"
    case .total: "total"
    }
  }

  private mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
    family(name, "counter", help)
    sample(name, [], "\(value)")
  }

  private mutating func family(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
    text += name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
    }
    text += " " + value + "\n"
  }

  /// A label's value with backslash, quote and line feed escaped.
  static func escaped(_ value: String) -> String {
    var result = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Nanoseconds as decimal seconds, exactly.
  static func seconds(_ nanos: UInt64) -> String {
    var digits = String(nanos % 1_000_000_000)
    digits = String(repeating: "0", count: 9 - digits.count) + digits
    while digits.last == "0" { digits.removeLast() }
    return "\(nanos / 1_000_000_000)" + (digits.isEmpty ? "" : "." + digits)
  }
}
