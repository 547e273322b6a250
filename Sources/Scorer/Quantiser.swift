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
  /// The last slot is nobody's.
  private static let slotsMax = Int(TALLY_NO_SLOT)

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
    var splits: [Int32: Set<Float>] = [:]
    var found: Set<Membership> = []
    for ensemble in ensembles {
      for tree in ensemble.trees {
        for node in tree.left.indices where tree.left[node] >= 0 {
          let (feature, isDefaultLeft) = (tree.feature[node], tree.defaultLeft[node])
          if let set = tree.set(node) {
            found.insert(
              Membership(feature: feature, set: ensemble.categorySets[set], isDefaultLeft: isDefaultLeft))
            if found.count > Self.slotsMax { return nil }
          } else {
            splits[feature, default: []].insert(tree.value[node])
          }
        }
      }
    }
    let sorted = splits.mapValues { $0.sorted() }
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
    guard places.count + found.count <= Self.slotsMax else { return nil }
    thresholds = sorted

    var axes: [tally_axis] = []
    var memberships: [tally_membership] = []
    var table: [Float] = []
    var words: [UInt32] = []
    var slots = 0
    var slotOfPlace: [Place: Int] = [:]
    var slotOfMembership: [Membership: Int] = [:]
    for feature in sorted.keys.sorted() {
      let values = sorted[feature] ?? []
      for stretch in 0..<(values.count + Self.stretch - 1) / Self.stretch {
        let slotOf = [true, false].map { isDefaultLeft -> Int in
          let place = Place(feature: feature, stretch: Int32(stretch), isDefaultLeft: isDefaultLeft)
          guard places.contains(place) else { return Int(TALLY_NO_SLOT) }
          slotOfPlace[place] = slots
          slots += 1
          return slots - 1
        }
        let own = Array(values[(stretch * Self.stretch)..<min((stretch + 1) * Self.stretch, values.count)])
        axes.append(
          tally_axis(
            feature: UInt32(feature), first: UInt32(table.count), count: UInt16(own.count),
            left: UInt16(slotOf[0]), right: UInt16(slotOf[1])))
        table += (0..<16).map { ($0 + 1) * 16 <= own.count ? own[$0 * 16 + 15] : .nan }
        // At least one NaN behind them: a search may go to the sixteen after the last.
        table += own + [Float](repeating: .nan, count: 16 - own.count % 16)
      }
    }
    for membership in found.sorted(by: { $0.feature < $1.feature }) {
      slotOfMembership[membership] = slots
      memberships.append(
        tally_membership(
          feature: UInt32(membership.feature), first: UInt32(words.count),
          words: UInt32(membership.set.count),
          slot: UInt16(slots), missing: membership.isDefaultLeft ? 0 : 255))
      slots += 1
      words += membership.set
    }
    self.slotOfPlace = slotOfPlace
    self.slotOfMembership = slotOfMembership
    plan = tally_quantiser(
      axes: storage.place(axes), axis_count: axes.count, memberships: storage.place(memberships),
      membership_count: memberships.count, thresholds: storage.place(table), categories: storage.place(words),
      slot_count: slots)
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
