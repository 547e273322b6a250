/// What is known of a model version besides its files: `metadata.json`. The version's hash does not cover it.
public struct VersionMetadata: Codable, Equatable, Sendable {
  /// One file of the version, as it was registered; what an altered one is compared with.
  public struct File: Codable, Equatable, Sendable {
    /// Name within the version.
    public let name: String
    /// Bytes.
    public let length: Int
    /// 32 hex digits of the bytes' `Hash128`.
    public let hash: String
  }

  /// What a model was trained and measured on.
  public struct DataSet: Codable, Equatable, Sendable {
    /// Hash of the rows that were learnt from: entities, moments, labels and features.
    public var digest: String
    /// Hash of the rows that were held back: entities, moments and labels. Two versions with the same one were measured on
    /// the same rows, whatever their features are.
    public var heldBackDigest: String
    /// Rows learnt from.
    public var rows: Int
    /// Rows held back.
    public var heldBackRows: Int

    package init(digest: String, heldBackDigest: String, rows: Int, heldBackRows: Int) {
      self.digest = digest
      self.heldBackDigest = heldBackDigest
      self.rows = rows
      self.heldBackRows = heldBackRows
    }

    private enum CodingKeys: String, CodingKey {
      case digest
      case heldBackDigest = "held_back_digest"
      case rows
      case heldBackRows = "held_back_rows"
    }
  }

  /// Name of the pipeline.
  public var pipeline: String
  /// Name of the model in the pipeline.
  public var model: String
  /// 16 hex digits, as the folder is named; set when it is registered.
  public internal(set) var version = ""
  /// `train` or `import`.
  public var source: String
  /// What made the trees, such as `gbtree of XGBoost 1.7.4`.
  public var algorithm: String
  /// XGBoost's name of the objective.
  public var objective: String
  /// Parameters of the training by name; empty: not known.
  public var parameters: [String: String] = [:]
  /// What it learnt from; nil: not known.
  public var data: DataSet?
  /// Kind of `featureHashes`; nil: not known what the features meant.
  public var featureSchema: Int?
  /// What each feature meant, by name.
  public var featureHashes: [String: String] = [:]
  /// Figures on the rows held back, by name: rmse, mae, r2, auc, log_loss.
  public var metrics: [String: Double] = [:]
  /// 95 % intervals of figures, by name: least and greatest value.
  public var intervals: [String: [Double]]?
  /// How far groups are apart, by name: `GROUP.parity_difference`, `GROUP.odds_difference`, `GROUP.least_ratio`.
  public var fairness: [String: Double]?
  /// Seconds that the training took; nil: not known.
  public var trainingSeconds: Double?
  /// Version of the program that registered it.
  public var codeVersion: String
  /// When it was registered: RFC 3339.
  public var createdAt: String
  /// Who registered it: the user's name.
  public var who: String
  /// The files that the hash covers, by name; set when it is registered.
  public internal(set) var files: [File] = []

  package init(
    pipeline: String, model: String, source: String, algorithm: String, objective: String,
    codeVersion: String,
    createdAt: String, who: String
  ) {
    self.pipeline = pipeline
    self.model = model
    self.source = source
    self.algorithm = algorithm
    self.objective = objective
    self.codeVersion = codeVersion
    self.createdAt = createdAt
    self.who = who
  }

  private enum CodingKeys: String, CodingKey {
    case pipeline, model, version, source, algorithm, objective, parameters, data
    case featureSchema = "feature_schema"
    case featureHashes = "feature_hashes"
    case metrics, intervals, fairness
    case trainingSeconds = "training_seconds"
    case codeVersion = "code_version"
    case createdAt = "created_at"
    case who, files
  }
}
