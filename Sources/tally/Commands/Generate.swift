public import ArgumentParser
import Configuration
import Dataflow
import Events
import Foundation
import Kafka
import Synthetic

/// `tally generate`: a synthetic event log by seed.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a synthetic event log and its labels, by seed.",
    discussion: """
      The people, their habits and what becomes of them follow from --seed; the same seed gives the same bytes. Names and
      e-mail addresses are fake. Lines are KEY, tab, JSON.

      Examples:
        tally generate --customers 1000 --days 60 --output events.jsonl --labels labels.csv
        tally generate --customers 1000 --days 60 --topic events --brokers localhost:9092
        tally generate --live --rate 500 --topic events        # as people would send now, until Ctrl-C
      """)

  @Option(help: "Seed.") var seed: UInt64 = 1
  @Option(help: "Number of people.") var customers = 1000
  @Option(help: "Length of the history, days.") var days = 60
  @Option(help: "Events of an active person a day, on average.") var eventsPerDay = 20.0
  @Option(help: "End of the history, seconds since 1970 UTC (default: 2026-01-01).") var endTime: Int64?
  @Option(help: "File for the events; - is standard output.", completion: .file()) var output: String?
  @Option(help: "File for the labels (CSV).", completion: .file()) var labels: String?
  @Option(help: "Topic to produce to, instead of a file.") var topic: String?
  @Option(
    help: "Configuration file, for its section kafka (default: tally.yaml in this folder, if there).",
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?
  @Option(help: "Kafka brokers (environment: TALLY_BROKERS).") var brokers: String?
  @Option(
    name: [.customShort("X"), .customLong("property")],
    help: "librdkafka property, NAME=VALUE; may be given again.")
  var property: [String] = []
  @Option(help: "json or protobuf (files hold JSON).") var format = SyntheticFormat.json
  @Option(help: "Events a second; 0: as fast as possible.") var rate = 0.0
  @Option(help: "At most so many events; 0: all.") var limit = 0
  @Option(help: "Share of extra records that cannot be scored, 0 to 0.9: one of each kind in turn.")
  var badShare = 0.0
  @Flag(help: "Skip the history; send what the same people do now, with the present time, until stopped.")
  var live = false

  func validate() throws {
    guard (1...10_000_000).contains(customers) else {
      throw ValidationError("--customers takes 1 to 10000000")
    }
    guard (1...3650).contains(days) else { throw ValidationError("--days takes 1 to 3650") }
    guard eventsPerDay > 0, eventsPerDay <= 1000 else {
      throw ValidationError("--events-per-day takes up to 1000")
    }
    guard (0...0.9).contains(badShare) else { throw ValidationError("--bad-share takes 0 to 0.9") }
    guard rate >= 0, rate.isFinite else { throw ValidationError("--rate takes 0 or more") }
    guard limit >= 0 else { throw ValidationError("--limit takes 0 or more") }
    guard topic == nil || output == nil else { throw ValidationError("give --topic or --output, not both") }
    guard topic != nil || output != nil || labels != nil else {
      throw ValidationError("say where to: --output FILE, --topic NAME or --labels FILE")
    }
    guard output == nil || format == .json else {
      throw ValidationError("files hold JSON: leave --format out")
    }
    guard !live || topic != nil else { throw ValidationError("--live needs --topic") }
    if let endTime {
      let earliest = EventTimeBounds.start / 1_000_000 + Int64(days) * 86_400
      guard (earliest...EventTimeBounds.end / 1_000_000).contains(endTime) else {
        throw ValidationError(
          "--end-time takes seconds since 1970, not milliseconds or microseconds: after 1973-03-03 plus --days and before "
            + "2089")
      }
    }
  }

  func run() throws {
    try reporting {
      let configuration = SyntheticConfiguration(
        seed: seed, customers: customers, days: days,
        endTime: endTime.map { $0 * 1_000_000 } ?? SyntheticConfiguration.defaultEndTime,
        eventsPerCustomerDay: eventsPerDay)
      if let labels { try writeLabels(configuration, to: labels) }
      let encoder = SyntheticEncoder(format: format, badShare: badShare, tooLargeBytes: 300_000, seed: seed)
      if let output { try writeFile(configuration, encoder, to: output) }
      if let topic { try produce(configuration, encoder, to: topic) }
    }
  }

  private func writeLabels(_ configuration: SyntheticConfiguration, to path: String) throws {
    let writer = try LineWriter(path: path)
    try writer.write(Array((SyntheticLabel.csvHeader + "\n").utf8))
    var line: [UInt8] = []
    var count = 0
    for label in SyntheticLabels(configuration) {
      line.removeAll(keepingCapacity: true)
      label.appendCSV(to: &line)
      if line.last != UInt8(ascii: "\n") { line.append(UInt8(ascii: "\n")) }
      try writer.write(line)
      count += 1
    }
    try writer.close()
    complain("generate: \(count) labels in \(path)")
  }

  private func writeFile(
    _ configuration: SyntheticConfiguration, _ start: SyntheticEncoder, to path: String
  ) throws {
    let writer = try LineWriter(path: path)
    var encoder = start
    var progress = Progress(what: "generate", total: limit > 0 ? Int64(limit) : nil)
    for event in SyntheticLog(configuration) {
      if limit > 0 && progress.done >= limit { break }
      try encoder.encode(event) { record in
        if let key = record.key {
          try writer.write(key)
          try writer.write([UInt8(ascii: "\t")])
        }
        try writer.write(record.value ?? [])
        try writer.write([UInt8(ascii: "\n")])
        progress.advance()
      }
    }
    try writer.close()
    progress.finish("records in \(path)")
  }

  private func open(_ settings: Settings, topic: String) throws -> SyntheticSender {
    do {
      return try SyntheticSender(
        settings.kafkaConfiguration(), topic: topic, partitioner: settings.partitioner ?? .murmur2)
    } catch let error as KafkaError {
      throw Failure(
        "kafka: \(error); is a broker running, and is --brokers right?", reason: .kafkaUnavailable)
    }
  }

  private func produce(
    _ configuration: SyntheticConfiguration, _ start: SyntheticEncoder, to topic: String
  ) throws {
    let flags = try SettingsOverrides.flags([("--brokers", brokers)])
    let settings = try Settings.load(
      config: config, set: [], flags: flags + SettingsOverrides.flags(properties: property),
      warn: warn)
    let sender = try open(settings, topic: topic)
    defer { sender.close() }
    let stopped = StopFlag()
    let interrupts = Interrupts { stopped.set() }
    defer { withExtendedLifetime(interrupts) {} }
    var encoder = start
    var progress = Progress(what: "generate", total: limit > 0 ? Int64(limit) : nil)
    var pace = Pace(eventsPerSecond: rate)
    func send(_ event: SyntheticEvent) throws {
      try encoder.encode(event) { record in
        try sender.send(record)
        progress.advance()
      }
    }
    let log = SyntheticLog(configuration)
    if live {
      var people = SyntheticLive(after: log, liveNumber: Int64(Date().timeIntervalSince1970 * 1000))
      while !stopped.isSet && (limit == 0 || progress.done < limit) {
        pace.wait { sender.poll(milliseconds: $0) }
        try send(people.next(at: SystemClock().wallMicros()))
      }
    } else {
      for event in log {
        if stopped.isSet || (limit > 0 && progress.done >= limit) { break }
        pace.wait { sender.poll(milliseconds: $0) }
        try send(event)
      }
    }
    try sender.flush()
    progress.finish("records in topic \(topic)")
  }
}

extension SyntheticFormat: ExpressibleByArgument {}
