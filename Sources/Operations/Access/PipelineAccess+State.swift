import Configuration
import Dataflow
import Features

extension PipelineAccess {
  /// Throws `Failure` when the pipeline keeps no state, which `what` works on; `instead`: what to do.
  package func requireState(for what: String, instead: String) throws {
    guard !pipeline.program.keepsState else { return }
    throw Failure("\(what): the pipeline keeps no state (state: none); \(instead)", reason: .usage)
  }
}
