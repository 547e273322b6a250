import CForest
import XGBoost

/// One model's trees as the kernels take them that compare ranks: blocks of 64 trees, see CForest.h.
struct PackedTrees {
  /// For the kernels; points into the storage.
  let plan: tally_forest
  /// The most levels that any block has.
  let levels: Int

  private static let treesOfBlock = Int(TALLY_TREES)
  private static let recordBytes = Int(TALLY_RECORD_BYTES)
  private static let rows = UInt32(TALLY_ROWS)
  /// Levels that are padded to the next of these.
  private static let levelsMax = 10
  /// More than any model needs whose trees are worth padding.
  private static let bytesMax = 1 << 28

  /// Whether trees are shallow enough to be padded.
  static func canTake(_ ensemble: TreeEnsemble) -> Bool {
    ensemble.trees.allSatisfy { $0.depth <= levelsMax }
  }

  /// nil: trees are too deep, or would take too much memory when padded.
  init?(_ ensemble: TreeEnsemble, _ quantiser: Quantiser, kernel: Kernel, _ storage: ForestStorage) {
    var blocks: [tally_block] = []
    var deepest = 0
    let depths = ensemble.trees.map(\.depth)
    guard (depths.max() ?? 0) <= Self.levelsMax else { return nil }
    var bytes = 0
    let starts = Array(stride(from: 0, to: ensemble.trees.count, by: Self.treesOfBlock))
    for start in starts {
      bytes +=
        Self.treesOfBlock
        * (Self.padded(depths[start..<min(start + Self.treesOfBlock, depths.count)]) > 8 ? 9000 : 2500)
    }
    guard bytes <= Self.bytesMax else { return nil }
    for start in starts {
      let trees = start..<min(start + Self.treesOfBlock, ensemble.trees.count)
      let levels = Self.padded(depths[trees])
      deepest = max(deepest, levels)
      var block = BlockBuilder(trees: trees.count, levels: levels)
      for (position, tree) in trees.enumerated() {
        block.fill(position, ensemble, ensemble.trees[tree], quantiser)
      }
      blocks.append(block.placed(kernel, storage))
    }
    levels = deepest
    let groups: UnsafePointer<UInt32>? =
      ensemble.groups == 1 ? nil : UnsafePointer(storage.place(ensemble.trees.map { UInt32($0.group) }))
    plan = tally_forest(
      blocks: storage.place(blocks), block_count: blocks.count, group_of_tree: groups,
      slot_count: quantiser.slotCount)
  }

  private static func padded(_ depths: ArraySlice<Int>) -> Int {
    let depth = depths.max() ?? 0
    return depth <= 6 ? depth : depth <= 8 ? 8 : 10
  }

  /// The parts of one block while it is made.
  private struct BlockBuilder {
    private let trees: Int
    private let levels: Int
    private let upper: Int
    /// Splits {slot, cut} by tree and node, all levels; node 1 is the root.
    private var splits: [Comparison]
    /// Leaves by tree.
    private var leaves: [Float]

    init(trees: Int, levels: Int) {
      self.trees = trees
      self.levels = levels
      upper = min(levels, 6)
      splits = [Comparison](repeating: Comparison(slot: 0, cut: 255), count: trees << levels)
      leaves = [Float](repeating: 0, count: trees << levels)
    }

    /// Lays a tree out; what is below a leaf is that leaf.
    mutating func fill(
      _ position: Int, _ ensemble: TreeEnsemble, _ tree: RegressionTree, _ quantiser: Quantiser
    ) {
      let base = position << levels
      var waiting: [(node: Int, at: Int, level: Int)] = [(0, 1, 0)]
      while let (node, at, level) = waiting.popLast() {
        let left = Int(tree.left[node])
        if left < 0 {
          let width = 1 << (levels - level)
          let first = base + (at - (1 << level)) * width
          let leaf = tree.leaf(node)
          for index in first..<first + width { leaves[index] = leaf }
        } else {
          splits[base + at] = quantiser.comparison(ensemble, tree, node)
          waiting.append((left, 2 * at, level + 1))
          waiting.append((left + 1, 2 * at + 1, level + 1))
        }
      }
    }

