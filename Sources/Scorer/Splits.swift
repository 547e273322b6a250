import CForest
import XGBoost

/// What the splits of some ensembles compare: thresholds by feature in stretches of 255, sets of categories, each for the direction
/// in which missing values go. One slot of a quantised row serves each.
struct Splits {
  /// Thresholds of a slot: ranks of values are at most this, and cuts less.
  static let stretch = 255
  /// The last slot is nobody's.
  private static let slotsMax = Int(TALLY_NO_SLOT)

  struct SplitKey: Hashable {
    var feature: Int32
    var stretch: Int32
    var isDefaultLeft: Bool
  }
  struct Membership: Hashable {
    var feature: Int32
    var set: [UInt32]
    var isDefaultLeft: Bool
  }
  /// Each feature's thresholds, ascending.
  private(set) var thresholds: [Int32: [Float]] = [:]
  /// Stretches that splits use.
  private(set) var places: Set<SplitKey> = []
  /// Sets of categories.
  private(set) var memberships: Set<Membership> = []

  /// nil: the splits need more slots than there are.
  init?(_ ensembles: [TreeEnsemble]) {
    var found: [Int32: Set<Float>] = [:]
    for ensemble in ensembles {
      for tree in ensemble.trees {
        for node in tree.left.indices where tree.left[node] >= 0 {
          if let membership = Self.membership(ensemble, tree, node) {
            memberships.insert(membership)
            if memberships.count > Self.slotsMax { return nil }
          } else {
            found[tree.feature[node], default: []].insert(tree.value[node])
          }
        }
      }
    }
    thresholds = found.mapValues { $0.sorted() }
    for ensemble in ensembles {
      for tree in ensemble.trees {
        for node in tree.left.indices where tree.left[node] >= 0 && tree.set(node) == nil {
          places.insert(place(tree, node).place)
          if places.count > Self.slotsMax { return nil }
        }
      }
    }
    if places.count + memberships.count > Self.slotsMax { return nil }
  }

  /// A categorical split's set; nil: it compares numbers.
  static func membership(_ ensemble: TreeEnsemble, _ tree: RegressionTree, _ node: Int) -> Membership? {
    tree.set(node).map {
      Membership(
        feature: tree.feature[node], set: ensemble.categorySets[$0], isDefaultLeft: tree.defaultLeft[node])
    }
  }

  /// Where a numerical split's threshold stands: its stretch, and its number there.
  func place(_ tree: RegressionTree, _ node: Int) -> (place: SplitKey, cut: Int) {
    let sorted = thresholds[tree.feature[node]] ?? []
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < tree.value[node] { low = middle + 1 } else { high = middle }
    }
    let place = SplitKey(
      feature: tree.feature[node], stretch: Int32(low / Self.stretch), isDefaultLeft: tree.defaultLeft[node])
    return (place, low % Self.stretch)
  }
}
