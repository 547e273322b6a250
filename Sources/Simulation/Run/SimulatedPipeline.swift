import Dataflow
import Events
import Features

/// What all workers of all runs have in common.
struct SimulatedPipeline: Sendable {
  let program: FeatureProgram
  /// What scores have in common.
  let context: ScoreContext
  /// Hash of the model set, as the partition record has it.
  let modelSet = "1"
  /// The generation in which states begin.
  let generation: UInt64 = 1

  /// Throws when the features cannot be compiled.
  init() throws {
    let somewhere = SourcePosition(line: 1, column: 1)
    let amount = AttributeDeclaration(
      name: "amount", type: .number(decimals: 2, minimum: -1e6, maximum: 1e6), position: somewhere)
    let features = [
      ("n", "count(any)"), ("n1", "count(any, 1d)"), ("d", "decayed(any, 1d)"), ("h", "peak_hour(any, 7d)"),
      ("r", "active_days(any, 7d)"), ("s", "mean(buy.amount, 7d)"), ("l", "last(buy.amount)"),
    ]
    program = try FeatureProgram(
      FeatureSetDeclaration(
        profile: [], events: [EventTypeDeclaration(name: "buy", attributes: [amount], position: somewhere)],
        features: features.map {
          FeatureDeclaration(
            name: $0.0, expression: $0.1, isColumn: true, labels: [], position: somewhere)
        }, idleTTL: nil))
    context = ScoreContext(
      pipeline: "simulated", topic: "events", definition: program.definitionHash.hex,
      featureNames: program.columnNames, featureLabels: program.columnLabels, outputNames: ["sum"],
      modelNames: ["sum"], modelVersions: ["1"], decisionNames: ["large"], decisionLabels: [[]],
      tableFeatures: [])
  }
}
