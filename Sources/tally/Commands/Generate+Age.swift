public import ArgumentParser
import Configuration
import Foundation
import Synthetic

/// What `tally generate` is told for the pipeline age.
struct PopulationOptions: ParsableArguments {
  @Option(help: "Number of profiles. (default: 10000)") var profiles: Int?
  @Option(help: "Number of the first profile, to go on where another run ended. (default: 0)") var first: Int?
  @Option(
    help: "How profile_json stands in a record: as an object, or as a text that holds one. (default: object)")
  var profileAs: ProfileForm?
  @Option(help: "The year that is the present of the profiles. (default: 2026)") var asOfYear: Int?
  @Option(help: "File for the hidden ages (CSV: pid, age), to measure a model by.", completion: .file())
  var truth: String?

  /// What was given, and what to do instead where the pipeline is another.
  var given: [(option: String, instead: String)] {
    let all: [(Bool, String, String)] = [
      (profiles != nil, "--profiles", "say how many people there are with --customers"),
      (first != nil, "--first", "a history begins with its first event, leave it out"),
      (profileAs != nil, "--profile-as", "events have a form with --format"),
      (asOfYear != nil, "--as-of-year", "say when the history ends with --end-time"),
      (truth != nil, "--truth", "what becomes of the people goes into a file with --labels"),
    ]
    return all.filter(\.0).map { ($0.1, "\($0.2), or make profiles with --pipeline age") }
  }

  func validate(output: String?, topic: String?) throws {
    let most = ProfileConfiguration.countMax
    guard (1...most).contains(profiles ?? 10_000) else {
      throw ValidationError("--profiles takes 1 to \(most)")
    }
    guard (0..<most).contains(first ?? 0) else { throw ValidationError("--first takes 0 to \(most - 1)") }
    guard numbers.upperBound <= most else {
      throw ValidationError("--first and --profiles together go up to \(most)")
    }
    let years = ProfileConfiguration.asOfYears
    guard years.contains(asOfYear ?? years.lowerBound) else {
      throw ValidationError("--as-of-year takes \(years.lowerBound) to \(years.upperBound)")
    }
    guard topic != nil || output != nil || truth != nil else {
      throw ValidationError("say where to: --output FILE, --topic NAME or --truth FILE")
    }
  }

  /// The numbers of the profiles to make.
  var numbers: Range<Int> {
    let start = first ?? 0
    return start..<start + (profiles ?? 10_000)
  }

  func population(seed: UInt64) -> ProfilePopulation {
    ProfilePopulation(
      ProfileConfiguration(seed: seed, asOfYear: asOfYear ?? 2026, form: profileAs ?? .object))
  }
}

extension Generate {
  /// The profiles and their hidden ages.
  func makePopulation() throws {
    let profiles = population.population(seed: seed)
    if let truth = population.truth { try writeAges(profiles, to: truth) }
    if let output { try writeProfiles(profiles, to: output) }
    if let topic { try produceProfiles(profiles, to: topic) }
  }

  private func writeAges(_ profiles: ProfilePopulation, to path: String) throws {
    let writer = try LineWriter(path: path)
    try writer.write(Array("pid,age\n".utf8))
    var line: [UInt8] = []
    for number in population.numbers {
      line.removeAll(keepingCapacity: true)
      profiles.appendAge(of: number, to: &line)
      try writer.write(line)
    }
    try writer.close()
    complain("generate: \(population.numbers.count) ages in \(path)")
  }

  private func writeProfiles(_ profiles: ProfilePopulation, to path: String) throws {
    let writer = try LineWriter(path: path)
    var encoder = ProfileEncoder(profiles, badShare: badShare, hasKeys: false)
    var progress = Progress(what: "generate", total: Int64(population.numbers.count))
    for number in population.numbers {
      try encoder.encode(number) { record in
        try writer.write(record.value ?? [])
        try writer.write([UInt8(ascii: "\n")])
        progress.advance()
      }
    }
    try writer.close()
    progress.finish("records in \(path)")
  }

  private func produceProfiles(_ profiles: ProfilePopulation, to topic: String) throws {
    var encoder = ProfileEncoder(profiles, badShare: badShare)
    var progress = Progress(what: "generate", total: Int64(population.numbers.count))
    try sending(to: topic) { sender, stopped in
      var pace = Pace(eventsPerSecond: rate)
      for number in population.numbers {
        if stopped.isSet { break }
        pace.wait { sender.poll(milliseconds: $0) }
        try encoder.encode(number) { record in
          try sender.send(record)
          progress.advance()
        }
      }
    }
    progress.finish("records in topic \(topic)")
  }
}

extension ProfileForm: ExpressibleByArgument {}
