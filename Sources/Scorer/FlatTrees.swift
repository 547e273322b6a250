import CForest
import XGBoost

/// One model's trees as they are, for rows of floats: any depth, any number of thresholds, columns and categories. Exact as
/// the packed ones, and slower.
struct FlatTrees {
  /// For the kernel; points into the storage.
  let plan: tally_flat

  /// nil: more nodes than indices reach.
  init?(_ ensemble: TreeEnsemble, _ storage: ForestStorage) {
    var nodes: [tally_node] = []
    var roots: [UInt32] = []
    var words: [UInt32] = []
    for tree in ensemble.trees {
      guard nodes.count + tree.left.count <= UInt32.max, words.count <= UInt32.max / 2 else { return nil }
      roots.append(UInt32(nodes.count))
      for node in tree.left.indices {
        let left = tree.left[node]
        if left < 0 {
          nodes.append(tally_node(value: tree.leaf(node), left: 0, feature: 0, words: 0, first: 0))
          continue
        }
        var split = tally_node(
          value: tree.value[node], left: UInt32(left),
          feature: UInt32(tree.feature[node]) | (tree.defaultLeft[node] ? 0 : 0x8000_0000), words: 0, first: 0
        )
        if let set = tree.set(node) {
          // An empty set, too, must be told from a number.
          let own = ensemble.categorySets[set]
          split.first = UInt32(words.count)
          split.words = UInt32(max(own.count, 1))
          words += own.isEmpty ? [0] : own
        }
        nodes.append(split)
      }
    }
    let groups: UnsafePointer<UInt32>? =
      ensemble.groups == 1 ? nil : UnsafePointer(storage.place(ensemble.trees.map { UInt32($0.group) }))
    plan = tally_flat(
      nodes: storage.place(nodes), roots: storage.place(roots), tree_count: roots.count,
      group_of_tree: groups,
      categories: storage.place(words))
  }
}
