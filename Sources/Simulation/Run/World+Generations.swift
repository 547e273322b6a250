import Dataflow

/// Generations of states, of which one takes over from another.
extension World {
  /// Another generation takes over with the states as they are or as they once were, as `tally rebuild` leaves them.
  func switchGeneration(_ partition: Int32, _ draw: inout Draw) {
    let place = placeInForce(partition)
    let slot = store.slot(place)
    guard let record = slot.record, let standing = PartitionRecord.stored(record), standing.isWhole else {
      return
    }
    let earlier = store.earlier(place).filter {
      $0.record.flatMap { PartitionRecord.stored($0)?.isWhole } == true
    }
    let made = earlier.isEmpty || draw.chance(300) ? slot : earlier[draw.below(earlier.count)]
    let until = max(
      standing.nextOffset, table.positions[partition] ?? 0, group.committed[Int(partition)]?.offset ?? 0)
    guard var begun = made.record.flatMap({ PartitionRecord.stored($0) }) else { return }
    let next = StoreKey(generation: place.generation + 1, partition: partition)
    begun.generation = next.generation
    begun.guarantee = standing.guarantee
    if begun.nextOffset < until { begun.rebuildingUntil = until }
    var ended = standing
    ended.successor = next.generation
    remark("partition \(partition): generation \(next.generation) takes over with W \(begun.nextOffset)")
    store.replace(next, by: StoreServer.Slot(record: begun.encoded, states: made.states))
    store.replace(place, by: StoreServer.Slot(record: ended.encoded, states: slot.states))
  }

  /// Where the partition's states are that count.
  func placeInForce(_ partition: Int32) -> StoreKey {
    var place = StoreKey(generation: pipeline.generation, partition: partition)
    while let record = store.slot(place).record, let standing = PartitionRecord.stored(record),
      standing.successor != 0
    {
      place.generation = standing.successor
    }
    return place
  }
}
