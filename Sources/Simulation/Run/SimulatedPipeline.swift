import Dataflow
import Events
import Features

/// What all workers of all runs have in common.
struct SimulatedPipeline: Sendable {
  let program: FeatureProgram
  /// What scores have in common.
  let context: ScoreContext
  /// Hash of the model set that a pipeline begins with, as the partition record has it.
  let modelSet = SumScorer.hash(of: 0)
  /// The generation in which states begin.
  let generation: UInt64 = 1

  /// Throws when the features cannot be compiled.
  init(keepsState: Bool) throws {
    let somewhere = SourcePosition(line: 1, column: 1)
    let amount = AttributeDeclaration(
      name: "amount", type: .number(decimals: 2, minimum: -1e6, maximum: 1e6), position: somewhere)
    let ofStates = [
      ("n", "count(any)"), ("n1", "count(any, 1d)"), ("d", "decayed(any, 1d)"), ("h", "peak_hour(any, 7d)"),
      ("r", "active_days(any, 7d)"), ("s", "mean(buy.amount, 7d)"), ("l", "last(buy.amount)"),
    ]
    let ofProfiles = [
      ("a", "profile.amount"), ("b", "profile.amount * 2 + 1"), ("m", "coalesce(profile.amount, -7)"),
    ]
    let buy = EventTypeDeclaration(name: "buy", attributes: [amount], position: somewhere)
    program = try FeatureProgram(
      FeatureSetDeclaration(
        profile: keepsState ? [] : [amount], events: keepsState ? [buy] : [],
        features: (keepsState ? ofStates : ofProfiles).map {
          FeatureDeclaration(
            name: $0.0, expression: $0.1, isColumn: true, labels: [], position: somewhere)
        }, idleTTL: nil, keepsState: keepsState))
    context = ScoreContext(
      pipeline: "simulated", topic: "events", definition: program.definitionHash.hex,
      featureNames: program.columnNames, featureLabels: program.columnLabels, outputNames: ["sum"],
      modelNames: ["sum"], modelVersions: [SumScorer.hash(of: 0)], decisionNames: ["large"],
      decisionLabels: [[]],
      tableFeatures: [], keepsState: keepsState)
  }
}
