public import Events

/// Where something stands in a declaration file: line and column from 1.
public struct SourcePosition: Equatable, Hashable, Sendable {
  /// Line, from 1.
  public var line: Int
  /// Column in characters, from 1.
  public var column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// What is wrong with a declaration: where, what was found, what is allowed.
public struct DeclarationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where it stands.
  public var position: SourcePosition
  /// What was found; never a secret or personal data.
  public var found: String
  /// What is allowed there.
  public var allowed: String

  /// An error at a position.
  public init(_ position: SourcePosition, found: String, allowed: String) {
    self.position = position
    self.found = found
    self.allowed = allowed
  }

  /// `line:column: found …; allowed: …`
  public var description: String {
    "\(position.line):\(position.column): found \(found); allowed: \(allowed)"
  }
}

/// Type of an attribute.
public enum AttributeType: Equatable, Sendable {
  /// A number. Of an event it is a whole multiple of 10^-`decimals`, so sums are exact and free of order;
  /// `decimals` is 0–9, by default 6, and `AttributeDeclaration.isExact` says what becomes of a number with more. An event
  /// with a value outside `minimum...maximum` (by default ±10^9) is a dead letter. Of a profile it is taken as it is.
  case number(decimals: Int, minimum: Double, maximum: Double)
  /// One of the declared words, else `other`, whose code is the vocabulary's count.
  case category([String])
  /// One of the declared words, which are in an order: its rank from 0 is a number. Another word is missing. Of a profile only.
  case rank([String])
  /// Free text: of an event for `distinct` only, of a profile for `has_word` and `length`.
  case text
  /// True or false; a number 1 or 0 in expressions.
  case flag
  /// A list: of values, then there is one field, whose name is empty; or of objects with these fields. Of a profile only.
  case list([AttributeDeclaration])
}

/// What becomes of a value that an attribute's declaration does not allow.
public enum WrongValue: String, CaseIterable, Sendable, BitwiseCopyable {
  /// The event is a dead letter.
  case letter
  /// The value is missing, which is counted.
  case missing
  /// A number outside the bounds is the nearer bound, which is counted; everything else is missing.
  case clamp
}

/// An attribute of an event type or of the profile.
public struct AttributeDeclaration: Equatable, Sendable {
  /// Name as producers send it.
  public var name: String
  /// Type.
  public var type: AttributeType
  /// Whether an event's number with more decimals than its type has is a dead letter; else it is rounded to nearest,
  /// halves away from zero. What single or double precision does to a number is no decimal.
  public var isExact: Bool
  /// What becomes of a value that is not allowed.
  public var wrong: WrongValue
  /// Whether a text is taken as what it says: a number in decimal digits, true or false.
  public var readsText: Bool
  /// Where it is declared.
  public var position: SourcePosition

  package init(
    name: String, type: AttributeType, isExact: Bool = false, wrong: WrongValue = .letter,
    readsText: Bool = false, position: SourcePosition
  ) {
    self.name = name
    self.type = type
    self.isExact = isExact
    self.wrong = wrong
    self.readsText = readsText
    self.position = position
  }
}

/// An engagement event's type.
public struct EventTypeDeclaration: Equatable, Sendable {
  /// Name as producers send it.
  public var name: String
  /// Attributes that features may use; others are accepted and dropped.
  public var attributes: [AttributeDeclaration]
  /// Where it is declared.
  public var position: SourcePosition

  package init(name: String, attributes: [AttributeDeclaration], position: SourcePosition) {
    self.name = name
    self.attributes = attributes
    self.position = position
  }
}

/// A feature or an intermediate value: a name and an expression.
public struct FeatureDeclaration: Equatable, Sendable {
  /// Column name; unique, an identifier.
  public var name: String
  /// Expression in the feature language.
  public var expression: String
  /// Whether it is a column of the feature row; else an intermediate that later expressions may name.
  public var isColumn: Bool
  /// For a feature whose value is a code 0, 1, …: the words to print for the codes; empty for numbers.
  public var labels: [String]
  /// Where the expression's first character stands.
  public var position: SourcePosition

  package init(name: String, expression: String, isColumn: Bool, labels: [String], position: SourcePosition) {
    self.name = name
    self.expression = expression
    self.isColumn = isColumn
    self.labels = labels
    self.position = position
  }
}

/// An expression and where it stands.
public struct ExpressionDeclaration: Equatable, Sendable {
  /// Expression in the feature language.
  public var text: String
  /// Where its first character stands.
  public var position: SourcePosition

  package init(text: String, position: SourcePosition) {
    self.text = text
    self.position = position
  }
}

