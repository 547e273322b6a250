public import Dataflow
public import Registry

/// Scores whole batches with a pipeline's models. Each worker has its own; they share the models.
public final class ForestScorer: RowScorer {
  private let slot: ModelSlot
  private var models: ServedModels
  private var scratch: ForestScratch
  /// What the trees give, where optional models are not there.
  private var given: [Float] = []

  /// Output names, in the order of the models.
  public var outputNames: [String] { models.outputNames }
  /// Version of each output's model: of the models of the last batch.
  public var modelVersions: [String] { models.modelVersions }
  /// Thresholds that the models of the last batch have chosen.
  public var thresholds: [Float] { models.thresholds }
  /// The models as a set, with the hash that partition records carry.
  public var modelSet: ModelSet { models.modelSet }

  /// A scorer of what `slot` serves.
  public init(_ slot: ModelSlot) {
    self.slot = slot
    models = slot.current
    scratch = models.forest.makeScratch()
  }

  /// A scorer of models that stay.
  public convenience init(_ models: ServedModels) { self.init(ModelSlot(models)) }

  /// Fills `outputs` with the models' outputs, one column each; resized to the rows of `rows`.
  public func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws {
    let current = slot.current
    if current !== models {
      models = current
      scratch = models.forest.makeScratch()
    }
    let forest = models.forest
    precondition(rows.columns == forest.columns && outputs.columns == models.outputNames.count)
    outputs.resize(rows: rows.rows)
    if rows.rows == 0 { return }
    guard let places = models.places else {
      return models.score(rows.base, rows: rows.rows, scratch: scratch, into: outputs.base)
    }
    while given.count < rows.rows * places.count { given.append(0) }
    models.score(rows.base, rows: rows.rows, scratch: scratch, into: &given)
    outputs.base.update(repeating: .nan, count: outputs.rows * outputs.columns)
    for row in 0..<rows.rows {
      for (index, place) in places.enumerated() {
        outputs.row(row)[place] = given[row * places.count + index]
      }
    }
  }
}
