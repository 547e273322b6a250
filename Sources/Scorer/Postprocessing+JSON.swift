extension Postprocessing {
  /// The form that is written and read.
  private static let schema = 1

  /// The canonical text: members in the order of their names, numbers in the shortest form that reads as the same bits, nothing that is
  /// absent. For example
  /// `{"link":{"margins":[-1.5,2.0],"name":"curve","values":[0.1,0.9]},"schema":1,"threshold":0.31}`.
  public var json: String {
    var members = ["\"link\":\(link.json)", "\"schema\":\(Self.schema)"]
    if let shifts { members.append("\"shifts\":\(shifts.json)") }
    if sorts { members.append("\"sorts\":true") }
    if let threshold { members.append("\"threshold\":\(threshold)") }
    return "{\(members.joined(separator: ","))}"
  }

  /// Reads `json`. Throws for what is no JSON, of another schema, or has a member that is not known, missing, or no number of its kind;
  /// whether it fits a model `Postprocessor` says.
  public init(json: String) throws(PostprocessingError) {
    let members = try Members(JSONText(json), of: "it")
    try members.allow(["link", "schema", "shifts", "sorts", "threshold"])
    guard case .number("\(Self.schema)")? = members["schema"] else {
      throw PostprocessingError(text: "its schema is not \(Self.schema): another release of Tally made it")
    }
    self.init(link: try Link(Members(members.required("link"), of: "link")))
    if let value = members["shifts"] { shifts = try ConformalShifts(Members(value, of: "shifts")) }
    if let value = members["sorts"] {
      guard case .flag(let flag) = value else {
        throw PostprocessingError(text: "sorts is not true or false")
      }
      sorts = flag
    }
    if let value = members["threshold"] { threshold = try Members.float(value, "threshold") }
  }
}

extension Postprocessing.Link {
  fileprivate var json: String {
    switch self {
    case .objective: "{\"name\":\"objective\"}"
    case .curve(let curve):
      "{\"margins\":\(curve.margins.json),\"name\":\"curve\",\"values\":\(curve.values.json)}"
    case .shares(let scale): "{\"name\":\"shares\",\"scale\":\(scale)}"
    case .anomaly(let scale): "{\"name\":\"anomaly\",\"scale\":\(scale)}"
    }
  }

  fileprivate init(_ members: Members) throws(PostprocessingError) {
    guard case .text(let name) = try members.required("name") else {
      throw PostprocessingError(text: "the link's name is not a text")
    }
    switch name {
    case "objective":
      try members.allow(["name"])
      self = .objective
    case "curve":
      try members.allow(["margins", "name", "values"])
      self = .curve(
        CalibrationCurve(margins: try members.floats("margins"), values: try members.floats("values")))
    case "shares":
      try members.allow(["name", "scale"])
      self = .shares(scale: try members.double("scale"))
    case "anomaly":
      try members.allow(["name", "scale"])
      self = .anomaly(scale: try members.double("scale"))
    default:
      throw PostprocessingError(text: "a link of another name than objective, curve, shares and anomaly")
    }
  }
}

extension ConformalShifts {
  fileprivate var json: String {
    let order = groups.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    let entries = order.map { "\"\($0.key)\":\($0.value.json)" }
    return "{" + (feature.map { "\"feature\":\"\($0)\"," } ?? "")
      + "\"groups\":{\(entries.joined(separator: ","))},\"pooled\":\(pooled.json)}"
  }

  fileprivate init(_ members: Members) throws(PostprocessingError) {
    try members.allow(["feature", "groups", "pooled"])
    self.init(pooled: try members.floats("pooled"))
    if let value = members["feature"] {
      guard case .text(let name) = value else { throw PostprocessingError(text: "the feature is not a text") }
      feature = name
    }
    let entries = try Members(members.required("groups"), of: "groups")
    for (name, value) in entries.all { groups[name] = try Members.floats(value, name, of: "groups") }
  }
}

extension [Float] {
  fileprivate var json: String { "[\(map { "\($0)" }.joined(separator: ","))]" }
}

/// An object's members.
private struct Members {
  let all: [(name: String, value: JSONText)]
  private let owner: String

  init(_ value: JSONText, of owner: String) throws(PostprocessingError) {
    guard case .object(let members) = value else {
      throw PostprocessingError(text: "\(owner) is not an object")
    }
    all = members
    self.owner = owner
  }

  subscript(name: String) -> JSONText? { all.first { $0.name.utf8.elementsEqual(name.utf8) }?.value }

  func required(_ name: String) throws(PostprocessingError) -> JSONText {
    guard let value = self[name] else { throw PostprocessingError(text: "\(owner) has no \(name)") }
    return value
  }

  func allow(_ names: [String]) throws(PostprocessingError) {
    for member in all where !names.contains(where: { $0.utf8.elementsEqual(member.name.utf8) }) {
      throw PostprocessingError(
        text:
          "\(owner) has the member \"\(member.name.prefix(40))\"; known are \(names.joined(separator: ", "))")
    }
  }

  static func float(_ value: JSONText, _ name: String) throws(PostprocessingError) -> Float {
    guard case .number(let text) = value, let number = Float(text), number.isFinite else {
      throw PostprocessingError(text: "\(name) is not a number that fits 32 bits")
    }
    return number
  }

  func floats(_ name: String) throws(PostprocessingError) -> [Float] {
    try Self.floats(required(name), name, of: owner)
  }

  static func floats(
    _ value: JSONText, _ name: String, of owner: String
  ) throws(PostprocessingError) -> [Float] {
    guard case .list(let values) = value else {
      throw PostprocessingError(text: "\(name.prefix(40)) of \(owner) is not a list of numbers")
    }
    var numbers: [Float] = []
    numbers.reserveCapacity(values.count)
    for value in values { numbers.append(try float(value, "one of \(name.prefix(40)) of \(owner)")) }
    return numbers
  }

  func double(_ name: String) throws(PostprocessingError) -> Double {
    guard case .number(let text) = try required(name), let number = Double(text), number.isFinite else {
      throw PostprocessingError(text: "\(name) of \(owner) is not a finite number")
    }
    return number
  }
}
