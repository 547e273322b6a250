import Events

/// Recursive-descent parser of the feature language; the grammar stands in the documentation of `FeatureProgram`.
struct ExpressionParser {
  /// Deepest nesting of parentheses, calls and `not`.
  static let depthMax = 50
  /// Longest chain of operators and calls, such as a sum of that many terms.
  static let heightMax = 100

  private let source: ExpressionSource
  private let tokens: [PlacedToken]
  private var index = 0
  private var depth = 0

  init(_ source: ExpressionSource) throws(DeclarationError) {
    self.source = source
    var lexer = Lexer(source)
    tokens = try lexer.tokens()
  }

  /// The whole text as one expression.
  mutating func parse() throws(DeclarationError) -> Expression {
    let result = try expression(0)
    guard current.token == .end else { throw unexpected("an operator or the end of the expression") }
    return result
  }

  private var current: PlacedToken { tokens[index] }

  private func unexpected(_ allowed: String) -> DeclarationError {
    source.error(current.offset, found: current.token.description, allowed: allowed)
  }

  private mutating func accept(_ token: Token) -> Bool {
    guard current.token == token else { return false }
    index += 1
    return true
  }

  private var binaryOperator: BinaryOperator? {
    switch current.token {
    case .symbol(let text), .name(let text): BinaryOperator(rawValue: text)
    default: nil
    }
  }

  /// Precedence climbing: operators of at least `level`.
  private mutating func expression(_ level: Int) throws(DeclarationError) -> Expression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthMax else {
      throw source.error(
        current.offset, found: "nesting deeper than \(Self.depthMax)", allowed: "at most \(Self.depthMax)")
    }
    var left = try prefix()
    var compared = false
    while let operation = binaryOperator, operation.precedence >= level {
      if operation.isComparison && compared {
        throw unexpected("one comparison; join several with \"and\"")
      }
      compared = operation.isComparison
      let offset = current.offset
      index += 1
      let right = try expression(operation.precedence + 1)
      left = try node(.binary(operation, left, right), offset, above: max(left.height, right.height))
    }
    return left
  }

  /// An expression over others, the highest of which has a height.
  private func node(
    _ kind: Expression.Kind, _ offset: Int, above height: Int
  ) throws(DeclarationError) -> Expression {
    guard height < Self.heightMax else {
      throw source.error(
        offset, found: "more than \(Self.heightMax) operators in a chain",
        allowed: "at most \(Self.heightMax); name a part of it as an intermediate")
    }
    return Expression(kind: kind, offset: offset, height: height + 1)
  }

  private mutating func prefix() throws(DeclarationError) -> Expression {
    let offset = current.offset
    if accept(.name("not")) {
      let inner = try expression(4)
      return try node(.not(inner), offset, above: inner.height)
    }
    guard accept(.symbol("-")) else { return try primary() }
    let inner = try expression(7)
    if case .number(let value) = inner.kind { return Expression(kind: .number(-value), offset: offset) }
    return try node(.negate(inner), offset, above: inner.height)
  }

  private mutating func primary() throws(DeclarationError) -> Expression {
    let start = current
    index += start.token == .end ? 0 : 1
    switch start.token {
    case .number(let value): return Expression(kind: .number(value), offset: start.offset)
    case .duration(let span): return Expression(kind: .duration(span), offset: start.offset)
    case .text(let text): return Expression(kind: .text(text), offset: start.offset)
    case .name(let name) where !["and", "or", "where"].contains(name):
      return try named(name, offset: start.offset)
    case .symbol("("):
      let inner = try expression(0)
      guard accept(.symbol(")")) else { throw unexpected("an operator or \")\"") }
      return inner
    default:
      index -= start.token == .end ? 0 : 1
      throw unexpected("a number, a name, profile.ATTRIBUTE, a function or \"(\"")
    }
  }

  private mutating func named(_ name: String, offset: Int) throws(DeclarationError) -> Expression {
    if accept(.symbol("(")) {
      let arguments = try arguments()
      let height = arguments.map { max($0.value.height, $0.condition?.height ?? 0) }.max() ?? 0
      return try node(.call(name, arguments), offset, above: height)
    }
    guard accept(.symbol(".")) else { return Expression(kind: .name(name), offset: offset) }
    guard case .name(let attribute) = current.token else { throw unexpected("an attribute's name") }
    index += 1
    guard accept(.symbol(".")) else { return Expression(kind: .member(name, attribute), offset: offset) }
    guard case .name(let field) = current.token else { throw unexpected("a field's name") }
    index += 1
    return Expression(kind: .member(name, "\(attribute).\(field)"), offset: offset)
  }

  private mutating func arguments() throws(DeclarationError) -> [Argument] {
    var result: [Argument] = []
    if accept(.symbol(")")) { return result }
    repeat {
      let value = try expression(0)
      let condition = accept(.name("where")) ? try expression(0) : nil
      result.append(Argument(value: value, condition: condition))
    } while accept(.symbol(","))
    guard accept(.symbol(")")) else { throw unexpected("an operator, \"where\", \",\" or \")\"") }
    return result
  }
}
