import Dataflow

/// How a model is trained in the end: what the command line says, else its pipeline, else the defaults.
struct Recipe {
  private let training: TrainingDeclaration
  let trees: Int
  let earlyStopping: Int
  var classWeights: ClassWeights? { training.classWeights }
  private let depth: Int
  private let eta: Double

  init(_ declared: TrainingDeclaration, _ given: TrainingDeclaration) {
    training = declared
    trees = given.trees ?? declared.trees ?? 500
    depth = given.depth ?? declared.depth ?? 8
    eta = given.eta ?? declared.eta ?? 0.05
    earlyStopping = given.earlyStopping ?? declared.earlyStopping ?? 20
  }

  /// As XGBoost wants them, of features by their column's number. A column that nothing is said of is left free.
  func parameters(_ columns: [String]) -> [(name: String, value: String)] {
    var all: [(name: String, value: String)] = [("max_depth", String(depth)), ("eta", String(eta))]
    all += training.parameters.sorted { $0.key < $1.key }.map { ($0.key, String($0.value)) }
    func number(_ mention: FeatureMention) -> Int? {
      columns.firstIndex { $0.utf8.elementsEqual(mention.name.utf8) }
    }
    if !training.monotone.isEmpty {
      var directions = columns.map { _ in 0 }
      for constraint in training.monotone {
        if let column = number(constraint.feature) { directions[column] = constraint.isIncreasing ? 1 : -1 }
      }
      all.append(("monotone_constraints", "(" + directions.map(String.init).joined(separator: ",") + ")"))
    }
    if !training.interactions.isEmpty {
      let groups = training.interactions.map { group in
        "[" + group.compactMap(number).map(String.init).joined(separator: ",") + "]"
      }
      all.append(("interaction_constraints", "[" + groups.joined(separator: ",") + "]"))
    }
    return all
  }
}
