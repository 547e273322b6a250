import Configuration
package import Dataflow
import Events
import FeatureStore
import Ingest
import Pipeline
package import Registry

/// Who is alive of a pipeline, and what they say of a proposed set of models.
package protocol ModelVotes: AnyObject {
  /// Proposes a set, in place of what was proposed.
  func propose(_ token: String, number: UInt64, set: String) throws
  /// Takes the proposal back.
  func withdraw() throws
  /// Ids of the processes that are alive.
  func live() throws -> [String]
  /// What processes have answered; empty: the process can score with the set, else why not.
  func answers(to token: String) throws -> [String: String]
}

/// Puts a set of models in force on a running stream: asks all live processes, appends the promotion to every partition, and notes in the
/// registry where it lies. An interrupted one is completed by another with the same set.
package struct SetPromotion {
  /// What is to be put in force.
  package struct Order {
    /// Versions by model.
    package var versions: [String: ModelVersion]
    /// Hash of the set, 32 hex digits.
    package var set: String
    package var action: PromotionNote.Action
    /// The model whose version is another one than before.
    package var model: String
    package var reason: ChangeReason

    package init(
      versions: [String: ModelVersion], set: String, action: PromotionNote.Action, model: String,
      reason: ChangeReason
    ) {
      self.versions = versions
      self.set = set
      self.action = action
      self.model = model
      self.reason = reason
    }
  }

  package let access: any PipelineAccess
  package let log: PromotionLog
  /// nil: nobody can be asked.
  package let votes: (any ModelVotes)?
  package let clock: any Clock
  /// Longest wait for the processes' answers, milliseconds.
  package let waitMs: Int

  package init(
    access: any PipelineAccess, log: PromotionLog, votes: (any ModelVotes)?, clock: any Clock, waitMs: Int
  ) {
    self.access = access
    self.log = log
    self.votes = votes
    self.clock = clock
    self.waitMs = waitMs
  }

  private static let askEveryMs = 100

  /// Promotes. Returns the note of it, with the event's offsets; nil: the set is in force already. Throws `Failure`, naming who refuses, or
  /// does not answer: then nothing is appended.
  package func run(_ order: Order) throws -> PromotionNote? {
    try log.whileLocked { try promote(order) }
  }

  private func promote(_ order: Order) throws -> PromotionNote? {
    let notes = try log.notes()
    let begun = try log.unfinished()
    if let begun, begun.set != order.set {
      throw Failure(
        "promotion \(begun.number) to the set \(begun.set) was interrupted, and may lie on some partitions: complete it first, with tally "
          + "models promote \(begun.model ?? "MODEL") \(begun.version ?? "VERSION")", reason: .busy)
    }
    guard begun != nil || notes.last(where: { $0.offsets != nil || $0.number == 0 })?.set != order.set else {
      return nil
    }
    let partitions = try access.partitionCount()
    let number = try begun?.number ?? nextNumber(notes, partitions)
    try log.keep(order.versions, as: order.set)
    try ask(number, order)
    let note: PromotionNote
    if let begun {
      note = begun
    } else {
      note = PromotionNote(
        number: number, set: order.set, action: order.action, model: order.model,
        version: order.versions[order.model]?.hex, reason: order.reason, from: try ends(partitions))
      try log.append(note)
    }
    let done = note.appended(at: try append(note, partitions))
    try log.append(done)
    return done
  }

  /// Above every number that was ever used.
  private func nextNumber(_ notes: [PromotionNote], _ partitions: Int32) throws -> UInt64 {
    let store = try access.openStates(partitionCount: partitions)
    defer { store.close() }
    let positions = try PipelinePositions(access, store: store, partitions: partitions)
    let stored = positions.facts.compactMap { $0.record?.modelSetNumber }.max() ?? 0
    return max(stored, notes.last?.number ?? 0) + 1
  }

  // MARK: Asking

  /// Throws `Failure` unless all processes that are alive can score with the set.
  private func ask(_ number: UInt64, _ order: Order) throws {
    guard let votes else { return }
    let token = "\(number)-\(clock.wallMicros())"
    try votes.propose(token, number: number, set: order.set)
    defer { try? votes.withdraw() }
    let end = clock.monotonicNanos() &+ UInt64(waitMs) * 1_000_000
    var seen = Set<String>()
    while true {
      let answers = try votes.answers(to: token)
      let refusals = answers.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
      guard refusals.isEmpty else {
        let list = refusals.map { "\($0.key): \($0.value)" }.joined(separator: "; ")
        throw Failure("refused, and nothing was appended: \(list)", reason: .refused)
      }
      let live = Set(try votes.live())
      if live.subtracting(answers.keys).isEmpty {
        let count = answers.count
        access.report.say(
          count == 0
            ? "no process of the pipeline is alive: those that start will score with the set from the promotion on"
            : "\(count) process\(count == 1 ? "" : "es") can score with the set")
        return
      }
      seen.formUnion(live)
      guard clock.monotonicNanos() < end else {
        let list = live.subtracting(answers.keys).sorted().joined(separator: ", ")
        throw Failure(
          "no answer within \(waitMs / 1000) s, and nothing was appended, from: \(list); what to do: look at these processes, and try "
            + "again", reason: .unavailable)
      }
      clock.sleep(milliseconds: Self.askEveryMs)
    }
  }

  // MARK: Appending

  private func ends(_ partitions: Int32) throws -> [Int64] {
    try access.logPositions((0..<partitions).map { $0 }).bounds.map(\.high)
  }

  /// Appends the promotion where it does not lie yet. Returns its offset on every partition.
  private func append(_ note: PromotionNote, _ partitions: Int32) throws -> [Int64] {
    let name = access.pipeline.declaration.name
    guard let set = Array(note.set.utf8).withUnsafeBytes({ Hash128(digits: $0) }),
      let rule = try access.settings.controlRule(access.pipeline)
    else { throw Failure("the set \(note.set) cannot be promoted", reason: .internalFault) }
    var found = try find(note, partitions)
    let missing = (0..<partitions).filter { found[$0] == nil }
    if !missing.isEmpty {
      let appender = try access.makeAppender()
      defer { appender.close() }
      let now = clock.wallMicros()
      for partition in missing {
        try appender.append(
          .promotion(Promotion(number: note.number, set: set), pipeline: name),
          id: "promotion-\(note.number)", entityID: Array(Promotion.entityID.utf8), time: now, signedBy: rule,
          nowMicros: now, partition: partition)
      }
      try appender.flush()
      found = try find(note, partitions)
    }
    return try (0..<partitions).map { partition in
      guard let offset = found[partition] else {
        throw Failure(
          "partition \(partition): the promotion was appended and cannot be read yet: a transaction of a producer is open before it, or "
            + "a clock is wrong; try again", reason: .busy)
      }
      return offset
    }
  }

  /// Where the promotion lies, by partition: its first event that a worker takes.
  private func find(_ note: PromotionNote, _ partitions: Int32) throws -> [Int32: Int64] {
    let from = note.from ?? []
    var part = LogPart()
    let bounds = try access.logPositions((0..<partitions).map { $0 }).bounds
    var wanted = Set<Int32>()
    for (partition, bounds) in bounds.enumerated() {
      let first = max(bounds.low, partition < from.count ? from[partition] : bounds.low)
      guard bounds.high > first else { continue }
      wanted.insert(Int32(partition))
      part.from[Int32(partition)] = first
    }
    guard !wanted.isEmpty else { return [:] }
    part.partitions = wanted
    let source = try access.openLog(part, reader: "tally-models")
    defer { source.close() }
    // Promotions have no home, so that nobody need look where the log's keys lie.
    let pass = EventPass(
      program: access.pipeline.program, decoder: try access.makeDecoder(access.homes(partitions)))
    var found: [Int32: Int64] = [:]
    try LogReading(source, from: part.from).forEachBatch { batch in
      for record in batch.records where found[record.partition] == nil {
        guard record.key.elementsEqual(Promotion.entityID.utf8) else { continue }
        pass.removeAll()
        guard case .promotion(let promotion) = pass.decode(record), promotion.number == note.number else {
          continue
        }
        found[record.partition] = record.offset
      }
      return true
    }
    return found
  }
}
