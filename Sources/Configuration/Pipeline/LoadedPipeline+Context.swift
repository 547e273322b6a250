import Events
import Features
package import Dataflow
package import Pipeline

/// What a run says of the pipeline that it serves.
extension LoadedPipeline {
  /// What every score of a run has in common.
  package func context(topic: String, scorer: any RowScorer, decider: any Decider) -> ScoreContext {
    context(
      topic: topic, outputs: scorer.outputNames, versions: scorer.modelVersions, decider: decider)
  }

  /// The same, with the outputs' names and their models' versions in place of loaded models.
  package func context(
    topic: String, outputs: [String], versions: [String], decider: any Decider
  ) -> ScoreContext {
    // Where nothing is scored, nothing is made of outputs either.
    let numbers = outputs.isEmpty ? [] : declaration.decisions.compactMap(\.outputName)
    return ScoreContext(
      pipeline: declaration.name, topic: topic, definition: program.definitionHash.hex,
      featureNames: program.columnNames, featureLabels: program.columnLabels,
      outputNames: outputs + numbers,
      modelNames: declaration.models.flatMap { model in model.outputs.map { _ in model.name } }
        + numbers.map { _ in "" },
      modelVersions: versions + numbers.map { _ in "" }, decisionNames: decider.decisionNames,
      decisionLabels: decider.decisionLabels,
      tableFeatures: declaration.tableFeatures.compactMap { program.columnNames.firstIndex(of: $0) },
      views: declaration.views, carriedCount: program.results.carriedCount,
      keepsState: program.keepsState)
  }

  /// What the store's records must have been made by.
  package func identity(generation: UInt64, modelSet: String, partitioner: Partitioner) -> PipelineIdentity {
    PipelineIdentity(
      name: declaration.name, generation: generation, stateHash: program.stateHash.hex, modelSet: modelSet,
      partitioner: partitioner)
  }
}
