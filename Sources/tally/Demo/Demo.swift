import ArgumentParser
import Configuration
import Dataflow
import Features
import Foundation
import Ingest
import Kafka
import Metrics
import Monitor
import Pipeline
import Synthetic
import Training

/// `tally demo`: everything at work on embedded defaults.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows everything at work on embedded defaults; ends by itself with a summary.",
    discussion: """
      Starts a broker (the embedded one), a redis-server on a free port and SQLite, all in one folder; makes a synthetic
      history, trains the pipeline's models on it, catches up on the history, then scores live events. The pipeline age
      keeps no state: it needs no redis-server.

      Examples:
        tally demo
        tally demo --pipeline age              # profiles of people, and how old they are
        tally demo --keep                      # stays until Ctrl-C, to look around
        tally demo --customers 2000 --live-seconds 120 --rate 2000
      """)

  @Option(help: "Number of people, of the pipeline engagement.") var customers = 500
  @Option(help: "Length of the history, days, of the pipeline engagement.") var days = 60
  @Option(help: "Number of profiles in the history, of the pipeline age.") var profiles = 30_000
  @Option(help: "Live events a second.") var rate = 500.0
  @Option(help: "How long live events are streamed.") var liveSeconds = 30
  @Option(help: "Share of live records that cannot be scored.") var badShare = 0.002
  @Option(help: "Seed.") var seed: UInt64 = 1
  @Option(help: "Folder for everything (default: a new one in the temporary folder).", completion: .directory)
  var folder: String?
  @Option(
    help: "The pipeline: engagement, age, or a file like theirs.",
    completion: .file(extensions: ["yaml", "yml"]))
  var pipeline = "engagement"
  @Flag(help: "Go on until Ctrl-C.") var keep = false

  func validate() throws {
    guard (10...1_000_000).contains(customers) else {
      throw ValidationError("--customers takes 10 to 1000000")
    }
    guard (100...10_000_000).contains(profiles) else {
      throw ValidationError("--profiles takes 100 to 10000000")
    }
    guard (14...3650).contains(days) else { throw ValidationError("--days takes 14 to 3650") }
    guard rate > 0, rate <= 1e6 else { throw ValidationError("--rate takes more than 0") }
    guard (0...0.9).contains(badShare) else { throw ValidationError("--bad-share takes 0 to 0.9") }
  }

  func run() throws {
    try reporting {
      let isName = ["engagement", "age"].contains(pipeline)
      let stage = try DemoStage(
        folder: folder, pipelineFile: isName ? "pipelines/\(pipeline).yaml" : pipeline, data)
      defer { stage.close() }
      let stopped = StopFlag()
      let interrupts = Interrupts { stopped.set() }
      defer { withExtendedLifetime(interrupts) {} }
      let history = try stage.makeHistory()
      guard !stopped.isSet else { return }
      try stage.train()
      guard !stopped.isSet else { return }
      say(
        "\n3. Catching up on \(history) records of history, then live ones"
          + (keep ? " until Ctrl-C" : " for \(liveSeconds) s"))
      if keep { stage.printAddresses() }
      let limit = keep ? nil : Int(rate * Double(max(1, liveSeconds)))
      let live = LiveSettings(rate: rate, limit: limit, badShare: badShare)
      try stage.score(live: live, stopped: stopped)
      stage.printEnd()
    }
  }

  /// What the pipeline takes: profiles where records have a shape of their own and no state is kept, else what customers do.
  private func data(_ pipeline: LoadedPipeline) -> any DemoData {
    let now = Int64(Date().timeIntervalSince1970)
    guard pipeline.program.keepsState || pipeline.declaration.input == nil else {
      let year = Calendar(identifier: .gregorian).component(.year, from: Date())
      return DemoProfiles(
        population: ProfilePopulation(ProfileConfiguration(seed: seed, asOfYear: year)), count: profiles)
    }
    return DemoCustomers(
      people: SyntheticConfiguration(
        seed: seed, customers: customers, days: days, endTime: now / 3600 * 3600 * 1_000_000))
  }
}
