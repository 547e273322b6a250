import Dataflow
import Events
import Metrics
import Testing

@testable import Serve

/// A strict reader of the exposition format.
struct Exposition {
  var types: [String: String] = [:]
  var helps: Set<String> = []
  var samples: [String: [(labels: [String: String], value: Double)]] = [:]

  init(_ text: String) throws {
    #expect(text.hasSuffix("\n"))
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      if line.hasPrefix("# HELP ") {
        let name = String(line.split(separator: " ")[2])
        #expect(helps.insert(name).inserted, "HELP twice: \(name)")
      } else if line.hasPrefix("# TYPE ") {
        let parts = line.split(separator: " ").map(String.init)
        #expect(types.updateValue(parts[3], forKey: parts[2]) == nil, "TYPE twice: \(parts[2])")
      } else {
        try read(String(line))
      }
    }
  }

  private mutating func read(_ line: String) throws {
    let match = try #require(line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (\S+)/), "\(line)")
    let name = String(match.1)
    let family = ["_bucket", "_sum", "_count"].lazy.filter { name.hasSuffix($0) }.map {
      String(name.dropLast($0.count))
    }.first { types[$0] == "histogram" }
    #expect(types[family ?? name] != nil && helps.contains(family ?? name), "no TYPE before \(name)")
    var labels: [String: String] = [:]
    for label in (match.3 ?? "").matches(of: /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(,|$)/) {
      labels[String(label.1)] = String(label.2)
    }
    let value = try #require(match.4 == "+Inf" ? .infinity : Double(match.4), "\(line)")
    samples[name, default: []].append((labels, value))
  }

  func value(_ name: String, _ labels: [String: String] = [:]) throws -> Double {
    let found = samples[name, default: []].filter { sample in
      labels.allSatisfy { sample.labels[$0.key] == $0.value }
    }
    #expect(found.count == 1, "\(name) \(labels)")
    return try #require(found.first).value
  }
}

@Suite("Prometheus' text") struct PrometheusTextTests {
  private func exposition(_ metrics: PipelineMetrics) throws -> Exposition {
    var text = PrometheusText(
      metrics.snapshot(), metrics.distributions(), pipeline: "a\"b\\c\nd", version: "1", nowMs: 10_000)
    text.add(.now())
    return try Exposition(text.text)
  }

  @Test("has every counter and gauge") func figures() throws {
    let metrics = PipelineMetrics()
    var letters = [Int](repeating: 0, count: DeadLetterReason.count)
    letters[DeadLetterReason.tooLarge.index] = 3
    metrics.count(read: 20, scored: 14, duplicate: 2, erased: 1, deadLettered: letters)
    metrics.folded(events: 4)
    metrics.position(partition: 3, next: 40, end: 55)
    metrics.rebuilt(records: 7)
    metrics.makingAgain(partition: 4, from: 10, until: 30, because: .lost)
    metrics.unread(partition: 3, sinceMs: 500)
    metrics.state("running", healthy: true)
    metrics.recorder(worker: 1).state("waiting for redis", healthy: false)
    let found = try exposition(metrics)
    #expect(try found.value("tally_records_read_total") == 20)
    #expect(try found.value("tally_events_scored_total") == 14)
    #expect(try found.value("tally_duplicates_total") == 2)
    #expect(try found.value("tally_erased_total") == 1)
    #expect(try found.value("tally_folds_total") == 4)
    #expect(try found.value("tally_dead_letters_total", ["reason": "too-large"]) == 3)
    #expect(found.samples["tally_dead_letters_total"]?.count == DeadLetterReason.count)
    #expect(try found.value("tally_partition_lag", ["partition": "3"]) == 15)
    #expect(try found.value("tally_partition_end_offset", ["partition": "3"]) == 55)
    #expect(try found.value("tally_partition_stable_offset", ["partition": "3"]) == 55)
    #expect(try found.value("tally_partition_lag_seconds", ["partition": "3"]) == 9.5)
    #expect(try found.value("tally_partition_lag_seconds", ["partition": "4"]) == 0)
    #expect(try found.value("tally_partition_rebuilding", ["partition": "4"]) == 20)
    #expect(try found.value("tally_records_rebuilt_total") == 7)
    #expect(try found.value("tally_states_lost_total") == 1)
    #expect(try found.value("tally_ready") == 0)
    #expect(try found.value("tally_worker_healthy", ["worker": "0"]) == 1)
    #expect(try found.value("tally_worker_healthy", ["worker": "1"]) == 0)
    #expect(try found.value("tally_build_info", ["pipeline": "a\\\"b\\\\c\\nd"]) == 1)
    #expect(try found.value("process_resident_memory_bytes") > 1_000_000)
    #expect(try found.value("process_open_fds") > 2)
  }

