import CForest
import Glibc
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
  /// Columns of a row.
  public let columns: Int
  /// The instructions that are used.
  public let kernel: Kernel
  /// Bytes of the trees in memory.
  public var bytes: Int { storage.bytes }
  /// For each model, whether it is evaluated over ranks; else as it is.
  public var isPacked: [Bool] { models.map { $0.isPacked } }

  /// Groups of each model: the margins of a row.
  var groups: [Int] { models.map(\.baseMargins.count) }

  private enum Trees {
    case packed(PackedTrees)
    case flat(FlatTrees)
  }
  private struct Model {
    var trees: Trees
    var transform: Objective.Transform
    var baseMargins: [Float]
    var first: Int

    var isPacked: Bool { if case .packed = trees { true } else { false } }
  }
  /// Models over the same ranks; without a quantiser, flat ones.
  private struct Part {
    var quantiser: Quantiser?
    var models: [Int]
    var isWorthLanes: Int
  }
  private let models: [Model]
  private let parts: [Part]
  private let storage = ForestStorage()
  private static let blockRows = Int(TALLY_ROWS)

  /// Lays models out for rows of `columns` floats.
  ///
  /// Throws when a model has other columns, or more nodes than can be counted.
  public init(_ ensembles: [TreeEnsemble], columns: Int, kernel: Kernel = .best) throws(XGBoostError) {
    precondition(kernel.isAvailable, "this machine has no \(kernel.rawValue)")
    var models: [Model?] = ensembles.map { _ in nil }
    var parts: [Part] = []
    var first = 0
    var firsts: [Int] = []
    for ensemble in ensembles {
      guard ensemble.featureCount == columns else {
        throw XGBoostError(
          operation: "lay out", cause: "the model has \(ensemble.featureCount) features; rows have \(columns)"
        )
      }
      firsts.append(first)
      first += ensemble.outputs
    }
    func model(_ index: Int, _ trees: Trees) -> Model {
      Model(
        trees: trees, transform: ensembles[index].objective.transform,
        baseMargins: ensembles[index].baseMargins, first: firsts[index])
    }
    for group in Self.sharing(ensembles) {
      guard let quantiser = Quantiser(group.map { ensembles[$0] }, storage) else { continue }
      var part = Part(quantiser: quantiser, models: [], isWorthLanes: 0)
      for index in group {
        guard let packed = PackedTrees(ensembles[index], quantiser, kernel: kernel, storage) else { continue }
        models[index] = model(index, .packed(packed))
        part.models.append(index)
        part.isWorthLanes = max(part.isWorthLanes, Self.rowsWorthLanes(packed, kernel))
      }
      if !part.models.isEmpty { parts.append(part) }
    }
    var flat = Part(quantiser: nil, models: [], isWorthLanes: 0)
    for index in ensembles.indices where models[index] == nil {
      guard let trees = FlatTrees(ensembles[index], storage) else {
        throw XGBoostError(operation: "lay out", cause: "the model has more than \(UInt32.max) nodes")
      }
      models[index] = model(index, .flat(trees))
      flat.models.append(index)
    }
    if !flat.models.isEmpty { parts.append(flat) }
    self.models = models.compactMap { $0 }
    self.parts = parts
    self.columns = columns
    self.kernel = kernel
    outputs = ensembles.map(\.outputs)
    outputCount = first
  }

  /// Models whose thresholds fit into one row of ranks together, in turn.
  private static func sharing(_ ensembles: [TreeEnsemble]) -> [[Int]] {
    var groups: [[Int]] = []
    for index in ensembles.indices {
      let depth = ensembles[index].trees.map(\.depth).max() ?? 0
      if depth > 10 { continue }
      if let last = groups.indices.last,
        Quantiser((groups[last] + [index]).map { ensembles[$0] }, ForestStorage()) != nil
      {
        groups[last].append(index)
      } else {
        groups.append([index])
      }
    }
    return groups
  }

  /// From how many rows on it pays to take rows for lanes: measured with `Benchmarks/run.sh forest`.
  private static func rowsWorthLanes(_ trees: PackedTrees, _ kernel: Kernel) -> Int {
    switch kernel {
    case .avx512: trees.levels <= 6 ? 24 : 44
    case .avx2: trees.levels <= 6 ? 40 : 48
    case .portable: 64
    }
  }

  /// Scores `count` rows, which lie one after the other; NaN is missing.
  ///
  /// `output` gets `outputCount` values a row: the models' outputs one after the other. Nothing is allocated.
  public func score(
    _ rows: UnsafePointer<Float>, rows count: Int, scratch: ForestScratch,
    into output: UnsafeMutablePointer<Float>
  ) {
    evaluate(rows, rows: count, scratch, isMargin: false, into: output, stride: outputCount)
  }

  /// The same before the objectives' transformations; a row of `output` has every model's groups, also where a model's
  /// output is one class.
  public func margins(
    _ rows: UnsafePointer<Float>, rows count: Int, scratch: ForestScratch,
    into output: UnsafeMutablePointer<Float>
  ) {
    let stride = models.reduce(0) { $0 + $1.baseMargins.count }
    evaluate(rows, rows: count, scratch, isMargin: true, into: output, stride: stride)
  }

  /// Memory that one thread needs to score.
  public func makeScratch() -> ForestScratch {
    ForestScratch(groups: models.map(\.baseMargins.count).max() ?? 1)
  }

  private func evaluate(
    _ rows: UnsafePointer<Float>, rows count: Int, _ scratch: ForestScratch, isMargin: Bool,
    into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    precondition(scratch.groups >= models.reduce(1) { max($0, $1.baseMargins.count) })
    var done = 0
    while done < count {
      let block = min(Self.blockRows, count - done)
      let from = rows + done * columns
      for part in parts {
        var areLanes = false
        if let quantiser = part.quantiser {
          withUnsafePointer(to: quantiser.plan) {
            tally_quantise($0, kernel.code, from, block, columns, scratch.ranks)
          }
          areLanes = block >= part.isWorthLanes
          if areLanes {
            tally_transpose(scratch.ranks, block, quantiser.slotCount, kernel.code, scratch.lanes)
          }
        }
        var marginColumn = 0
        var next = 0
        for index in part.models {
          while next < index {
            marginColumn += models[next].baseMargins.count
            next += 1
          }
          let to = output + done * stride + (isMargin ? marginColumn : models[index].first)
          evaluate(
            models[index], from, block, areLanes, scratch, isMargin: isMargin, into: to, stride: stride)
        }
      }
      done += block
    }
  }

  /// One model over at most 64 rows.
  private func evaluate(
    _ model: Model, _ rows: UnsafePointer<Float>, _ count: Int, _ areLanes: Bool, _ scratch: ForestScratch,
    isMargin: Bool, into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let groups = model.baseMargins.count
    let margins = scratch.margins
    // [group][64] when rows are lanes, else [row][group].
    let (rowStep, groupStep) = areLanes && model.isPacked ? (1, Self.blockRows) : (groups, 1)
    model.baseMargins.withUnsafeBufferPointer { base in
      for group in 0..<groups {
        for row in 0..<count { margins[row * rowStep + group * groupStep] = base[group] }
      }
    }
    switch model.trees {
    case .packed(let trees):
      withUnsafePointer(to: trees.plan) { plan in
        if areLanes {
          tally_score_rows(plan, kernel.code, scratch.ranks, scratch.lanes, count, margins)
        } else {
          for row in 0..<count {
            tally_score_row(
              plan, kernel.code, scratch.ranks + row * ForestScratch.rankStride, margins + row * groups)
          }
        }
      }
    case .flat(let trees):
      withUnsafePointer(to: trees.plan) { tally_score_flat($0, rows, count, columns, groups, margins) }
    }
    for row in 0..<count {
      let to = output + row * stride
      for group in 0..<groups { scratch.row[group] = margins[row * rowStep + group * groupStep] }
      if isMargin {
        to.update(from: scratch.row, count: groups)
      } else {
        model.transform.apply(scratch.row, groups, into: to)
      }
    }
  }
}

