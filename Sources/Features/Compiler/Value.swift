/// Type of a value in an expression.
enum ValueType: Equatable {
  case number
  case flag
  /// A category with its vocabulary.
  case category([String])
  /// The rank of a word, which is a number.
  case rank([String])

  var text: String {
    switch self {
    case .number: "a number"
    case .flag: "a condition"
    case .category: "a category"
    case .rank: "a rank"
    }
  }

  /// Same type, vocabularies compared as UTF-8.
  static func == (left: ValueType, right: ValueType) -> Bool {
    switch (left, right) {
    case (.number, .number), (.flag, .flag): true
    case (.category(let a), .category(let b)), (.rank(let a), .rank(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    default: false
    }
  }
}

/// A compiled expression: where its value stands and what it can be.
struct Value {
  var register: Int32
  var type: ValueType
  /// When the value is always one of 0, 1, …, n − 1 (or missing): n.
  var codes: Int?
  /// A literal's value.
  var literal: Double?

  static func number(_ register: Int32) -> Value { Value(register: register, type: .number) }
  static func flag(_ register: Int32) -> Value { Value(register: register, type: .flag, codes: 2) }
}
