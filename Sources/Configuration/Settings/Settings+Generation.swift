import Features

extension Settings {
  /// The generation in which a pipeline's states begin. Where none are kept there is nothing to make anew: another group begins anew.
  package func firstGeneration(of pipeline: LoadedPipeline) -> UInt64 {
    pipeline.program.keepsState || checkpoint != nil ? generation : 1
  }
}
