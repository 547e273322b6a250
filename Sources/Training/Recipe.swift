import Dataflow

/// How a model is trained in the end: what the command line says, else its pipeline, else the defaults.
struct Recipe {
  private let training: TrainingDeclaration
  let trees: Int
  let earlyStopping: Int
  var classWeights: ClassWeights? { training.classWeights }
  private let depth: Int
  /// Levels, where somebody has said how many.
  let declaredDepth: Int?
  let eta: Double
  /// Trees, where somebody has said how many.
  let declaredTrees: Int?

  init(_ declared: TrainingDeclaration, _ given: TrainingDeclaration) {
    training = declared
    declaredTrees = given.trees ?? declared.trees
    trees = declaredTrees ?? TrainingOptions.treesDefault
    declaredDepth = given.depth ?? declared.depth
    depth = declaredDepth ?? 8
    eta = given.eta ?? declared.eta ?? 0.05
    earlyStopping = given.earlyStopping ?? declared.earlyStopping ?? 20
  }

  /// As XGBoost wants them, of features by their column's number. A column that nothing is said of is left free.
  func parameters(_ columns: [String]) -> [(name: String, value: String)] {
    var all: [(name: String, value: String)] = [("max_depth", String(depth)), ("eta", String(eta))]
    all += training.parameters.sorted { $0.key < $1.key }.map { ($0.key, String($0.value)) }
    let directions = directions(columns)
    if !directions.isEmpty {
      all.append(("monotone_constraints", "(" + directions.map(String.init).joined(separator: ",") + ")"))
    }
    if !training.interactions.isEmpty {
      let groups = training.interactions.map { group in
        "[" + group.compactMap { Self.number(of: $0, columns) }.map(String.init).joined(separator: ",") + "]"
      }
      all.append(("interaction_constraints", "[" + groups.joined(separator: ",") + "]"))
    }
    return all
  }

  /// For each column, 1: the output never falls with it, −1: it never rises, 0: it is free; empty: all are.
  func directions(_ columns: [String]) -> [Int] {
    if training.monotone.isEmpty { return [] }
    var directions = columns.map { _ in 0 }
    for constraint in training.monotone {
      if let column = Self.number(of: constraint.feature, columns) {
        directions[column] = constraint.isIncreasing ? 1 : -1
      }
    }
    return directions
  }

  private static func number(of mention: FeatureMention, _ columns: [String]) -> Int? {
    columns.firstIndex { $0.utf8.elementsEqual(mention.name.utf8) }
  }
}
