import Dataflow
import Events

/// Which set of models scores which record: promotions in the log say it, each from the record behind its own on.
///
/// A slice is scored by one set. Records of partitions with another set in force wait for the next slice, and so do those behind a
/// promotion in their partition.
extension BatchPass {
  /// The set in force for a record, if that is the slice's; the slice's first record decides which one it is. nil: the record waits for
  /// the next slice.
  ///
  /// Waits while the set cannot be loaded. Throws `Abandoned` when that is given up.
  func modelsOfSlice(for record: RawRecord, place: Int) throws -> ModelSetInForce? {
    let found = try inForce(for: record, place: place)
    if let modelSet {
      return found.hash == modelSet || context.configuration.has(.setOfBatch) ? found : nil
    }
    let models = context.ports.models
    guard let scorer = try context.waiting({ try models.scorer(of: found.hash) }) else { throw Abandoned() }
    judgement.scorer = scorer
    batch.use(modelVersions: scorer.modelVersions)
    modelSet = found.hash
    return found
  }

  /// Whether a promotion's set is there, so that it can be put in force. False: it waits for the next slice, since the slice has records
  /// that need not wait for that set.
  ///
  /// Throws `Abandoned` when waiting is given up.
  func isLoaded(_ promotion: Promotion, beside found: ModelSetInForce) throws -> Bool {
    guard changes(promotion, found), !context.configuration.has(.setSkipped) else { return true }
    let (models, hash) = (context.ports.models, promotion.set.hex)
    if totals.read > 0 {
      do {
        _ = try models.scorer(of: hash)
        return true
      } catch let error as PortError where error.code == .unavailable { return false }
    }
    guard try context.waiting({ try models.scorer(of: hash) }) != nil else { throw Abandoned() }
    return true
  }

  /// Puts what a promotion orders in force, from the partition's next record on.
  func take(_ promotion: Promotion, place: Int) {
    guard changes(promotion, assignment.owned[place].share.next.inForce) else { return }
    let next = ModelSetInForce(number: promotion.number, hash: promotion.set.hex)
    if context.configuration.has(.setSkipped), (try? context.ports.models.scorer(of: next.hash)) == nil {
      return
    }
    assignment.owned[place].share.next.inForce = next
    if next.hash != modelSet, !context.configuration.has(.setOfBatch) { waiting.append(place) }
  }

  /// Lets go of sets that no partition needs any more.
  func forgetModels() {
    guard totals.promoted > 0 else { return }
    context.ports.models.keep(Set(assignment.owned.map(\.record.modelSet)))
  }

  /// One of another pipeline, or repeated, changes nothing.
  private func changes(_ promotion: Promotion, _ inForce: ModelSetInForce) -> Bool {
    promotion.number > (context.configuration.has(.promotionNumbersIgnored) ? 0 : inForce.number)
  }

  /// The set in force for a record. A promotion counts also where its record is left out: behind such a range, what is known otherwise
  /// says so.
  private func inForce(for record: RawRecord, place: Int) throws -> ModelSetInForce {
    let own = assignment.owned[place]
    let last = own.share.lastRecord.map { batch.records[$0].offset + 1 }
    let before = last == nil ? own.record : own.share.next
    let position = last ?? own.record.nextOffset
    guard own.record.leftOut.count(below: record.offset) > own.record.leftOut.count(below: position) else {
      return before.inForce
    }
    return try context.inForce(before, at: record.offset, of: own.partition)
  }
}

extension WorkerContext {
  /// What is in force at an offset of a partition, by its record and by what is known otherwise.
  func inForce(
    _ record: PartitionRecord, at offset: Int64, of partition: Int32
  ) throws -> ModelSetInForce {
    let known =
      try ports.models.inForce(at: offset, of: partition)
      ?? ModelSetInForce(number: 0, hash: identity.modelSet)
    // Before the first promotion it is what the process began with.
    let isKnown = known.number > record.modelSetNumber || record.modelSetNumber == 0
    return isKnown ? known : record.inForce
  }
}
