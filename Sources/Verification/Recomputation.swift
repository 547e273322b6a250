public import Dataflow
import Events
public import Features
import Tables

/// Does over again what the pipeline did with the events of sampled entities: the same decoding, states, rows, models and
/// decisions, in memory. One thread.
///
/// Records come in the order of each partition's log, from where the states began. What is kept grows with the sample, not
/// with the log.
public final class Recomputation {
  private struct Pending {
    var entity: SampledEntity
    var score: ExpectedScore
  }

  private static let rowsMax = 256

  let program: FeatureProgram
  let cells: ScoreCells
  /// Records of the log that were read.
  public private(set) var recordsRead: Int64 = 0
  /// Events of the sample that were scored.
  public private(set) var eventsScored: Int64 = 0
  /// What became of the states.
  public internal(set) var states = Comparison("states")

  private var context: ScoreContext
  /// `model_versions` of rows of every set that has scored.
  private var versions: [String]
  private let firstScorer: any RowScorer
  private let models: any ModelSets
  /// What is known of sets in force beside the log, by partition: from which offset on, ascending.
  private var noted: [Int32: [NotedModels]]
  private var inForce: [Int32: ModelSetInForce] = [:]
  /// Hash of the set that scores now.
  private var scoring = ""
  private let sample: EntitySample
  let pass: EventPass
  private let judgement: Judgement
  private let scoresFrom: [Int32: Int64]
  private let features: FloatMatrix
  private let carried: RowMatrix<Double>
  private let outputs: FloatMatrix
  private var decisions: [Int32] = []
  private var pending: [Pending] = []
  private var bits: [UInt32] = []
  private(set) var entities: [[UInt8]: SampledEntity] = [:]
  let rules: StateRules

  /// `scoresFrom`: first offset of a partition from which on scores are kept for the table `scores`. `scorer`: of the models that hold until
  /// something else is known; `models`: where the sets of promotions are found, nil: the scorer stands for all; `noted`: what is known of
  /// them beside the log, by partition.
  public init(
    program: FeatureProgram, context: ScoreContext, sample: EntitySample, decoder: any RecordDecoder,
    scorer: any RowScorer, decider: any Decider, scoresFrom: [Int32: Int64], rules: StateRules = StateRules(),
    models: (any ModelSets)? = nil, noted: [Int32: [NotedModels]] = [:]
  ) {
    self.program = program
    self.context = context
    versions = [TablePlan.modelVersions(context)]
    firstScorer = scorer
    self.models = models ?? OneModelSet(scorer)
    self.noted = noted
    self.sample = sample
    pass = EventPass(program: program, decoder: decoder)
    judgement = Judgement(
      columns: context.featureNames.count, results: program.results, scorer: scorer, decider: decider)
    self.scoresFrom = scoresFrom
    self.rules = rules
    cells = ScoreCells(context)
    features = FloatMatrix(columns: context.featureNames.count, capacityRows: Self.rowsMax)
    carried = RowMatrix(columns: context.carriedCount, capacityRows: Self.rowsMax)
    outputs = FloatMatrix(columns: context.outputNames.count, capacityRows: Self.rowsMax)
  }

  /// Ids of all entities of the sample that were met, with the partition that they belong to; in no order.
  public var ids: [(id: [UInt8], partition: Int32)] { entities.values.map { ($0.id, $0.partition) } }

  /// Entities of the sample that were met.
  public var entityCount: Int { entities.count }

  /// Entities of the sample of whom the log has an event.
  public var entitiesWithEvents: Int { entities.values.count { $0.hasEvents } }

  /// Entities whose older events the log no longer has.
  public var entitiesOlderThanLog: Int {
    rules.logIsWhole ? 0 : entities.values.count { !isComparable($0) }
  }

  /// Takes the sample's share of some records. Throws what the scorer throws.
  public func add(_ records: RecordBatch) throws {
    recordsRead += Int64(records.records.count)
    // Where states are kept, a record's key is its entity's id; else it may be anything.
    for record in records.records {
      try follow(record)
      guard !program.keepsState || sample.contains(record.key) else { continue }
      pass.removeAll()
      guard case .event(let event) = pass.decode(record) else { continue }
      let id = pass.events.withBytes(of: pass.events.events[Int(event)].entityID) {
        sample.contains($0) ? Array($0) : nil
      }
      if let id { try add(event, of: id, record) }
    }
    try score()
  }

  /// Notes what a record says of models.
  private func follow(_ record: RawRecord) throws {
    while let next = noted[record.partition]?.first, next.from <= record.offset {
      noted[record.partition]?.removeFirst()
      put(next.models, in: record.partition)
    }
    guard record.key.elementsEqual(Promotion.entityID.utf8) else { return }
    pass.removeAll()
    guard case .promotion(let promotion) = pass.decode(record), promotion.number > 0 else { return }
    put(ModelSetInForce(number: promotion.number, hash: promotion.set.hex), in: record.partition)
  }

  private func put(_ next: ModelSetInForce, in partition: Int32) {
    // A repeated number changes nothing.
    if let known = inForce[partition], known.number >= next.number { return }
    inForce[partition] = next
  }

