public import ArgumentParser
import Configuration
import Dataflow
import Events
import Foundation
import Synthetic

/// What `tally generate` is told for the pipeline engagement.
struct HistoryOptions: ParsableArguments {
  @Option(help: "Number of people. (default: 1000)") var customers: Int?
  @Option(help: "Length of the history, days. (default: 60)") var days: Int?
  @Option(help: "Events of an active person a day, on average. (default: 20.0)") var eventsPerDay: Double?
  @Option(help: "End of the history, seconds since 1970 UTC (default: 2026-01-01).") var endTime: Int64?
  @Option(help: "File for the labels (CSV).", completion: .file()) var labels: String?
  @Option(help: "json or protobuf (files hold JSON). (default: json)") var format: SyntheticFormat?
  @Option(help: "At most so many events; 0: all. (default: 0)") var limit: Int?
  @Option(
    help:
      "Make nothing: print how well the labels can be foretold at best, by so many futures (2 to 1000) of each."
  )
  var ceiling: Int?
  @Flag(help: "Skip the history; send what the same people do now, with the present time, until stopped.")
  var live = false

  /// What was given, and what to do instead where the pipeline is another.
  var given: [(option: String, instead: String)] {
    let all: [(Bool, String, String)] = [
      (customers != nil, "--customers", "say how many profiles there are with --profiles"),
      (days != nil, "--days", "profiles have no history, leave it out"),
      (eventsPerDay != nil, "--events-per-day", "profiles have no events, leave it out"),
      (endTime != nil, "--end-time", "say of which year the profiles are with --as-of-year"),
      (labels != nil, "--labels", "the ages go into a file with --truth"),
      (format != nil, "--format", "profiles are JSON, leave it out"),
      (limit != nil, "--limit", "say how many profiles there are with --profiles"),
      (ceiling != nil, "--ceiling", "profiles say who has stated an age, leave it out"),
      (live, "--live", "profiles come one after the other, at a pace with --rate"),
    ]
    return all.filter(\.0).map { ($0.1, $0.2) }
  }

  func validate(output: String?, topic: String?) throws {
    guard (1...10_000_000).contains(customers ?? 1000) else {
      throw ValidationError("--customers takes 1 to 10000000")
    }
    guard (1...3650).contains(days ?? 60) else { throw ValidationError("--days takes 1 to 3650") }
    if let eventsPerDay, !(eventsPerDay > 0 && eventsPerDay <= 1000) {
      throw ValidationError("--events-per-day takes up to 1000")
    }
    guard limit ?? 0 >= 0 else { throw ValidationError("--limit takes 0 or more") }
    guard (2...1000).contains(ceiling ?? 2) else { throw ValidationError("--ceiling takes 2 to 1000") }
    guard ceiling == nil || topic == nil && output == nil && labels == nil else {
      throw ValidationError("--ceiling makes nothing: leave --output, --topic and --labels out")
    }
    guard topic != nil || output != nil || labels != nil || ceiling != nil else {
      throw ValidationError("say where to: --output FILE, --topic NAME or --labels FILE")
    }
    guard output == nil || format ?? .json == .json else {
      throw ValidationError("files hold JSON: leave --format out")
    }
    guard !live || topic != nil else { throw ValidationError("--live needs --topic") }
    if let endTime {
      let earliest = EventTimeBounds.start / 1_000_000 + Int64(days ?? 60) * 86_400
      guard (earliest...EventTimeBounds.end / 1_000_000).contains(endTime) else {
        throw ValidationError(
          "--end-time takes seconds since 1970, not milliseconds or microseconds: after 1973-03-03 plus --days and before "
            + "2089")
      }
    }
  }

  func configuration(seed: UInt64) -> SyntheticConfiguration {
    SyntheticConfiguration(
      seed: seed, customers: customers ?? 1000, days: days ?? 60,
      endTime: endTime.map { $0 * 1_000_000 } ?? SyntheticConfiguration.defaultEndTime,
      eventsPerCustomerDay: eventsPerDay ?? 20)
  }
}

extension Generate {
  /// The events and the labels.
  func makeHistory() throws {
    let configuration = history.configuration(seed: seed)
    if let futures = history.ceiling { return showCeiling(SyntheticCeiling(configuration, futures: futures)) }
    if let labels = history.labels { try writeLabels(configuration, to: labels) }
    let encoder = SyntheticEncoder(
      format: history.format ?? .json, badShare: badShare, tooLargeBytes: 300_000, seed: seed)
    if let output { try writeFile(configuration, encoder, to: output) }
    if let topic { try produce(configuration, encoder, to: topic) }
  }

  private var limit: Int { history.limit ?? 0 }

  private func showCeiling(_ ceiling: SyntheticCeiling) {
    func text(_ value: Double) -> String { String(format: "%.3f", value) }
    say("\(ceiling.moments) labels; who knew all that is hidden, but not what comes, would reach at best:")
    say("  engagement_next_day  R² \(text(ceiling.engagementRSquared))")
    say("  churn_30_day         AUC \(text(ceiling.churnAUC)); \(text(ceiling.churnShare)) of them churn")
    say("  lifetime_value_usd   R² \(text(ceiling.lifetimeValueRSquared))")
    say(
      "  next_action          accuracy \(text(ceiling.nextActionAccuracy)); always the commonest: "
        + text(ceiling.nextActionCommonest))
    say("  content_interest     accuracy \(text(ceiling.contentInterestAccuracy)) by the posts before")
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

  private func produce(
    _ configuration: SyntheticConfiguration, _ start: SyntheticEncoder, to topic: String
  ) throws {
    var encoder = start
    var progress = Progress(what: "generate", total: limit > 0 ? Int64(limit) : nil)
    try sending(to: topic) { sender, stopped in
      var pace = Pace(eventsPerSecond: rate)
      func send(_ event: SyntheticEvent) throws {
        try encoder.encode(event) { record in
          try sender.send(record)
          progress.advance()
        }
      }
      let log = SyntheticLog(configuration)
      if history.live {
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
    }
    progress.finish("records in topic \(topic)")
  }
}

extension SyntheticFormat: ExpressibleByArgument {}
