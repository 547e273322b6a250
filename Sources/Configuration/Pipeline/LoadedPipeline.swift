package import Dataflow
import Declaration
import Events
package import Features
import Foundation

/// A pipeline as declared and compiled.
package struct LoadedPipeline {
  package let file: String
  package let declaration: PipelineDeclaration
  package let program: FeatureProgram

  /// Reads, checks and compiles a pipeline file. Throws `Failure` naming file, line and column.
  package init(file: String) throws {
    let text = try readText(file, what: "pipeline file")
    do {
      declaration = try loadPipeline(yaml: text)
      program = try FeatureProgram(declaration.features)
      try checkTraining(of: declaration.models, program.columns)
      try checkReport(of: declaration.models, program.columns)
    } catch {
      throw Failure("\(file):\(error)", reason: .badPipeline)
    }
    self.file = file
  }
}