    private func split(_ tree: Int, _ node: Int) -> Comparison { splits[tree << levels + node] }

    func placed(_ kernel: Kernel, _ storage: ForestStorage) -> tally_block {
      let width = PackedTrees.treesOfBlock
      var tops = [UInt8](repeating: 0, count: trees * 128)
      var steps = [tally_step](repeating: tally_step(offset: 0, cut: 0), count: trees * 64)
      // Lanes without a tree look at slot 0 and never go right.
      var across = [UInt8](repeating: 0, count: max((1 << upper) - 1, 1) * 128)
      for node in 0..<max((1 << upper) - 1, 1) {
        for lane in 64..<128 { across[node * 128 + lane] = 255 }
      }
      for tree in 0..<trees {
        for node in 1..<max(1 << upper, 1) {
          let split = split(tree, node)
          tops[tree * 128 + node * 2] = split.slot
          tops[tree * 128 + node * 2 + 1] = split.cut
          let cut = UInt32(kernel == .avx512 ? split.cut : split.cut ^ 0x80)
          steps[tree * 64 + node] = tally_step(
            offset: UInt32(split.slot) * PackedTrees.rows, cut: cut | cut << 8 | cut << 16 | cut << 24)
          across[(node - 1) * 128 + tree] = split.slot
          across[(node - 1) * 128 + width + tree] = split.cut
        }
      }
      return tally_block(
        tops: storage.place(tops), across: kernel == .avx512 ? UnsafePointer(storage.place(across)) : nil,
        steps: storage.place(steps), middles: levels > 8 ? UnsafePointer(storage.place(middles())) : nil,
        ends: storage.place(ends()), trees: UInt32(trees), levels: UInt32(levels))
    }

    /// Levels 7 and 8 of trees with ten.
    private func middles() -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: trees * 64 * 8)
      for tree in 0..<trees {
        for at in 0..<64 { put(three: tree, 64 + at, into: &bytes, (tree * 64 + at) * 8) }
      }
      return bytes
    }

    /// A node and its two children.
    private func put(three tree: Int, _ node: Int, into bytes: inout [UInt8], _ position: Int) {
      for (index, node) in [node, 2 * node, 2 * node + 1].enumerated() {
        let split = split(tree, node)
        bytes[position + index * 2] = split.slot
        bytes[position + index * 2 + 1] = split.cut
      }
    }

    /// Leaves, or records of the last two levels with theirs.
    private func ends() -> [UInt8] {
      var bytes: [UInt8]
      func put(_ leaf: Float, _ position: Int) {
        withUnsafeBytes(of: leaf) { for (index, byte) in $0.enumerated() { bytes[position + index] = byte } }
      }
      if levels <= 6 {
        bytes = [UInt8](repeating: 0, count: trees * 64 * 4)
        for tree in 0..<trees {
          for leaf in 0..<1 << levels { put(leaves[tree << levels + leaf], (tree * 64 + leaf) * 4) }
        }
        return bytes
      }
      let records = 1 << (levels - 2)
      bytes = [UInt8](repeating: 0, count: trees * records * PackedTrees.recordBytes)
      for tree in 0..<trees {
        for record in 0..<records {
          let position = (tree * records + record) * PackedTrees.recordBytes
          self.put(three: tree, records + record, into: &bytes, position)
          for leaf in 0..<4 { put(leaves[tree << levels + record * 4 + leaf], position + 16 + leaf * 4) }
        }
      }
      return bytes
    }
  }
}

extension RegressionTree {
  /// Splits on the longest way from the root to a leaf.
  var depth: Int {
    var deepest = 0
    var waiting: [(node: Int, depth: Int)] = [(0, 0)]
    while let (node, depth) = waiting.popLast() {
      let next = Int(left[node])
      if next < 0 {
        deepest = max(deepest, depth)
      } else {
        waiting.append((next, depth + 1))
        waiting.append((next + 1, depth + 1))
      }
    }
    return deepest
  }
}
