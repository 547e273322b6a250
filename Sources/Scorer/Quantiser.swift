import CForest
import XGBoost

/// Which byte of a quantised row a split compares, and with what: right when the rank there is greater than `cut`.
struct Comparison {
  var slot: UInt8
  var cut: UInt8
}

/// Turns rows into ranks, for all splits of some ensembles: see CForest.h.
final class Quantiser {
  /// For the kernels; points into the storage.
  let plan: tally_quantiser
  /// Number of slots.
  var slotCount: Int { plan.slot_count }

  private let splits: Splits
  private let slotOfPlace: [Splits.SplitKey: Int]
  private let slotOfMembership: [Splits.Membership: Int]

  /// Gives every split of `splits` its slot.
  init(_ splits: Splits, _ storage: ForestStorage) {
    self.splits = splits
    var axes: [tally_axis] = []
    var memberships: [tally_membership] = []
    var table: [Float] = []
    var words: [UInt32] = []
    var slots = 0
    var slotOfPlace: [Splits.SplitKey: Int] = [:]
    var slotOfMembership: [Splits.Membership: Int] = [:]
    for feature in splits.thresholds.keys.sorted() {
      let values = splits.thresholds[feature] ?? []
      for stretch in 0..<(values.count + Splits.stretch - 1) / Splits.stretch {
        let slotOf = [true, false].map { isDefaultLeft -> Int in
          let place = Splits.SplitKey(feature: feature, stretch: Int32(stretch), isDefaultLeft: isDefaultLeft)
          guard splits.places.contains(place) else { return Int(TALLY_NO_SLOT) }
          slotOfPlace[place] = slots
          slots += 1
          return slots - 1
        }
        let own = Array(
          values[(stretch * Splits.stretch)..<min((stretch + 1) * Splits.stretch, values.count)])
        axes.append(
          tally_axis(
            feature: UInt32(feature), first: UInt32(table.count), count: UInt16(own.count),
            left: UInt16(slotOf[0]), right: UInt16(slotOf[1])))
        table += (0..<16).map { ($0 + 1) * 16 <= own.count ? own[$0 * 16 + 15] : .nan }
        // At least one NaN behind them: a search may go to the sixteen after the last.
        table += own + [Float](repeating: .nan, count: 16 - own.count % 16)
      }
    }
    for membership in splits.memberships.sorted(by: { $0.feature < $1.feature }) {
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
    let slot: Int?
    var cut = 0
    if let membership = Splits.membership(ensemble, tree, node) {
      slot = slotOfMembership[membership]
    } else {
      let found = splits.place(tree, node)
      cut = found.cut
      slot = slotOfPlace[found.place]
    }
    guard let slot else { preconditionFailure("a split of another ensemble") }
    return Comparison(slot: UInt8(slot), cut: UInt8(cut))
  }
}
