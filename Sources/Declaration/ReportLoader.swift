public import Dataflow
public import Features

/// Reads what models' reports say: `report: {groups: [location, {age: [25, 40]}], intended_use: "…"}`.
enum ReportLoader {
  private static let groupsMost = 20
  private static let boundsMost = 50
  private static let textBytesMost = 4_000

  /// What the pipeline says of all its models.
  static func shared(_ value: YAMLValue?) throws(DeclarationError) -> ReportDeclaration {
    var report = ReportDeclaration()
    guard let section = try value?.section() else { return report }
    try section.allow(["groups", "intended_use", "limits"])
    try read(section, into: &report)
    return report
  }

  /// What a model says itself goes before what the pipeline says, key by key.
  static func report(
    _ value: YAMLValue?, of model: ModelDeclaration, shared: ReportDeclaration
  ) throws(DeclarationError) -> ReportDeclaration {
    var report = shared
    guard let section = try value?.section() else { return report }
    try section.allow(["groups", "favourable", "intended_use", "limits"])
    try read(section, into: &report)
    report.favourable = try section["favourable"].map { (value) throws(DeclarationError) in
      try favourable(value, of: model)
    }
    return report
  }

  private static func read(
    _ section: YAMLSection, into report: inout ReportDeclaration
  ) throws(DeclarationError) {
    if let value = section["groups"] { report.groups = try groups(value) }
    report.intendedUse = try section["intended_use"].map(text) ?? report.intendedUse
    report.limits = try section["limits"].map(text) ?? report.limits
  }

  private static func text(_ value: YAMLValue) throws(DeclarationError) -> String {
    let text = try value.string()
    guard text.utf8.count <= textBytesMost else {
      throw DeclarationError(
        value.position, found: "a text of \(text.utf8.count) bytes", allowed: "at most \(textBytesMost)")
    }
    return text
  }

  private static func groups(_ value: YAMLValue) throws(DeclarationError) -> [GroupDeclaration] {
    var groups: [GroupDeclaration] = []
    for item in try value.list() {
      let group = try group(item)
      guard !groups.contains(where: { sameBytes($0.feature.name, group.feature.name) }) else {
        throw DeclarationError(
          item.position, found: "\(quoted(group.feature.name)) twice", allowed: "each feature once")
      }
      groups.append(group)
    }
    guard groups.count <= groupsMost else {
      throw DeclarationError(
        value.position, found: "\(groups.count) features", allowed: "at most \(groupsMost) features")
    }
    return groups
  }

  /// `location`, or `{age: [25, 40, 60]}`.
  private static func group(_ item: YAMLValue) throws(DeclarationError) -> GroupDeclaration {
    guard item.isSection else {
      return GroupDeclaration(feature: FeatureMention(name: try item.string(), position: item.position))
    }
    let entries = try item.section().entries
    guard entries.count == 1, let entry = entries.first else {
      throw item.wrong(allowed: "one feature with its bounds, as {age: [25, 40, 60]}")
    }
    var bounds: [Double] = []
    for value in try entry.value.list() {
      let bound = try value.number()
      if let last = bounds.last, bound <= last {
        throw DeclarationError(value.position, found: "\(bound) behind \(last)", allowed: "ascending bounds")
      }
      bounds.append(bound)
    }
    guard (1...boundsMost).contains(bounds.count) else {
      throw entry.value.wrong(allowed: "1 to \(boundsMost) bounds, as [25, 40, 60]")
    }
    return GroupDeclaration(
      feature: FeatureMention(name: entry.key, position: entry.position), bounds: bounds)
  }

  private static func favourable(
    _ value: YAMLValue, of model: ModelDeclaration
  ) throws(DeclarationError) -> FavourableOutcome {
    let section = try value.section()
    if case .classes(let names) = model.form {
      try section.allow(["class"])
      return .oneClass(try section.required("class").choice(of: names))
    }
    try section.allow(["at_least", "below"])
    guard section.entries.count == 1, let entry = section.entries.first else {
      throw value.wrong(allowed: "at_least or below, as {at_least: 0.7}")
    }
    if model.form == .number && model.outputs.count > 1 {
      throw value.wrong(allowed: "no favourable outcome of a model with several outputs and no kind")
    }
    let isAtLeast = sameBytes(entry.key, "at_least")
    if case .binary(let recall) = model.kind, (try? entry.value.choice(of: ["model"])) != nil {
      guard recall != nil else {
        throw entry.value.wrong(
          allowed: "a number from 0 to 1; a model with a declared recall has a threshold")
      }
      return isAtLeast ? .atLeastThreshold : .belowThreshold
    }
    let isShare = model.form == .probability || model.form == .anomaly
    let bound = Float(
      isShare ? try entry.value.number(in: 0...1) : try entry.value.number(in: -1e38...1e38))
    return isAtLeast ? .atLeast(bound) : .below(bound)
  }
}

/// Checks the features by which reports tell people apart; throws at the first that the pipeline has not, a number without bounds, or a
/// category with bounds.
public func checkReport(
  of models: [ModelDeclaration], _ columns: [ColumnDescription]
) throws(DeclarationError) {
  for group in models.flatMap(\.report.groups) {
    let name = group.feature.name
    guard let column = columns.first(where: { sameBytes($0.name, name) }) else {
      throw DeclarationError(
        group.feature.position, found: "\(quoted(name)), which is no feature",
        allowed: "names of features: \(Names.list(columns.map(\.name)))")
    }
    if column.kind == .number && group.bounds.isEmpty {
      throw DeclarationError(
        group.feature.position, found: "\(quoted(name)), a number without bounds",
        allowed: "bounds where it is cut, as {\(name): [25, 40, 60]}")
    }
    if column.kind != .number && !group.bounds.isEmpty {
      throw DeclarationError(
        group.feature.position, found: "bounds of \(quoted(name)), which is no plain number",
        allowed: "\(name) by itself: each of its values is a group")
    }
  }
}
