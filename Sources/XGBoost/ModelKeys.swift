/// Every member of every object of a model file, with the releases of XGBoost that write it.
///
/// Written down from `SaveModel` and `SaveConfig` of the releases 1.7.6 to 3.4.1 (src/learner.cc, src/gbm, src/tree,
/// src/objective, src/data/cat_container.cc). A member that is not here may change what a model predicts, so that a file
/// which has one is refused: see `check`. Only `attributes` may hold anything: they are the user's.
struct ModelKeys: Sendable {
  /// What a member's value is.
  enum Kind: Sendable {
    /// Something else than an object, or a list of such.
    case value
    /// Any texts by name.
    case texts
    /// An object.
    case object
    /// A list of objects.
    case list
  }

  private let kind: Kind
  private let members: [Member]

  private static let value = ModelKeys(kind: .value, members: [])
  private static let texts = ModelKeys(kind: .texts, members: [])
  private static func object(_ members: [Member]) -> ModelKeys { ModelKeys(kind: .object, members: members) }
  private static func list(_ members: [Member]) -> ModelKeys { ModelKeys(kind: .list, members: members) }

  struct Member: Sendable {
    var name: String
    var inside: ModelKeys
    /// Releases that write it: major and minor.
    var releases: ClosedRange<XGBoostRelease>
  }

  private static func key(
    _ name: String, _ inside: ModelKeys = .value, from first: XGBoostRelease = XGBoostRelease(0, 0),
    to last: XGBoostRelease = XGBoostRelease(.max, 0)
  ) -> Member {
    Member(name: name, inside: inside, releases: first...last)
  }

  private static func keys(_ names: String...) -> [Member] { names.map { key($0) } }

  static let file = ModelKeys.object([key("version"), key("learner", .object(learner))])

  private static let learner: [Member] = [
    key("attributes", .texts), key("feature_names"), key("feature_types"),
    key(
      "learner_model_param",
      .object(keys("base_score", "boost_from_average", "num_class", "num_feature", "num_target"))),
    key("gradient_booster", .object(booster)), key("objective", .object(objective)),
  ]

  /// DART was a booster around another up to 3.2, is weights beside the trees' model in 3.3, and inside it from 3.4 on.
  private static let booster: [Member] = [
    key("name"), key("model", .object(model)),
    key("gbtree", .object([key("name"), key("model", .object(model))]), to: XGBoostRelease(3, 2, .max)),
    key("weight_drop", to: XGBoostRelease(3, 3, .max)),
  ]

  private static let model: [Member] = [
    key(
      "gbtree_model_param",
      .object(
        keys("num_parallel_tree", "num_trees") + [
          key("size_leaf_vector", to: XGBoostRelease(1, 7, .max))
        ])),
    key("tree_info"), key("trees", .list(tree)), key("iteration_indptr", from: XGBoostRelease(2, 0)),
    key(
      "cats",
      .object([
        key("enc", .list(keys("offsets", "values", "type"))), key("feature_segments"), key("sorted_idx"),
      ]),
      from: XGBoostRelease(3, 1)),
    key("weight_drop", from: XGBoostRelease(3, 4)),
  ]

  private static let tree: [Member] =
    keys(
      "base_weights", "categories", "categories_nodes", "categories_segments", "categories_sizes",
      "default_left", "id", "left_children", "loss_changes", "parents", "right_children", "split_conditions",
      "split_indices", "split_type", "sum_hessian")
    + [
      // Leaves that are vectors: refused by their size, in words.
      key("leaf_weights", from: XGBoostRelease(2, 0)),
      key(
        "tree_param", .object(keys("num_deleted", "num_feature", "num_nodes", "size_leaf_vector"))),
    ]

  /// Parameters of objectives that are served. All but `num_class` and `quantile_alpha`, which are compared with the model's
  /// outputs, are the training's alone.
  private static let objective: [Member] = [
    key("name"), key("reg_loss_param", .object(keys("scale_pos_weight"))),
    key("softmax_multiclass_param", .object(keys("num_class"))),
    key("poisson_regression_param", .object(keys("max_delta_step"))),
    key("tweedie_regression_param", .object(keys("tweedie_variance_power"))),
    key("pseudo_huber_param", .object(keys("huber_slope"))),
    key("quantile_loss_param", .object(keys("quantile_alpha")), from: XGBoostRelease(2, 0)),
  ]

  /// Throws for the first member that the release does not write, naming where it stands.
  ///
  /// A file of a release beyond those that were compared is held to the nearest of them.
  func check(
    _ value: ModelValue, _ release: XGBoostRelease, at path: String = ""
  ) throws(ModelFormatError) {
    switch kind {
    case .object:
      guard case .object(let found) = value else { throw ModelFormatError(text: "\(path) is not an object") }
      try Self.check(found, members, release, path)
    case .list:
      guard let elements = value.elements else { throw ModelFormatError(text: "\(path) is not a list") }
      for (index, element) in elements.enumerated() {
        guard case .object(let found) = element else {
          throw ModelFormatError(text: "\(path)[\(index)] is not an object")
        }
        try Self.check(found, members, release, "\(path)[\(index)]")
      }
    case .texts:
      guard case .object(let found) = value else { throw ModelFormatError(text: "\(path) is not an object") }
      for member in found {
        if case .text = member.value { continue }
        throw ModelFormatError(text: "\(path).\(shortened(member.name)) is not a text")
      }
    case .value: try Self.checkPlain(value, release, path)
    }
  }

  /// Objects, and lists of something else than numbers and texts, are nowhere but where they are known.
  private static func checkPlain(
    _ value: ModelValue, _ release: XGBoostRelease, _ path: String
  ) throws(ModelFormatError) {
    if case .object(let found) = value, let first = found.first { throw unknown(first.name, release, path) }
    guard case .list(let elements) = value else { return }
    for element in elements {
      if case .text = element { continue }
      throw ModelFormatError(text: "\(path) is a list of something else than numbers or texts")
    }
  }

  private static func check(
    _ found: [(name: String, value: ModelValue)], _ members: [Member], _ release: XGBoostRelease,
    _ path: String
  ) throws(ModelFormatError) {
    let release = min(max(release, XGBoostRelease.compared.lowerBound), XGBoostRelease.compared.upperBound)
    for member in found {
      guard let known = members.first(where: { $0.name.utf8.elementsEqual(member.name.utf8) }),
        known.releases.contains(release)
      else { throw unknown(member.name, release, path) }
      try known.inside.check(member.value, release, at: path.isEmpty ? member.name : "\(path).\(member.name)")
    }
  }

  private static func unknown(
    _ name: String, _ release: XGBoostRelease, _ path: String
  ) -> ModelFormatError {
    let place = path.isEmpty ? "" : " in \(path)"
    return ModelFormatError(
      text: """
        the file has \(shortened(name))\(place), which XGBoost \(release) does not write and which may change what the \
        model predicts: save it with a release from 1.7 to \(XGBoostRelease.compared.upperBound), or ask for support of it
        """)
  }
}

/// A file's text as an error can show it.
func shortened(_ text: String) -> String {
  "\"" + String(text.unicodeScalars.prefix(40).map { $0.isASCII && $0.value >= 32 ? Character($0) : "?" })
    + "\""
}
