import ArgumentParser
import Configuration
import Dataflow
import Kafka
import Synthetic

/// `tally generate`: a synthetic event log, or a population of profiles, by seed.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a synthetic event log and its labels, or a population of profiles, by seed.",
    discussion: """
      The people, their habits and what becomes of them follow from --seed; the same seed gives the same bytes. Names and
      e-mail addresses are fake. For the pipeline engagement, lines are KEY, tab, JSON. For the pipeline age, they are the
      JSON of a profile, with gaps and mistakes as in life; profile number i of a seed is the same in every range.

      Examples:
        tally generate --customers 1000 --days 60 --output events.jsonl --labels labels.csv
        tally generate --customers 500 --days 60 --ceiling 16         # how well its labels can be foretold at best
        tally generate --customers 1000 --days 60 --topic events --brokers localhost:9092
        tally generate --live --rate 500 --topic events        # as people would send now, until Ctrl-C
        tally generate --pipeline age --profiles 100000 --output profiles.jsonl --truth ages.csv
        tally generate --pipeline age --first 100000 --profiles 50000 --profile-as text --topic profiles
      """)

  /// What to make records for.
  enum Pipeline: String, CaseIterable, ExpressibleByArgument {
    case engagement, age
  }

  @Option(help: "What to make: the events of engagement, or the profiles of age.")
  var pipeline = Pipeline.engagement
  @Option(help: "Seed.") var seed: UInt64 = 1
  @Option(help: "File for the records; - is standard output.", completion: .file()) var output: String?
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
  @Option(help: "Records a second; 0: as fast as possible.") var rate = 0.0
  @Option(help: "Share of extra records that cannot be scored, 0 to 0.9: of each kind some.")
  var badShare = 0.0
  @OptionGroup(title: "Options of engagement") var history: HistoryOptions
  @OptionGroup(title: "Options of age") var population: PopulationOptions

  func validate() throws {
    guard (0...0.9).contains(badShare) else { throw ValidationError("--bad-share takes 0 to 0.9") }
    guard rate >= 0, rate.isFinite else { throw ValidationError("--rate takes 0 or more") }
    guard topic == nil || output == nil else { throw ValidationError("give --topic or --output, not both") }
    let foreign = pipeline == .age ? history.given : population.given
    if let (option, instead) = foreign.first {
      throw ValidationError("\(option) does not go with the pipeline \(pipeline.rawValue): \(instead)")
    }
    switch pipeline {
    case .engagement: try history.validate(output: output, topic: topic)
    case .age: try population.validate(output: output, topic: topic)
    }
  }

  func run() throws {
    try reporting {
      switch pipeline {
      case .engagement: try makeHistory()
      case .age: try makePopulation()
      }
    }
  }

  /// Calls `body` with what sends to the topic and a flag that an interrupt sets, then waits until all is acknowledged.
  func sending(to topic: String, _ body: (SyntheticSender, StopFlag) throws -> Void) throws {
    let flags = try SettingsOverrides.flags([("--brokers", brokers)])
    let settings = try Settings.load(
      config: config, set: [], flags: flags + SettingsOverrides.flags(properties: property),
      warn: warn)
    let sender = try open(settings, topic: topic)
    defer { sender.close() }
    let stopped = StopFlag()
    let interrupts = Interrupts { stopped.set() }
    defer { withExtendedLifetime(interrupts) {} }
    try body(sender, stopped)
    try sender.flush()
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
}