  /// Lets the models score that are in force on a partition; what waits is scored by those before. Returns the number of their versions.
  private func useModels(of partition: Int32) throws -> Int {
    let hash = inForce[partition]?.hash ?? ""
    if hash != scoring {
      try score()
      let scorer = hash.isEmpty ? firstScorer : try models.scorer(of: hash)
      judgement.scorer = scorer
      let numbers = context.outputNames.count - scorer.modelVersions.count
      context.modelVersions = scorer.modelVersions + repeatElement("", count: max(0, numbers))
      scoring = hash
    }
    let text = TablePlan.modelVersions(context)
    if let place = versions.firstIndex(of: text) { return place }
    versions.append(text)
    return versions.count - 1
  }

  /// `model_versions` that a row must have.
  func modelVersions(of score: ExpectedScore) -> String { versions[score.models] }

  /// Whether some set of the log has these versions.
  func isOfLog(_ modelVersions: String) -> Bool { versions.contains(modelVersions) }

  private func add(_ number: Int32, of id: [UInt8], _ record: RawRecord) throws {
    let event = pass.events.events[Int(number)]
    let entity = entity(id, record)
    entity.hasEvents = true
    if let check = entity.check, record.offset >= check.next { compare(entity, check) }
    let before = entity.state.events
    switch program.keepsState ? pass.apply(number, to: entity.state) : pass.apply(number) {
    case .duplicate, .refused: return
    case .erased:
      try score()
      entity.erase()
      entity.hasBegunAnew = false
    case .applied:
      let models = try useModels(of: record.partition)
      if before > 0 && entity.state.events <= before && event.kind != .tick { entity.hasBegunAnew = true }
      if program.keepsState {
        pass.read(entity.state, into: features.appendRow(), carried: carried.appendRow())
      } else {
        pass.read(number, into: features.appendRow(), carried: carried.appendRow())
      }
      pending.append(
        Pending(
          entity: entity,
          score: ExpectedScore(
            partition: record.partition, offset: record.offset, eventTime: event.time,
            asOf: program.keepsState ? entity.state.watermark : event.time, eventID: event.idHash,
            models: models)))
      eventsScored += 1
    }
    entity.lastOffset = record.offset
    entity.lastIngestMs = record.ingestTimeMs
    if pending.count == Self.rowsMax { try score() }
  }

  private func entity(_ id: [UInt8], _ record: RawRecord) -> SampledEntity {
    if let known = entities[id] { return known }
    let new = SampledEntity(id, partition: record.partition, program: program)
    entities[id] = new
    return new
  }

  /// Scores what is waiting.
  private func score() throws {
    guard !pending.isEmpty else { return }
    decisions.removeAll(keepingCapacity: true)
    _ = try judgement.judge(features, carried: carried, into: outputs, &decisions)
    let codes = context.decisionNames.count
    for (row, one) in pending.enumerated() {
      bits.removeAll(keepingCapacity: true)
      cells.bits(
        outputs: outputs.row(row), decisions: decisions[(row * codes)..<((row + 1) * codes)],
        features: features.row(row), into: &bits)
      one.entity.add(
        one.score, bits, keeps: one.score.offset >= scoresFrom[one.score.partition] ?? 0,
        width: cells.scoresCount)
    }
    pending.removeAll(keepingCapacity: true)
    features.removeAll()
    carried.removeAll()
  }

  // MARK: States

  /// Says what the store has of an entity at W = `next`, to be compared when the log was read so far. The entity need not
  /// be known.
  public func expectState(
    of id: [UInt8], partition: Int32, next: Int64, stored: [UInt8]?
  ) {
    let entity = entities[id] ?? SampledEntity(id, partition: partition, program: program)
    entities[id] = entity
    entity.check = StateCheck(next: next, stored: stored)
  }

  /// Compares what is left to compare: the log was read up to every W.
  public func finishStates() {
    for entity in entities.values {
      if let check = entity.check { compare(entity, check) }
    }
  }

  /// Whether anything of an entity is to be compared with the tables.
  func isComparable(_ entity: SampledEntity) -> Bool {
    // Where no state is kept, the log need not reach back to the entity's first event.
    rules.logIsWhole || entity.isWhole == true || !program.keepsState && entity.hasEvents
  }
}

/// What is known of models beside the log: which set is in force from an offset on.
public struct NotedModels: Sendable {
  let from: Int64
  let models: ModelSetInForce

  /// A set that is in force at offset `from`, by promotions below it.
  public init(from: Int64, models: ModelSetInForce) {
    self.from = from
    self.models = models
  }
}

/// What else bears on states.
public struct StateRules: Sendable {
  /// Whether the log reaches back to where the states began. If not, only entities are compared whose stored state counts as
  /// many events as the log has of it: it began within the log.
  public var logIsWhole = true
  /// Whether the log lacks records in its middle: states that were made from it may lack the same.
  public var logIsCompacted = false
  /// States of entities whose last event came before may have expired, milliseconds UTC; nil: none expire.
  public var expiresBeforeMs: Int64?

  /// A whole log, and nothing expires.
  public init() {}
}
