public import Features

/// Which rounds of a model count whose training was stopped early.
public enum ModelTrees: String, CaseIterable, Sendable {
  /// Those up to the best one.
  case best
  /// Every round that the file has.
  case all
}

/// A model that a pipeline scores with.
public struct ModelDeclaration: Equatable, Sendable {
  /// Name; also the name of its output, unless it has several.
  public var name: String
  /// Names of its outputs a row, in order.
  public var outputs: [String]
  /// Model file (XGBoost JSON or UBJSON), relative to the models folder.
  public var file: String
  /// What it learns: a label that the pipeline declares as an expression, else a column of the labels file; nil: not trainable here.
  public var label: String?
  /// XGBoost objective to train with, for example "reg:squarederror".
  public var objective: String
  /// What it says.
  public var kind: ModelKind
  /// Where the objective is declared; nil: it is not, and the model's file may be of any.
  public var objectivePosition: SourcePosition?
  /// Which trees count; nil: not declared.
  public var trees: ModelTrees?
  /// Whether a file of a release of XGBoost that was never compared is served all the same.
  public var acceptsVersion: Bool
  /// Whether the pipeline runs without its file; its outputs are missing then.
  public var isOptional: Bool
  /// How it is trained.
  public var training: TrainingDeclaration
  /// What its report says: the pipeline's declaration where the model has none of its own.
  public var report = ReportDeclaration()
  /// Where it is declared.
  public var position: SourcePosition

  /// A model; `outputs` nil: one, of the model's name.
  public init(
    name: String, outputs: [String]? = nil, file: String, label: String?, objective: String,
    kind: ModelKind = .regression, objectivePosition: SourcePosition? = nil, trees: ModelTrees? = nil,
    acceptsVersion: Bool = false,
    isOptional: Bool = false, training: TrainingDeclaration = TrainingDeclaration(), position: SourcePosition
  ) {
    self.name = name
    self.outputs = outputs ?? [name]
    self.file = file
    self.label = label
    self.objective = objective
    self.kind = kind
    self.objectivePosition = objectivePosition
    self.trees = trees
    self.acceptsVersion = acceptsVersion
    self.isOptional = isOptional
    self.training = training
    self.position = position
  }
}

/// What is made of the outputs, in order.
public enum DecisionDeclaration: Equatable, Sendable {
  /// Bounds an output.
  case clamp(output: String, minimum: Float, maximum: Float)
  /// Names the first threshold (descending) that the output reaches, else `otherwise`.
  case category(name: String, output: String, thresholds: [CategoryThreshold], otherwise: String)
  /// True when the output is greater than `above`.
  case trigger(name: String, output: String, above: Float)
  /// True when the output, which is a model's only one, reaches the threshold that the model has chosen.
  case modelTrigger(name: String, output: String)
  /// Names the greatest of a model's outputs, of equal ones the first; `labels`: their classes. Missing when they all are.
  case likeliest(name: String, outputs: [String], labels: [String])
  /// A number that is made of features and outputs: the features' result with this number. It is an output like those of models.
  /// `source`: a decision that tells which argument of `first_known` it is.
  case number(name: String, result: Int, source: SourceDecision?)
  /// True when the features' result with this number holds.
  case condition(name: String, result: Int)

  /// Name of the output that it adds; nil: none.
  public var outputName: String? {
    if case .number(let name, _, _) = self { return name }
    return nil
  }
}

/// Where a number comes from: one label for each argument of `first_known`.
public struct SourceDecision: Equatable, Sendable {
  /// Name of the decision.
  public var name: String
  /// Labels, in the order of the arguments; several may be the same.
  public var labels: [String]

  package init(name: String, labels: [String]) {
    self.name = name
    self.labels = labels
  }
}

/// One step of a category decision.
public struct CategoryThreshold: Equatable, Sendable {
  /// Label when reached.
  public var label: String
  /// Least value that reaches it.
  public var atLeast: Float

  package init(label: String, atLeast: Float) {
    self.label = label
    self.atLeast = atLeast
  }
}

/// A whole pipeline as its file declares it.
public struct PipelineDeclaration: Equatable, Sendable {
  /// Name: part of every key, row and record; `[a-z][a-z0-9_-]*`.
  public var name: String
  /// How records become events; nil: they are Tally's own envelope.
  public var input: InputMapping?
  /// Features and state.
  public var features: FeatureSetDeclaration
  /// Models in order; outputs have the same order and names.
  public var models: [ModelDeclaration]
  /// Decisions in order.
  public var decisions: [DecisionDeclaration]
  /// Names of the models' outputs, then of the numbers that are made of them.
  public var outputNames: [String] { models.flatMap(\.outputs) + decisions.compactMap(\.outputName) }
  /// Features that the table `latest_scores` carries beside outputs and decisions.
  public var tableFeatures: [String]
  /// Views that are made in the database.
  public var views: [TableView]
  /// The list of entities that the terminal shows; nil: none.
  public var board: BoardDeclaration?
  /// Furthest that an event time may lie ahead of its ingest time, microseconds.
  public var futureBound: Int64

  package init(
    name: String, input: InputMapping? = nil, features: FeatureSetDeclaration, models: [ModelDeclaration],
    decisions: [DecisionDeclaration], tableFeatures: [String], views: [TableView], board: BoardDeclaration?,
    futureBound: Int64
  ) {
    self.name = name
    self.input = input
    self.features = features
    self.models = models
    self.decisions = decisions
    self.tableFeatures = tableFeatures
    self.views = views
    self.board = board
    self.futureBound = futureBound
  }
}
