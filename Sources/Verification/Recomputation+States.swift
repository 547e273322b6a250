import Dataflow
import Events
import Features

extension Recomputation {
  /// The stored form of an empty or unreadable state, among columns.
  private static let unreadable = "(cannot be read)"
  private static let form = "(stored form)"

  /// Compares an entity's state with the store's, now that all below its W is applied.
  func compare(_ entity: SampledEntity, _ check: StateCheck) {
    entity.check = nil
    let expected = encoded(entity.state)
    let stored = check.stored.map { bytes in
      let state = EntityState(program)
      return bytes.withUnsafeBytes { state.decode($0) } ? state : nil
    }
    if !rules.logIsWhole {
      // What cannot be read says nothing of when it began.
      let events = stored.map { $0?.events ?? .max } ?? 0
      entity.isWhole = events == entity.state.events && !entity.hasBegunAnew
      guard entity.isWhole == true else { return }
    }
    let place = ScorePlace(partition: entity.partition, offset: entity.lastOffset)
    guard let bytes = check.stored else {
      guard expected != nil else { return }
      if let bound = rules.expiresBeforeMs, entity.lastIngestMs < bound {
        states.note("may have expired")
      } else {
        states.isMissing(at: place)
      }
      return
    }
    guard let expected else { return states.isUnexpected(at: place) }
    if bytes == expected { return states.isEqual() }
    guard let stored, let other = stored else {
      return states.differs([ColumnDifference(Self.unreadable)], at: place)
    }
    let found = differences(of: other, from: entity.state)
    states.differs(found.isEmpty ? [ColumnDifference(Self.form)] : found, at: place)
  }

  /// The stored form; nil: an empty state is not stored.
  private func encoded(_ state: EntityState) -> [UInt8]? {
    guard state.events > 0 else { return nil }
    var writer = WireWriter()
    state.encode(into: &writer)
    return writer.bytes
  }

  /// Which features the stored state gives in another way, as of the later watermark.
  private func differences(of stored: EntityState, from state: EntityState) -> [ColumnDifference] {
    let count = program.columnNames.count
    let asOf = max(stored.watermark, state.watermark)
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: max(2 * count, 1)) { rows in
      rows.initialize(repeating: .nan)
      guard let one = rows.baseAddress else { return [] }
      let two = one + count
      pass.read(stored, asOf: asOf, into: one)
      pass.read(state, asOf: asOf, into: two)
      return (0..<count).compactMap { column in
        guard one[column].bitPattern != two[column].bitPattern, !(one[column].isNaN && two[column].isNaN)
        else { return nil }
        let isNumber = program.columnLabels[column].isEmpty
        return ColumnDifference(
          program.columnNames[column],
          magnitude: isNumber ? abs(Double(one[column]) - Double(two[column])) : nil)
      }
    }
  }
}