  @Test("has histograms that add up") func histograms() throws {
    let metrics = PipelineMetrics()
    let nanos: [UInt64] = [5_000, 9_000, 30_000, 30_000, 2_000_000, 700_000_000, 500_000_000_000]
    for value in nanos { metrics.record(.sink, nanos: value, events: 2) }
    let found = try exposition(metrics)
    var last = 0.0
    for bound in LatencyDistribution.bounds {
      let label = ["stage": "sink", "le": PrometheusText.seconds(bound)]
      let count = try found.value("tally_stage_seconds_bucket", label)
      #expect(count == Double(2 * nanos.count { $0 <= bound }), "\(label)")
      #expect(count >= last)
      last = count
    }
    #expect(try found.value("tally_stage_seconds_bucket", ["stage": "sink", "le": "+Inf"]) == 14)
    #expect(try found.value("tally_stage_seconds_count", ["stage": "sink"]) == 14)
    let sum = Double(2 * nanos.reduce(0, +)) / 1e9
    #expect(abs(try found.value("tally_stage_seconds_sum", ["stage": "sink"]) - sum) < 1e-9)
    #expect(try found.value("tally_stage_seconds_count", ["stage": "decode"]) == 0)
    #expect(LatencyDistribution.bounds.count == 22)
    #expect(
      LatencyDistribution.bounds.map(PrometheusText.seconds).prefix(4) == [
        "0.00001", "0.000025", "0.00005", "0.0001",
      ])
    #expect(PrometheusText.seconds(LatencyDistribution.bounds[21]) == "100")
  }

  @Test("names what was dropped") func names() throws {
    let metrics = PipelineMetrics()
    #expect(try exposition(metrics).samples["tally_undeclared_events_total"] == nil)
    metrics.readNames {
      var names = NameCounts()
      names.types = [NameCount("logn", 3), NameCount(NameCounts.other, 1)]
      names.attributes = [NameCount("os", 7)]
      return names
    }
    let found = try exposition(metrics)
    #expect(try found.value("tally_undeclared_events_total", ["type": "logn"]) == 3)
    #expect(try found.value("tally_undeclared_events_total", ["type": "other"]) == 1)
    #expect(try found.value("tally_undeclared_attributes_total", ["attribute": "os"]) == 7)
    #expect(found.types["tally_undeclared_attributes_total"] == "counter")
  }

  @Test("says when a worker is stuck or waits") func health() {
    var snapshot = MetricsSnapshot()
    #expect(StatusServer.readinessProblem(snapshot) == "starting")
    snapshot.workers = [WorkerStatus(worker: 0, text: "running", isHealthy: true)]
    let now = ContinuousClock.now
    #expect(StatusServer.healthProblem(snapshot, now: now) == nil)
    #expect(StatusServer.readinessProblem(snapshot) == nil)
    snapshot.silence = "no broker has answered for 20 s"
    #expect(StatusServer.readinessProblem(snapshot) == "no broker has answered for 20 s")
    #expect(StatusServer.healthProblem(snapshot, now: now + .seconds(61))?.contains("worker 0") == true)
    snapshot.workers[0].isHealthy = false
    snapshot.workers[0].text = "waiting for redis"
    #expect(StatusServer.readinessProblem(snapshot) == "worker 0: waiting for redis")
  }

  @Test(
    "addresses",
    arguments: [
      ("9100", "127.0.0.1", 9100), (":9100", "0.0.0.0", 9100), ("0.0.0.0:0", "0.0.0.0", 0),
      ("localhost:1", "127.0.0.1", 1),
    ] as [(String, String, UInt16)]) func addresses(_ text: String, _ host: String, _ port: UInt16)
  {
    #expect(StatusServer.Address(text) == StatusServer.Address(host: host, port: port))
  }

  @Test("no addresses", arguments: ["", "x", "1:2:3", "host:", "65536", "example.com:80"])
  func noAddresses(_ text: String) { #expect(StatusServer.Address(text) == nil) }
}
