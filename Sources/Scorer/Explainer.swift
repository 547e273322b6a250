import CForest
public import XGBoost

/// Says what each column adds to a model's margins, row by row.
///
/// Exact, path-dependent TreeSHAP (Lundberg et al. 2018, arXiv:1802.03888): a column's contribution is its Shapley value when a
/// column that is not known makes a split go both ways, weighted by the training rows' covers. The contributions and the
/// expected margin add up to the margin; they equal libxgboost's `pred_contribs` within 1e-5 of the largest one. Computed by
/// quadrature over trees with 16 rows in lanes: the derivation is at the head of Sources/CForest/shap.c. Saabas' approximation
/// (2014; `approx_contribs`) is the change of the mean along a row's own way: cheaper, and biased to splits near the leaves.
///
/// Nothing is written after `init`: any number of threads may explain, each with a scratch of its own.
public final class Explainer: @unchecked Sendable {
  /// How contributions are found.
  public enum Method: String, CaseIterable, Sendable {
    /// Shapley values.
    case exact
    /// Saabas' approximation.
    case approximate
  }

  /// A column and what it adds to a margin.
  public struct Contribution: Equatable, Sendable {
    /// Column of the row.
    public var column: Int
    /// What it adds.
    public var value: Float
  }

  /// Columns of a row.
  public let columns: Int
  /// Groups of outputs: margins a row.
  public let groups: Int
  /// Each group's margin that is expected when no column is known, with the base score.
  public let expectedMargins: [Float]
  private let model: OpaquePointer
  private let level: tally_shap_level
  private static let blockRows = Int(TALLY_SHAP_LANES)

  /// Compiles an ensemble. Throws when its covers are no weights of a tree: negative, or children's that do not add up.
  public init(_ ensemble: TreeEnsemble, kernel: Kernel = .best) throws(XGBoostError) {
    let arrays = Arrays(ensemble)
    let (made, status) = arrays.compile(columns: ensemble.featureCount, groups: ensemble.groups)
    guard status == TALLY_SHAP_OK, let made else {
      throw XGBoostError(operation: "explain", cause: Self.cause(status))
    }
    model = made
    columns = ensemble.featureCount
    groups = ensemble.groups
    expectedMargins = ensemble.baseMargins.enumerated().map { $1 + tally_shap_expected(made, $0) }
    let wanted: tally_shap_level =
      switch kernel {
      case .portable: TALLY_SHAP_PORTABLE
      case .avx2: TALLY_SHAP_AVX2
      case .avx512: TALLY_SHAP_AVX512
      }
    level = tally_shap_supports(wanted) != 0 ? wanted : TALLY_SHAP_PORTABLE
  }

  deinit { tally_shap_free(model) }

  private static func cause(_ status: tally_shap_status) -> String {
    switch status {
    case TALLY_SHAP_COVER: "the model's covers (sum_hessian) do not add up from children to parents"
    case TALLY_SHAP_SIZE: "the model has too many splits"
    case TALLY_SHAP_MEMORY: "no memory"
    default: "the model's covers or leaves are no finite numbers, or negative"
    }
  }

  /// Memory that one thread needs to explain.
  public func makeScratch() -> ExplainerScratch {
    ExplainerScratch(bytes: tally_shap_scratch_bytes(model), columns: columns)
  }

  /// Contributions of `count` rows, which lie one after the other; NaN is missing. Nothing is allocated.
  ///
  /// `output` gets [row][group][columns + 1] values, the last being the expected margin with the base score.
  public func contributions(
    _ rows: UnsafePointer<Float>, rows count: Int, method: Method = .exact, scratch: ExplainerScratch,
    into output: UnsafeMutablePointer<Float>
  ) {
    switch method {
    case .exact: tally_shap_rows(model, level, rows, columns, count, scratch.memory, output)
    case .approximate: tally_saabas_rows(model, rows, columns, count, scratch.memory, output)
    }
    for row in 0..<count {
      for group in 0..<groups {
        output[(row * groups + group) * (columns + 1) + columns] = expectedMargins[group]
      }
    }
  }

  /// The `k` largest contributions, by absolute value, of each row and group, without those of the others in memory: `visit` is
  /// called once for each row and group, rows in their order within blocks of 16. Equal ones: the lower column first.
  public func top(
    _ k: Int, _ rows: UnsafePointer<Float>, rows count: Int, method: Method = .exact,
    scratch: ExplainerScratch, visit: (_ row: Int, _ group: Int, _ top: [Contribution]) -> Void
  ) {
    var columns = [UInt32](repeating: 0, count: max(min(k, self.columns), 0))
    var values = [Float](repeating: 0, count: columns.count)
    for first in stride(from: 0, to: count, by: Self.blockRows) {
      let block = min(Self.blockRows, count - first)
      tally_shap_load(model, rows + first * self.columns, self.columns, block, scratch.memory)
      for group in 0..<groups {
        switch method {
        case .exact: tally_shap_group(model, level, group, scratch.memory, scratch.block)
        case .approximate: tally_saabas_group(model, group, scratch.memory, scratch.block)
        }
        for lane in 0..<block {
          let found = tally_shap_top(model, scratch.block, lane, columns.count, &columns, &values)
          visit(
            first + lane, group,
            (0..<found).map { Contribution(column: Int(columns[$0]), value: values[$0]) })
        }
      }
    }
  }

  /// An ensemble's trees as flat arrays.
  private struct Arrays {
    private var first: [UInt32] = [0]
    private var group: [UInt32] = []
    private var left: [Int32] = []
    private var right: [Int32] = []
    private var feature: [Int32] = []
    private var value: [Float] = []
    private var defaultLeft: [UInt8] = []
    private var cover: [Float] = []
    private var set: [Int32] = []
    private var setFirst: [UInt32] = [0]
    private var words: [UInt32] = []

    init(_ ensemble: TreeEnsemble) {
      for tree in ensemble.trees {
        left += tree.left
        right += tree.left.map { $0 < 0 ? -1 : $0 + 1 }
        feature += tree.feature
        value += tree.left.indices.map { tree.left[$0] < 0 ? tree.leaf($0) : tree.value[$0] }
        defaultLeft += tree.defaultLeft.map { $0 ? 1 : 0 }
        cover += tree.cover
        set += tree.left.indices.map { Int32(tree.left[$0] < 0 ? -1 : tree.set($0) ?? -1) }
        first.append(UInt32(left.count))
        group.append(UInt32(tree.group))
      }
      for own in ensemble.categorySets {
        words += own
        setFirst.append(UInt32(words.count))
      }
    }

    func compile(columns: Int, groups: Int) -> (OpaquePointer?, tally_shap_status) {
      var model: OpaquePointer?
      let status = tally_shap_compile(
        columns, groups, group.count, first, group, left, right, feature, value, defaultLeft, cover, set,
        setFirst.count - 1, setFirst, words, &model)
      return (model, status)
    }
  }
}

/// Memory that explaining writes; one thread at a time.
public final class ExplainerScratch {
  let memory: UnsafeMutableRawPointer
  /// [columns + 1][16 rows]
  let block: UnsafeMutablePointer<Float>

  init(bytes: Int, columns: Int) {
    memory = .allocate(byteCount: max(bytes, 64), alignment: 64)
    block = .allocate(capacity: (columns + 1) * Int(TALLY_SHAP_LANES))
  }

  deinit {
    memory.deallocate()
    block.deallocate()
  }
}
