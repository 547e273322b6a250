import CForest
public import XGBoost

/// Evaluates models of XGBoost over rows: bit for bit libxgboost's results, many times as fast.
///
/// Rows are quantised once for all models: a number becomes its rank among the thresholds that the models compare it with,
/// a byte. One row goes through 64 trees at a time, many rows go through a tree at a time (see CForest.h). A model that
/// does not fit into bytes (more than ten levels, more thresholds or columns than 256 slots hold) is evaluated as it is,
/// exactly and more slowly. Leaves are added to the base margin in the order of the trees, in single precision, as
/// libxgboost does.
///
/// Nothing is written after `init`: any number of threads may score, each with a scratch of its own.
public final class Forest: @unchecked Sendable {
  /// Outputs a row of each model, in the order of the models.
  public let outputs: [Int]
  /// Outputs a row of all models together.
  public let outputCount: Int
  /// Margins a row of each model: its groups of trees.
  public let groups: [Int]
  /// Columns of a row.
  public let columns: Int
  /// The instructions that are used.
  public let kernel: Kernel
  /// For each model, whether it is evaluated over ranks; else as it is.
  public let isPacked: [Bool]
  /// Bytes of the trees in memory.
  public var bytes: Int { storage.bytes }

  /// A model as the loops below read it: plain memory in the storage, nothing to count references of.
  private struct Model: BitwiseCopyable {
    var packed: UnsafePointer<tally_forest>?
    var flat: UnsafePointer<tally_flat>?
    var transform: Objective.Transform
    var groups: Int
    var base: UnsafePointer<Float>
    var firstOutput: Int
    var firstMargin: Int
  }
  /// Models over the same ranks; flat ones without.
  private struct Part: BitwiseCopyable {
    var quantiser: UnsafePointer<tally_quantiser>?
    var models: UnsafePointer<Model>
    var count: Int
    /// From how many rows on rows are lanes.
    var lanesFrom: Int
    /// Whether rows as lanes are needed as rows, too: below the sixth level.
    var areRanksRead: Bool
  }
  private let parts: UnsafePointer<Part>
  private let partCount: Int
  private let marginCount: Int
  private let groupsMax: Int
  private let storage: ForestStorage
  private static let blockRows = Int(TALLY_ROWS)

  /// Lays models out for rows of `columns` floats.
  ///
  /// Throws when a model has other columns, or more nodes than can be counted.
  public init(_ ensembles: [TreeEnsemble], columns: Int, kernel: Kernel = .best) throws(XGBoostError) {
    precondition(kernel.isAvailable, "this machine has no \(kernel.rawValue)")
    for ensemble in ensembles where ensemble.featureCount != columns {
      throw XGBoostError(
        operation: "lay out", cause: "the model has \(ensemble.featureCount) features; rows have \(columns)")
    }
    let storage = ForestStorage()
    let outputs = ensembles.map(\.outputs)
    let groups = ensembles.map(\.groups)
    func model(_ index: Int, packed: PackedTrees? = nil, flat: FlatTrees? = nil) -> Model {
      Model(
        packed: packed.map { UnsafePointer(storage.place([$0.plan])) },
        flat: flat.map { UnsafePointer(storage.place([$0.plan])) },
        transform: ensembles[index].transform, groups: groups[index],
        base: UnsafePointer(storage.place(ensembles[index].baseMargins)),
        firstOutput: outputs[..<index].reduce(0, +), firstMargin: groups[..<index].reduce(0, +))
    }
    var parts: [Part] = []
    var isPacked = ensembles.map { _ in false }
    for (sharing, splits) in Self.sharing(ensembles) {
      let quantiser = Quantiser(splits, storage)
      var models: [Model] = []
      var lanesFrom = 0
      var areRanksRead = false
      for index in sharing {
        guard let trees = PackedTrees(ensembles[index], quantiser, kernel: kernel, storage) else { continue }
        models.append(model(index, packed: trees))
        lanesFrom = max(lanesFrom, Self.lanesFrom(trees, kernel))
        areRanksRead = areRanksRead || trees.levels > 6
        isPacked[index] = true
      }
      if models.isEmpty { continue }
      parts.append(
        Part(
          quantiser: UnsafePointer(storage.place([quantiser.plan])),
          models: UnsafePointer(storage.place(models)),
          count: models.count, lanesFrom: lanesFrom, areRanksRead: areRanksRead))
    }
    var flat: [Model] = []
    for index in ensembles.indices where !isPacked[index] {
      guard let trees = FlatTrees(ensembles[index], storage) else {
        throw XGBoostError(operation: "lay out", cause: "the model has more than \(UInt32.max) nodes")
      }
      flat.append(model(index, flat: trees))
    }
    if !flat.isEmpty {
      parts.append(
        Part(
          quantiser: nil, models: UnsafePointer(storage.place(flat)), count: flat.count, lanesFrom: Int.max,
          areRanksRead: false))
    }
    self.parts = UnsafePointer(storage.place(parts))
    partCount = parts.count
    self.storage = storage
    self.columns = columns
    self.kernel = kernel
    self.isPacked = isPacked
    self.outputs = outputs
    self.groups = groups
    outputCount = outputs.reduce(0, +)
    marginCount = groups.reduce(0, +)
    groupsMax = groups.max() ?? 1
  }

