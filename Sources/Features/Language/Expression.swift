import Events

/// An operator with two sides.
enum BinaryOperator: String {
  case or, and
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessEqual = "<="
  case greater = ">"
  case greaterEqual = ">="
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"

  /// Binding strength; a higher one binds tighter. `not` stands at 3, unary minus at 7.
  var precedence: Int {
    switch self {
    case .or: 1
    case .and: 2
    case .equal, .notEqual, .less, .lessEqual, .greater, .greaterEqual: 4
    case .add, .subtract: 5
    case .multiply, .divide: 6
    }
  }

  var isComparison: Bool { precedence == 4 }
}

/// A parsed expression: nothing is resolved or checked yet.
struct Expression {
  indirect enum Kind {
    case number(Double)
    case duration(EventTime)
    case text(String)
    case name(String)
    case member(String, String)
    case call(String, [Argument])
    case not(Expression)
    case negate(Expression)
    case binary(BinaryOperator, Expression, Expression)
  }

  var kind: Kind
  /// Offset of what an error should point at.
  var offset: Int
  /// Operators one below the other, itself included; bounds the recursion of whoever walks the tree.
  var height = 1

  /// Canonical text, with the parentheses that precedence needs and no others.
  var description: String { text(within: 0) }

  private func text(within outer: Int) -> String {
    switch kind {
    case .number(let value): return plain(value)
    case .duration(let span): return durationText(span)
    case .text(let value): return quoted(value)
    case .name(let name): return name
    case .member(let owner, let name): return "\(owner).\(name)"
    case .call(let name, let arguments):
      return "\(name)(\(arguments.map(\.description).joined(separator: ", ")))"
    case .not(let inner): return wrap("not \(inner.text(within: 3))", 3, outer)
    case .negate(let inner): return wrap("-\(inner.text(within: 7))", 7, outer)
    case .binary(let operation, let left, let right):
      let level = operation.precedence
      let text = "\(left.text(within: level)) \(operation.rawValue) \(right.text(within: level + 1))"
      return wrap(text, level, outer)
    }
  }

  private func wrap(_ text: String, _ level: Int, _ outer: Int) -> String {
    level < outer ? "(\(text))" : text
  }
}

/// An argument of a call; `condition` is what follows `where`.
struct Argument {
  var value: Expression
  var condition: Expression?

  var description: String {
    guard let condition else { return value.description }
    return "\(value.description) where \(condition.description)"
  }
}

/// Text in double quotes as the language reads it.
func quoted(_ text: String) -> String {
  var result = "\""
  for character in text {
    if character == "\"" || character == "\\" { result.append("\\") }
    result.append(character)
  }
  return result + "\""
}
