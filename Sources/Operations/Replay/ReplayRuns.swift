package import Configuration
import Dataflow
import Events
import Features
import FeatureStore
import Foundation
import Pipeline
package import Tables

/// One replay run as it lies in the table's database and in Redis.
package struct ReplayListing {
  /// nil: it has states and no tables here, so that only its generation is known.
  package var run: ReplayRun?
  package var generation: UInt64
  /// Where its rows are, for readers.
  package var place: String
  package var rows = RunRows()
  /// States in Redis.
  package var states = 0
  /// Whether it has a checkpoint file, in place of states.
  package var hasCheckpoint = false

  package var title: String { run?.name ?? "generation \(generation)" }
}

/// The replay runs of a pipeline: their tables beside the live ones, and their states.
package struct ReplayRuns {
  /// The live pipeline's.
  package let access: any PipelineAccess

  package init(access: any PipelineAccess) {
    self.access = access
  }

  private var live: Settings { access.settings }
  private var pipeline: LoadedPipeline { access.pipeline }

  /// Times that an erasure tries to get in between a run's own writes.
  private static let triesMax = 50

  /// Runs that have tables, or a checkpoint, by name.
  package func named() throws -> [ReplayRun] {
    let tables = try ofTables()
    guard !pipeline.program.keepsState else { return tables }
    let files = (try? FileManager.default.contentsOfDirectory(atPath: live.checkpoints)) ?? []
    let known = Set(tables.map(\.name))
    return tables
      + files.sorted().compactMap { ReplayRun(checkpoint: $0) }.filter { run in
        run.settings(from: live).checkpoint.map(FileManager.default.fileExists) ?? false
          && !known.contains(run.name)
      }
  }

  private func ofTables() throws -> [ReplayRun] {
    switch live.table {
    case .none: return []
    case .postgres(let connection):
      var plain = live
      plain.postgresSchema = nil
      return try PostgresSchema.names(plain.postgres(connection), prefix: ReplayRun.schemaPrefix).compactMap {
        try? ReplayRun(name: String($0.dropFirst(ReplayRun.schemaPrefix.count)))
      }
    case .sqlite(let path):
      let folder = (path as NSString).deletingLastPathComponent
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder)) ?? []
      let all = Set(files)
      let isPart = { (file: String) in
        ["-wal", "-shm"].contains { file.hasSuffix($0) && all.contains(String(file.dropLast($0.count))) }
      }
      return files.filter { !isPart($0) }.sorted().compactMap { ReplayRun(file: $0, beside: path) }
    }
  }

  /// All runs with what they hold, by name; those without tables last. `store` nil: without a look into Redis.
  package func all(_ store: (any StateSurvey)?) throws -> [ReplayListing] {
    var generations = try store?.generations().filter { ReplayRun.isGeneration($0.key) } ?? [:]
    var found: [ReplayListing] = []
    for run in try named() {
      let own = run.settings(from: live)
      let states = generations.removeValue(forKey: run.generation)?.states ?? 0
      do {
        found.append(
          ReplayListing(
            run: run, generation: run.generation, place: ReplayRun.place(of: own),
            rows: try own.runTables(pipeline)?.rows() ?? RunRows(), states: states,
            hasCheckpoint: own.checkpoint.map(FileManager.default.fileExists) ?? false))
      } catch { access.report.warn("run \(run.name) cannot be looked at: \(error)") }
    }
    // Another pipeline's, or somebody's schema that only begins so.
    found.removeAll { $0.rows.isEmpty && $0.states == 0 && !$0.hasCheckpoint }
    for (generation, counts) in generations.sorted(by: { $0.key < $1.key }) {
      found.append(
        ReplayListing(generation: generation, place: "no table here", states: counts.states))
    }
    return found
  }

  /// What an erasure took from the runs.
  package struct Erased {
    package var rows = 0
    package var states = 0
    package var runs: [String] = []
    /// Runs of which rows or states could not be removed, and why.
    package var problems: [String] = []

    package mutating func add(_ run: String, _ remove: () throws -> (rows: Int, states: Int)) {
      do {
        let removed = try remove()
        if removed.rows + removed.states > 0 { runs.append(run) }
        rows += removed.rows
        states += removed.states
      } catch { problems.append("\(run): \(error)") }
    }
  }

  /// Removes an entity's rows and states from all runs, one that is under way too: its workers drop what they have cached. What it reads
  /// later of the entity's events before the erasure makes new ones, unless its log reaches up to the erasure.
  package func erase(_ key: [UInt8], partitions: Int32, _ store: any StateSurvey) throws -> Erased {
    var erased = Erased()
    var generations = try store.generations().keys.filter(ReplayRun.isGeneration)
    for run in try named() {
      generations.removeAll { $0 == run.generation }
      erased.add(run.name) {
        (try removeRows(of: key, run), try removeStates(of: key, run.generation, partitions))
      }
    }
    for generation in generations.sorted() {
      erased.add("generation \(generation)") { (0, try removeStates(of: key, generation, partitions)) }
    }
    return erased
  }

  private func removeRows(of key: [UInt8], _ run: ReplayRun) throws -> Int {
    let own = run.settings(from: live)
    let rows = try own.runTables(pipeline)?.erase(key) ?? 0
    guard rows > 0, case .sqlite(let path) = own.table else { return rows }
    let traces = try SQLiteTraces(path: path)
    // What a page split has left, and readers, are the business of a run that is kept: tally runs clear.
    _ = try traces.emptyLog()
    return rows
  }

  private func removeStates(of key: [UInt8], _ generation: UInt64, _ partitions: Int32) throws -> Int {
    var own = live
    own.generation = generation
    let store = try access.with(own).openStates(partitionCount: partitions)
    defer { store.close() }
    return try (0..<partitions).filter { try removeState(of: key, $0, store) }.count
  }

  private func removeState(of key: [UInt8], _ partition: Int32, _ store: any StateSurvey) throws -> Bool {
    let entity = EntityLookup(key, partition: partition)
    for _ in 0..<Self.triesMax {
      guard try entity.state(in: store) != nil, let bytes = try store.records([partition])[0] else {
        return false
      }
      var next = try PartitionRecord.read(bytes, partition: partition)
      // Tells workers to drop what they have cached.
      next.repairs += 1
      let write = entity.write([], over: bytes, record: next.encoded)
      if try store.write(write) != .conflict { return true }
    }
    throw Failure(
      "a replay run writes too often to get in between; try again when it has ended", reason: .busy)
  }
}

extension Settings {
  /// The tables that these settings of a run name; nil: none, or no such file.
  package func runTables(_ pipeline: LoadedPipeline) throws -> RunTables? {
    switch table {
    case .none: return nil
    case .postgres(let connection):
      return try RunTables(postgres: postgres(connection), pipeline: pipeline.declaration.name)
    case .sqlite(let path):
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      return try RunTables(sqlite: path, pipeline: pipeline.declaration.name)
    }
  }
}
