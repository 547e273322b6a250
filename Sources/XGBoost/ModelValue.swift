/// Why bytes are not a model that libxgboost may be given.
struct ModelFormatError: Error {
  /// What is wrong, and where.
  var text: String
}

/// A value of a model file, JSON or UBJSON.
///
/// Lists of numbers and truth values (1 or 0), which are nearly all of a model, are flat.
enum ModelValue: Sendable {
  /// Members in order; names are unique.
  case object([(name: String, value: ModelValue)])
  /// A list with something else than numbers in it.
  case list([ModelValue])
  /// A list of numbers only; also the empty list.
  case numbers([Double])
  /// A number.
  case number(Double)
  /// A text.
  case text(String)
  /// True or false.
  case flag(Bool)
  /// Nothing.
  case null

  /// Nesting that no model of XGBoost reaches; libxgboost itself recurses until the stack ends.
  static let depthMax = 32

  /// A member of an object; nil: none, or not an object.
  subscript(name: String) -> ModelValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// A list's elements as values; nil: not a list.
  var elements: [ModelValue]? {
    switch self {
    case .list(let values): values
    case .numbers(let values): values.map { .number($0) }
    default: nil
    }
  }
}

/// Collects a list's elements: flat as long as they are numbers or truth values.
struct ModelListBuilder {
  private var numbers: [Double] = []
  private var values: [ModelValue] = []

  /// Adds an element.
  mutating func append(_ value: ModelValue) {
    if values.isEmpty {
      if case .number(let number) = value { return numbers.append(number) }
      if case .flag(let flag) = value { return numbers.append(flag ? 1 : 0) }
      values = numbers.map { .number($0) }
    }
    values.append(value)
  }

  /// Whether the list has more of other things than any model: each takes many times the bytes that it has in a file.
  var isTooLong: Bool { values.count > Self.valuesMax }
  private static let valuesMax = 1 << 21

  var list: ModelValue { values.isEmpty ? .numbers(numbers) : .list(values) }
}

/// Collects an object's members and refuses a name that comes twice, of which readers take different ones.
struct ModelObjectBuilder {
  private var members: [(name: String, value: ModelValue)] = []
  private var names: Set<String> = []

  /// Adds a member.
  mutating func append(_ name: String, _ value: ModelValue) throws(ModelFormatError) {
    guard names.insert(name).inserted else { throw ModelFormatError(text: "an object has a member twice") }
    members.append((name, value))
  }

  var object: ModelValue { .object(members) }
}