  /// Models whose splits fit into one row of ranks together, in turn.
  private static func sharing(_ ensembles: [TreeEnsemble]) -> [(models: [Int], splits: Splits)] {
    var found: [(models: [Int], splits: Splits)] = []
    for index in ensembles.indices where PackedTrees.canTake(ensembles[index]) {
      if let last = found.last, let splits = Splits((last.models + [index]).map { ensembles[$0] }) {
        found[found.count - 1] = (last.models + [index], splits)
      } else if let splits = Splits([ensembles[index]]) {
        found.append(([index], splits))
      }
    }
    return found
  }

  /// From how many rows on it pays to take rows for lanes: measured with `tally forest`.
  private static func lanesFrom(_ trees: PackedTrees, _ kernel: Kernel) -> Int {
    switch kernel {
    case .avx512: trees.levels <= 6 ? 24 : 44
    case .avx2: trees.levels <= 6 ? 40 : 48
    case .portable: 64
    }
  }

  /// Memory that one thread needs to score.
  public func makeScratch() -> ForestScratch { ForestScratch(groups: groupsMax) }

  /// Scores `count` rows, which lie one after the other; NaN is missing.
  ///
  /// `output` gets `outputCount` values a row: the models' outputs one after the other. Nothing is allocated.
  public func score(
    _ rows: UnsafePointer<Float>, rows count: Int, scratch: ForestScratch,
    into output: UnsafeMutablePointer<Float>
  ) {
    evaluate(rows, rows: count, scratch, isMargin: false, into: output, stride: outputCount)
  }

  /// The same before the objectives' transformations: the sum of `groups` values a row.
  public func margins(
    _ rows: UnsafePointer<Float>, rows count: Int, scratch: ForestScratch,
    into output: UnsafeMutablePointer<Float>
  ) {
    evaluate(rows, rows: count, scratch, isMargin: true, into: output, stride: marginCount)
  }

  private func evaluate(
    _ rows: UnsafePointer<Float>, rows count: Int, _ scratch: ForestScratch, isMargin: Bool,
    into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    precondition(scratch.groups >= groupsMax, "a scratch of another forest")
    let memory = scratch.memory
    let kernel = kernel.code
    var done = 0
    while done < count {
      let block = min(Self.blockRows, count - done)
      let from = rows + done * columns
      for part in 0..<partCount {
        let areLanes = block >= parts[part].lanesFrom
        if let quantiser = parts[part].quantiser {
          if areLanes {
            tally_quantise_rows(
              quantiser, kernel, from, block, columns, memory.lanes,
              parts[part].areRanksRead ? memory.ranks : nil)
          } else {
            for row in 0..<block {
              tally_quantise_row(
                quantiser, kernel, from + row * columns, memory.ranks + row * ForestScratch.rankStride)
            }
          }
        }
        for index in 0..<parts[part].count {
          let model = parts[part].models + index
          let first = isMargin ? model.pointee.firstMargin : model.pointee.firstOutput
          Self.evaluate(
            model, from, block, columns, kernel, areLanes, memory, isMargin: isMargin,
            into: output + done * stride + first, stride: stride)
        }
      }
      done += block
    }
  }

  /// One model over at most 64 rows.
  private static func evaluate(
    _ model: UnsafePointer<Model>, _ rows: UnsafePointer<Float>, _ count: Int, _ columns: Int,
    _ kernel: tally_kernel, _ areLanes: Bool, _ memory: ForestScratch.Memory, isMargin: Bool,
    into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let groups = model.pointee.groups
    let margins = memory.margins
    // [group][64] when rows are lanes, else [row][group].
    let (rowStep, groupStep) = areLanes ? (1, blockRows) : (groups, 1)
    for group in 0..<groups {
      let base = model.pointee.base[group]
      for row in 0..<count { margins[row * rowStep + group * groupStep] = base }
    }
    if let flat = model.pointee.flat {
      tally_score_flat(flat, rows, count, columns, groups, margins)
    } else if let packed = model.pointee.packed {
      if areLanes {
        tally_score_rows(packed, kernel, memory.ranks, memory.lanes, count, margins)
      } else {
        for row in 0..<count {
          tally_score_row(
            packed, kernel, memory.ranks + row * ForestScratch.rankStride, margins + row * groups)
        }
      }
    }
    let transform = isMargin ? .identity : model.pointee.transform
    for row in 0..<count {
      transform.apply(margins + row * rowStep, groups, step: groupStep, into: output + row * stride)
    }
  }
}
