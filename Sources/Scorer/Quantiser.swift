import CForest
import XGBoost

/// Which byte of a quantised row a split compares, and with what: right when the rank there is greater than `cut`.
struct Comparison {
  var slot: UInt8
  var cut: UInt8
}

/// Turns rows into ranks, for all splits of some ensembles: see CForest.h.
final class Quantiser {
  /// Thresholds of a slot: ranks of values are at most this, and cuts less.
  private static let stretch = 255
  private static let slotsMax = Int(TALLY_SLOTS_MAX)

  /// For the kernels; points into the storage.
  let plan: tally_quantiser
  /// Number of slots.
  var slotCount: Int { plan.slot_count }

  private struct Place: Hashable {
    var feature: Int32
    var stretch: Int32
    var isDefaultLeft: Bool
  }
  private struct Membership: Hashable {
    var feature: Int32
    var set: [UInt32]
    var isDefaultLeft: Bool
  }
  private let thresholds: [Int32: [Float]]
  private let slotOfPlace: [Place: Int]
  private let slotOfMembership: [Membership: Int]

  /// nil: the splits need more slots than there are.
  init?(_ ensembles: [TreeEnsemble], _ storage: ForestStorage) {
    var found: [Int32: Set<Float>] = [:]
    var directions: [Int32: Set<Bool>] = [:]
    var memberships: Set<Membership> = []
    for ensemble in ensembles {
      for tree in ensemble.trees {
        for node in tree.left.indices where tree.left[node] >= 0 {
          let (feature, isDefaultLeft) = (tree.feature[node], tree.defaultLeft[node])
          if let set = tree.set(node) {
            memberships.insert(
              Membership(feature: feature, set: ensemble.categorySets[set], isDefaultLeft: isDefaultLeft))
            if memberships.count > Self.slotsMax { return nil }
          } else {
            found[feature, default: []].insert(tree.value[node])
            directions[feature, default: []].insert(isDefaultLeft)
          }
        }
      }
    }
    let sorted = found.mapValues { $0.sorted() }
    // Which stretches splits use, in either direction.
    var places: Set<Place> = []
    for ensemble in ensembles {
      for tree in ensemble.trees {
        for node in tree.left.indices where tree.left[node] >= 0 && tree.set(node) == nil {
          let feature = tree.feature[node]
          let rank = Self.index(of: tree.value[node], in: sorted[feature] ?? [])
          places.insert(
            Place(
              feature: feature, stretch: Int32(rank / Self.stretch), isDefaultLeft: tree.defaultLeft[node]))
          if places.count > Self.slotsMax { return nil }
        }
      }
    }
    guard places.count + memberships.count <= Self.slotsMax else { return nil }
    thresholds = sorted

    var axes: [tally_axis] = []
    var slots: [tally_slot] = []
    var table: [Float] = []
    var words: [UInt32] = []
    var slotOfPlace: [Place: Int] = [:]
    var slotOfMembership: [Membership: Int] = [:]
    for feature in sorted.keys.sorted() {
      let values = sorted[feature] ?? []
      let own = places.filter { $0.feature == feature }.sorted {
        ($0.stretch, $0.isDefaultLeft ? 0 : 1) < ($1.stretch, $1.isDefaultLeft ? 0 : 1)
      }
      let first = table.count
      // At least one NaN behind them: a search may go to the stretch of sixteen after the last.
      table += values + [Float](repeating: .nan, count: 16 - values.count % 16)
      let separators = table.count
      if values.count <= Self.stretch {
        table += (0..<16).map { ($0 + 1) * 16 <= values.count ? values[$0 * 16 + 15] : .nan }
      }
      axes.append(
        tally_axis(
          feature: UInt32(feature), count: UInt32(values.count), first: UInt32(first),
          separators: UInt32(separators), slot: UInt32(slots.count), slots: UInt32(own.count)))
      for place in own {
        let start = Int(place.stretch) * Self.stretch
        slotOfPlace[place] = slots.count
        slots.append(
          tally_slot(
            start: UInt32(start), count: UInt32(min(Self.stretch, values.count - start)),
            missing: place.isDefaultLeft ? 0 : 255))
      }
    }
    for (feature, own) in Dictionary(grouping: memberships, by: \.feature).sorted(by: { $0.key < $1.key }) {
      axes.append(
        tally_axis(
          feature: UInt32(feature), count: 0, first: 0, separators: 0, slot: UInt32(slots.count),
          slots: UInt32(own.count)))
      for membership in own {
        slotOfMembership[membership] = slots.count
        slots.append(
          tally_slot(
            start: UInt32(words.count), count: UInt32(membership.set.count),
            missing: membership.isDefaultLeft ? 0 : 255))
        words += membership.set
      }
    }
    self.slotOfPlace = slotOfPlace
    self.slotOfMembership = slotOfMembership
    // One slot more than there are is read, to write two at once.
    let slotTable = storage.place(slots + [tally_slot(start: 0, count: 0, missing: 0)])
    plan = tally_quantiser(
      axes: storage.place(axes), axis_count: axes.count, slots: slotTable, slot_count: slots.count,
      thresholds: storage.place(table), categories: storage.place(words))
  }

  /// What a split of one of the ensembles compares.
  func comparison(_ ensemble: TreeEnsemble, _ tree: RegressionTree, _ node: Int) -> Comparison {
    let (feature, isDefaultLeft) = (tree.feature[node], tree.defaultLeft[node])
    let slot: Int?
    var cut = 0
    if let set = tree.set(node) {
      slot =
        slotOfMembership[
          Membership(feature: feature, set: ensemble.categorySets[set], isDefaultLeft: isDefaultLeft)]
    } else {
      let rank = Self.index(of: tree.value[node], in: thresholds[feature] ?? [])
      cut = rank % Self.stretch
      slot =
        slotOfPlace[
          Place(feature: feature, stretch: Int32(rank / Self.stretch), isDefaultLeft: isDefaultLeft)]
    }
    guard let slot else { preconditionFailure("a split of another ensemble") }
    return Comparison(slot: UInt8(slot), cut: UInt8(cut))
  }

  /// Where a value stands in ascending ones, which have it.
  private static func index(of value: Float, in sorted: [Float]) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