/// Memory that scoring writes; one thread at a time.
public final class ForestScratch {
  static let rankStride = Int(TALLY_SLOTS_MAX)
  let groups: Int
  let ranks: UnsafeMutablePointer<UInt8>
  let lanes: UnsafeMutablePointer<UInt8>
  let margins: UnsafeMutablePointer<Float>
  let row: UnsafeMutablePointer<Float>
  private let memory: UnsafeMutableRawPointer

  init(groups: Int) {
    self.groups = groups
    let rows = Int(TALLY_ROWS)
    let rankBytes = rows * Self.rankStride
    let marginBytes = rows * groups * 4
    // Quantising may write a few bytes behind the last row's ranks.
    let total = rankBytes * 2 + marginBytes + groups * 4 + 256
    memory = .allocate(byteCount: total, alignment: 64)
    memset(memory, 0, total)
    ranks = memory.assumingMemoryBound(to: UInt8.self)
    lanes = (memory + rankBytes + 64).assumingMemoryBound(to: UInt8.self)
    margins = (memory + 2 * rankBytes + 64).assumingMemoryBound(to: Float.self)
    row = (memory + 2 * rankBytes + 64 + marginBytes).assumingMemoryBound(to: Float.self)
  }

  deinit { memory.deallocate() }
}

extension Objective.Transform {
  /// Makes outputs of a row's margins, in the operations and the precision of XGBoost 1.7 (src/common/math.h).
  func apply(_ margins: UnsafeMutablePointer<Float>, _ groups: Int, into output: UnsafeMutablePointer<Float>)
  {
    switch self {
    case .identity: output.update(from: margins, count: groups)
    case .logistic:
      for group in 0..<groups {
        // The library adds 1e-16 as well, which changes no float of at least one.
        output[group] = 1 / (expf(min(-margins[group], 88.7)) + 1)
      }
    case .exponential: for group in 0..<groups { output[group] = expf(margins[group]) }
    case .softmax:
      var best = 0
      for group in 0..<groups where margins[group] > margins[best] { best = group }
      output[0] = Float(best)
    case .softprob:
      var highest = margins[0]
      for group in 0..<groups { highest = max(highest, margins[group]) }
      var sum = 0.0
      for group in 0..<groups {
        output[group] = expf(margins[group] - highest)
        sum += Double(output[group])
      }
      for group in 0..<groups { output[group] /= Float(sum) }
    }
  }
}
