import Operations
import ArgumentParser
import Configuration
import Dataflow
import Events
import FeatureStore
import Features
import Foundation
import Ingest
import Metrics
import Pipeline
import Registry
import Scorer

/// `tally rebuild`: states rebuilt from the log.
struct Rebuild: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rebuilds the store's states from the log: all of them, or one entity's.",
    discussion: """
      For states that are damaged, or of another definition: a new feature. Reads the log from where the states began up to
      the events that were scored, and applies them without scoring anything. The states are made in a generation beside the
      live one, so that tally run goes on scoring meanwhile; when they are close behind it, each partition is switched over
      by compare-and-set, and tally run follows. None is left out, none
      comes twice into the table; effectively once, the topic may repeat the batch that was under way at the switch. A tally run of another
      definition ends at the switch, saying so; start it with the new pipeline file. Interrupted, the command goes on where it
      stood when it is started again. (States that are lost altogether are made in their old place; tally run does that
      by itself.)

      --entity rebuilds one entity's state, also while tally run works: for a state that cannot be read (dead letters
      with the reason corrupt-state name its key).

      --strays is for states of an earlier version, which left an entity where its first event was seen. It makes the states of those
      that belong on another partition there, and removes their states and rows elsewhere. Stop all tally runs of the
      pipeline first. What their events on other partitions say is not in the states; tally copy brings such events home.

      Examples:
        tally rebuild --config tally.yaml
        tally rebuild --workers 2
        tally rebuild --entity alice
        tally rebuild --strays
      """)

  @OptionGroup var connection: ConnectionOptions
  @Option(help: "Only this entity's state.") var entity: String?
  @Flag(help: "Only the states of entities that an earlier version left on another partition.") var strays =
    false
  @OptionGroup var threads: WorkersOption
  @Flag(help: "Accept states that know only what the log still has, when it no longer reaches back.")
  var acceptShorterLog = false
  @OptionGroup var compacted: CompactedOption
  @Flag(help: "Begin again instead of going on with an interrupted rebuild.") var restart = false

  func validate() throws {
    let workers = threads.workers
    if strays && (entity != nil || restart || workers != nil) {
      throw ValidationError("--strays goes with none of --entity, --workers and --restart")
    }
    if entity != nil && (restart || workers != nil) {
      throw ValidationError("--entity goes with neither --workers nor --restart")
    }
  }

  func run() throws {
    try reporting {
      var settings = try connection.settings(threads.given)
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      let access = Deployment(settings, pipeline)
      try access.requireState(
        for: "rebuild",
        instead: "nothing can be lost or damaged: to score history once more, use tally replay")
      let isCompacted = try TopicCheck(settings, pipeline, compacted).enforce().isCompacted
      let partitions = try access.partitionCount()
      let store = try access.openStates(partitionCount: partitions)
      defer { store.close() }
      let positions = try PipelinePositions(access, store: store, partitions: partitions)
      if let entity {
        try EntityRebuild(
          id: entity, acceptShorterLog: acceptShorterLog, access: access, store: store
        ).run(positions)
        return
      }
      if strays {
        return try StrayRebuild(access: access, store: store).run(positions)
      }
      settings.workers = min(settings.workers, Int(partitions))
      try rebuild(access.with(settings), store, positions, isCompacted: isCompacted)
    }
  }

  /// Where entities live: as the records in force say, or by the log's keys. Throws when rows of an earlier version's strays would be
  /// left in the tables.
  private func homes(
    _ access: Deployment, _ store: any StateStore, _ positions: PipelinePositions
  ) throws -> KeyHomes {
    let homes = try access.homes(Int32(positions.facts.count), records: positions.facts.map(\.record))
    for facts in positions.facts { try TakeoverRules.checkHomes(facts, partitioner: homes.partitioner) }
    try HomeSurvey(of: positions.facts, in: store, homes).check()
    return homes
  }

  private func rebuild(
    _ access: Deployment, _ store: any StateStore, _ positions: PipelinePositions, isCompacted: Bool
  ) throws {
    let (settings, pipeline) = (access.settings, access.pipeline)
    let models = try? pipeline.loadModels(settings)
    let modelSet = models?.modelSet.hashHex ?? positions.facts.compactMap(\.record).first?.modelSet ?? ""
    // Nothing is there that could go on: the states are made where they were.
    let isInPlace = positions.facts.allSatisfy { $0.record == nil }
    let target =
      isInPlace
      ? settings.generation
      : Generations.target(
        of: positions.standings, definition: pipeline.program.stateHash.hex)
    let homes = try self.homes(access, store, positions)
    let rebuild = GenerationRebuild(
      access: access, store: store, target: target, modelSet: modelSet, homes: homes,
      acceptShorterLog: acceptShorterLog, goesOn: !restart, isCompacted: isCompacted,
      work: { try RebuildWork(settings, pipeline, $0).run() })
    // Of earlier moves that were interrupted behind the switch.
    for (partition, standing) in positions.standings.enumerated() {
      try Generations.removeLeftovers(store, standing, partition: Int32(partition))
    }
    guard try rebuild.run(positions) else {
      note(
        "stopped; tally rebuild goes on from here" + (isInPlace ? ", and so does tally run" : ""))
      throw ExitCode(130)
    }
  }
}