/// What is made of outputs: a number, or a condition.
public struct ResultDeclaration: Equatable, Sendable {
  /// Name; later results may say it, if it is a number's.
  public var name: String
  /// An expression that may also name outputs and earlier numbers.
  public var expression: ExpressionDeclaration
  /// Whether it is true or false; else a number.
  public var isCondition: Bool
  /// How many arguments `first_known` must have, whose place is told beside the number; 0: it is not told.
  public var sources: Int

  package init(name: String, expression: ExpressionDeclaration, isCondition: Bool, sources: Int = 0) {
    self.name = name
    self.expression = expression
    self.isCondition = isCondition
    self.sources = sources
  }
}

/// What a model can learn of an event itself, without a labels file.
public struct EventLabelDeclaration: Equatable, Sendable {
  /// Name, as models say it.
  public var name: String
  /// Its value; an event of which it is missing is not learnt from.
  public var expression: ExpressionDeclaration

  package init(name: String, expression: ExpressionDeclaration) {
    self.name = name
    self.expression = expression
  }
}

/// What is made of features and outputs beside the models.
public struct JudgementDeclaration: Equatable, Sendable {
  /// Names of the models' outputs, in order.
  public var outputs: [String]
  /// What is made of them, in order.
  public var results: [ResultDeclaration]
  /// Only rows of which this holds are scored by models; nil: all are.
  public var scoreWhen: ExpressionDeclaration?
  /// What models can learn of an event itself.
  public var labels: [EventLabelDeclaration]
  /// What rows weigh when models learn of them: of what features keep, so that no state depends on a weight.
  public var weights: [ExpressionDeclaration]

  package init(
    outputs: [String] = [], results: [ResultDeclaration] = [], scoreWhen: ExpressionDeclaration? = nil,
    labels: [EventLabelDeclaration] = [], weights: [ExpressionDeclaration] = []
  ) {
    self.outputs = outputs
    self.results = results
    self.scoreWhen = scoreWhen
    self.labels = labels
    self.weights = weights
  }
}

/// Everything that determines features and state.
public struct FeatureSetDeclaration: Equatable, Sendable {
  /// Attributes of the profile.
  public var profile: [AttributeDeclaration]
  /// Event types with attributes.
  public var events: [EventTypeDeclaration]
  /// Features and intermediates, in order; an expression may name earlier ones.
  public var features: [FeatureDeclaration]
  /// An event more than this after the entity's watermark starts from empty state, microseconds; nil: never.
  public var idleTTL: EventTime?
  /// What an entity's stored state may take at most; nil: as much as it needs.
  public var stateMax: StateBound?
  /// Keys that ticks and erasures of the log must be signed by, ascending by `since`; empty: anybody may send them.
  public var control: [ControlKeyDeclaration]
  /// Whether anything is remembered of an entity; else every row is of one profile event alone.
  public var keepsState: Bool
  /// What is made of features and outputs.
  public var judgement: JudgementDeclaration
  /// How records become events, in canonical words; empty: they are envelopes.
  public var input: String

  package init(
    profile: [AttributeDeclaration], events: [EventTypeDeclaration], features: [FeatureDeclaration],
    idleTTL: EventTime?, stateMax: StateBound? = nil, control: [ControlKeyDeclaration] = [],
    keepsState: Bool = true, judgement: JudgementDeclaration = JudgementDeclaration(),
    input: String = ""
  ) {
    self.profile = profile
    self.events = events
    self.features = features
    self.idleTTL = idleTTL
    self.stateMax = stateMax
    self.control = control
    self.keepsState = keepsState
    self.judgement = judgement
    self.input = input
  }
}

/// A key that control events must be signed by, by its id: the key itself is no part of a pipeline.
public struct ControlKeyDeclaration: Equatable, Sendable {
  /// The first 8 bytes of the key's SHA-256: 16 digits of lower-case hexadecimal.
  public var id: String
  /// Ingest time from which on it counts, microseconds; 0: from the log's beginning.
  public var since: EventTime
  /// Where it is declared.
  public var position: SourcePosition

  package init(id: String, since: EventTime, position: SourcePosition) {
    self.id = id
    self.since = since
    self.position = position
  }
}

/// A bound of an entity's stored state.
public struct StateBound: Equatable, Sendable {
  /// Bytes.
  public var bytes: Int
  /// Where it is declared.
  public var position: SourcePosition

  package init(bytes: Int, position: SourcePosition) {
    self.bytes = bytes
    self.position = position
  }
}

extension FeatureSetDeclaration {
  /// Takes texts for what they say, in all attributes.
  package mutating func readTexts() {
    for index in profile.indices { profile[index].readsText = true }
    for event in events.indices {
      for index in events[event].attributes.indices { events[event].attributes[index].readsText = true }
    }
  }
}
