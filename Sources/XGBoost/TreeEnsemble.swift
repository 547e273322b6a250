internal import Foundation

/// One regression tree as a model file has it; arrays by node, node 0 is the root.
public struct RegressionTree: Sendable {
  /// Left child; -1: a leaf. The right child is the node behind it.
  public var left: [Int32]
  /// Feature that a split compares.
  public var feature: [Int32]
  /// A split's condition (value < condition goes left), or a leaf's value.
  public var value: [Float]
  /// Whether a missing value goes left.
  public var defaultLeft: [Bool]
  /// Sum of the hessians of the training rows that came to the node: how many they were, for most objectives.
  public var cover: [Float]
  /// The node's set in the ensemble's `categorySets`: a category in it goes right; -1: a numerical split. Empty: all are.
  public var categorySet: [Int32]
  /// Group of outputs that the leaves add to.
  public var group: Int
  /// What DART multiplies the leaves by; 1 for other boosters.
  public var weight: Float
  /// How much each split lowers the loss of the training, in the objective's units; empty: not known.
  public var gain: [Float] = []

  /// A tree of one leaf, to be grown by `split`.
  public init(leaf: Float, cover: Float, group: Int = 0) {
    left = [-1]
    feature = [0]
    value = [leaf]
    defaultLeft = [false]
    self.cover = [cover]
    categorySet = []
    self.group = group
    weight = 1
  }

  init(
    left: [Int32], feature: [Int32], value: [Float], defaultLeft: [Bool], cover: [Float],
    categorySet: [Int32],
    group: Int, weight: Float
  ) {
    self.left = left
    self.feature = feature
    self.value = value
    self.defaultLeft = defaultLeft
    self.cover = cover
    self.categorySet = categorySet
    self.group = group
    self.weight = weight
  }

  /// Makes a leaf a split on a number: two leaves of value 0 join at the end. Returns the left one; the right one is behind it.
  public mutating func split(
    _ node: Int, feature column: Int, below threshold: Float, missingGoLeft: Bool,
    covers: (left: Float, right: Float)
  ) -> Int {
    precondition(left[node] < 0 && categorySet.isEmpty && gain.isEmpty)
    let first = left.count
    left[node] = Int32(first)
    feature[node] = Int32(column)
    value[node] = threshold
    defaultLeft[node] = missingGoLeft
    left += [-1, -1]
    feature += [0, 0]
    value += [0, 0]
    defaultLeft += [false, false]
    cover += [covers.left, covers.right]
    return first
  }

  /// The set that a node compares with; nil: it compares numbers.
  public func set(_ node: Int) -> Int? {
    categorySet.isEmpty || categorySet[node] < 0 ? nil : Int(categorySet[node])
  }

  /// A leaf's value as it is added.
  public func leaf(_ node: Int) -> Float { weight == 1 ? value[node] : value[node] * weight }
}

/// The trees of a model file of XGBoost, in their order, and what belongs to them.
///
/// Everything in it has been checked: trees are trees, children, features, groups and sets exist.
/// File format: XGBoost 1.7 to 3.4, doc/model.schema, src/tree/tree_model.cc and src/gbm; every member of it: `ModelKeys`.
public struct TreeEnsemble: Sendable {
  /// The release that wrote the file.
  public var release: XGBoostRelease
  /// What it was trained for.
  public var objective: Objective
  /// Whether a row's outputs are sorted: XGBoost does so with several quantiles from 3.4 on.
  public var sortsOutputs: Bool
  /// For each group, the base score as the file has it: on the scale of the output.
  public var baseScores: [Float]
  /// Groups of trees, each making one margin a row: classes, quantiles, or 1.
  public var groups: Int
  /// Columns of a row.
  public var featureCount: Int
  /// Names of the columns; empty: the file has none.
  public var featureNames: [String]
  /// Types of the columns; empty: the file has none.
  public var featureTypes: [FeatureType]
  /// Names of the columns' categories, nil where there are none; empty: the file has none.
  public var categoryNames: [CategoryNames?]
  /// Texts that were saved with the model, such as `best_iteration`.
  public var attributes: [String: String]
  /// Whether leaves are multiplied by weights: DART, or gbtree with `rate_drop`.
  public var isDart: Bool
  /// The trees, in the order in which their leaves are added.
  public var trees: [RegressionTree]
  /// Sets of categories: bits of words, lowest first.
  public var categorySets: [[UInt32]]

  /// Whether margins are given as they are, for others to make outputs of; else as the objective says.
  public var givesMargins = false

  /// What is made of the margins.
  public var transform: Objective.Transform {
    givesMargins ? .identity : sortsOutputs ? .sorted : objective.transform
  }
  /// Outputs of a row: one for each group, but for `multi:softmax`, whose output is the class.
  public var outputs: Int { objective == .softmax ? 1 : groups }
  /// Margins before any tree, one for each group.
  public var baseMargins: [Float] { baseScores.map { objective.baseMargin($0) } }

  /// Trees of ours whose margins are the outputs: the objective is `reg:squarederror`, the base scores are 0. The trees of each round
  /// stand together, one for each group.
  public init(trees: [RegressionTree], groups: Int, featureCount: Int) {
    precondition(!trees.isEmpty && trees.count % groups == 0)
    self.init(
      release: XGBoostRelease(1, 7, 4), objective: .squaredError, sortsOutputs: false,
      baseScores: [Float](repeating: 0, count: groups), featureCount: featureCount, featureNames: [],
      featureTypes: [], categoryNames: [], attributes: [:], isDart: false, trees: trees, categorySets: [])
  }

  /// Reads a model file of this path; throws as `init(bytes:name:)`.
  public init(path: String, reading: ModelReading = ModelReading()) throws(XGBoostError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw XGBoostError(operation: "load \(path)", cause: "no such file, or it cannot be read")
    }
    self = try TreeEnsemble(bytes: [UInt8](data), name: path, reading: reading)
  }

  /// Reads a model file; its form is told by the ending of `name`, which errors name.
  ///
  /// Throws for what is broken or hostile, and for models of kinds that are not served, by name: other boosters than
  /// gbtree and dart, other objectives, leaves that are vectors. So are a release that was never compared, a member that its
  /// release does not write, and early stopping whose meaning `reading` does not tell.
  public init(
    bytes: [UInt8], name: String, reading: ModelReading = ModelReading()
  ) throws(XGBoostError) {
    guard let format = ModelFormat(path: name) else {
      throw XGBoostError(operation: "load \(name)", cause: "the name ends neither in .json nor in .ubj")
    }
    do throws(ModelFormatError) {
      self = try ModelBytes.ensemble(bytes, format, reading)
    } catch {
      throw XGBoostError(operation: "load \(name)", cause: error.text)
    }
  }

  init(
    release: XGBoostRelease, objective: Objective, sortsOutputs: Bool, baseScores: [Float], featureCount: Int,
    featureNames: [String], featureTypes: [FeatureType], categoryNames: [CategoryNames?],
    attributes: [String: String], isDart: Bool, trees: [RegressionTree], categorySets: [[UInt32]]
  ) {
    self.release = release
    self.objective = objective
    self.sortsOutputs = sortsOutputs
    self.baseScores = baseScores
    groups = baseScores.count
    self.featureCount = featureCount
    self.featureNames = featureNames
    self.featureTypes = featureTypes
    self.categoryNames = categoryNames
    self.attributes = attributes
    self.isDart = isDart
    self.trees = trees
    self.categorySets = categorySets
  }
}
