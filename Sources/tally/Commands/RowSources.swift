import Dataflow
import Training

/// Where the rows of models come from: events that say what is to be learnt, a labels file, or a draw of all that are scored.
struct RowSources {
  let ofEvents: [ModelDeclaration]
  let ofFile: [ModelDeclaration]
  /// Models that learn no label, where there is none.
  let ofSample: [ModelDeclaration]
  /// Whether rows are drawn where nobody gives labels.
  let samples: Bool
  /// A model whose labels file is not given; nil: there is none.
  let withoutTable: ModelDeclaration?

  /// `own`: labels that the pipeline's expressions make. Models without a label take the rows that these make, where there are any, else
  /// those of the labels file, else drawn ones: so they learn of the same rows as others, and of those that are exported.
  init(_ models: [ModelDeclaration], own: [String], hasTable: Bool) {
    let free = models.filter { $0.label == nil }
    let labelled = models.filter { $0.label != nil }
    let learnsOfEvents = { (model: ModelDeclaration) in own.contains(model.label ?? "") }
    samples = !hasTable && own.isEmpty
    ofEvents = labelled.filter(learnsOfEvents) + (own.isEmpty ? [] : free)
    ofFile = labelled.filter { !learnsOfEvents($0) } + (hasTable && own.isEmpty ? free : [])
    ofSample = samples ? free : []
    withoutTable = hasTable ? nil : labelled.first { !learnsOfEvents($0) }
  }
}

extension ModelDeclaration {
  /// Whether `tally train` can make it: it has a label, or needs none.
  var isTrainable: Bool { label != nil || kind == .anomaly }
}
