import Events

/// What an instruction does with registers.
enum Opcode: UInt8 {
  case add, subtract, multiply, divide, negate
  case less, lessEqual, greater, greaterEqual, equal, notEqual
  case and, or, not
  case least, greatest, absolute, squareRoot, log2, exp2, floor
  /// `a`, or `b` where `a` is missing.
  case coalesce
  /// `b` if `a` holds, else `c`.
  case select
  /// How many of the `c` constants from register `b` are at most `a`.
  case bucket
  case isMissing
  /// `a` from `b` to `c`, else missing.
  case within
}

/// One step of the row program: `target` = operation(`a`, `b`, `c`).
struct Instruction: Hashable {
  var operation: Opcode
  var target: Int32 = 0
  var a: Int32
  var b: Int32 = 0
  var c: Int32 = 0
}

/// How an aggregate is made of its series' entries.
enum Reading: UInt8 {
  case count, sum, mean, minimum, maximum, first, last
  case distinctCodes, distinctTexts, entropy, mode, slope, activeDays, sinceFirst, sinceLast, decayed
}

/// One aggregate of the row program.
struct AggregateRead {
  var reading: Reading
  var series: Int32
  /// Number of its window; -1: lifetime.
  var window: Int32
  var target: Int32
  /// Component's offset in an entry (for `mean` of the sum; for `slope` of what is summed a day).
  var offset = 0
  /// What a value is divided by.
  var scale = 1.0
  /// `slope`, `activeDays`: days. Codes: how many there are.
  var limit = 0
  /// `decayed`: half-life, microseconds.
  var halfLife: EventTime = 0
}

/// How far back a reader looks, in tiles of `hop` microseconds: from floor((as-of − reach) / hop) on.
struct WindowReach: Hashable {
  var reach: EventTime
  var hop: EventTime
}

/// A step of a filter, on a stack of truth values.
struct FilterStep: Hashable {
  enum Operation: UInt8 {
    case less, lessEqual, greater, greaterEqual, equal, notEqual, isSet, and, or, not
  }

  var operation: Operation
  var slot: Int32 = 0
  var literal: UInt64 = 0
}

/// What an event does to one series.
struct SeriesUpdate {
  var series: Int32
  /// Steps of the filter in the program's list; `filterEnd == filterStart`: none.
  var filterStart: Int32
  var filterEnd: Int32
  /// Slot of the measured attribute; -1: none.
  var slot: Int32
  /// What the value is multiplied with before it is rounded to a whole number.
  var scale: Double
}

/// How one declared attribute is checked and read.
struct AttributePlan {
  enum Kind: UInt8 { case number, category, rank, text, flag, list }

  var kind: Kind
  var minimum: Double
  var maximum: Double
  /// What a number is multiplied with to be whole; 0: it is taken as it is.
  var scale = 0.0
  /// Whether a number that is not whole then is refused; else it is rounded.
  var isExact = false
  /// Slot of its value; -1: no feature uses it.
  var slot: Int32 = -1
  /// Its vocabulary in the program's code table: symbol `firstSymbol + i` has the code at `codes + i`.
  var firstSymbol: Int32 = 0
  var symbolCount: Int32 = 0
  var codes: Int32 = 0
  /// Code of all other words.
  var other: Int32 = 0
  /// What becomes of a value that is not allowed.
  var wrong = WrongValue.letter
  /// Whether a text of digits is a number.
  var readsText = false
  /// Symbol of its name; `SymbolTable.unknown`: of a list's elements without one.
  var symbol = SymbolTable.unknown
  /// A list's fields, among the plans.
  var fieldsStart: Int32 = 0
  var fieldsEnd: Int32 = 0
  /// What is made of it, among the extracts.
  var extractsStart: Int32 = 0
  var extractsEnd: Int32 = 0
  /// What texts are looked for in it, among the finders.
  var findersStart: Int32 = 0
  var findersEnd: Int32 = 0

  /// What counts of a finite number, everywhere: in windows, filters and bounds. The nearest multiple of the unit, halves away
  /// from zero; nil: it has more decimals than are declared.
  ///
  /// Decimals are not what single or double precision made of a multiple: 0.30000000000000004 is 0.3, 25.989999771118164 is
  /// 25.99. So exact numbers may lie off by a millionth of the unit or by sixteen roundings of a double, at most a quarter of
  /// the unit, or be the single-precision number of the multiple, where those are closer than units.
  func number(_ value: Double) -> Double? {
    guard scale > 0 else { return value }
    let scaled = value * scale
    // Outside of all bounds.
    guard abs(scaled) <= 0x1p62 else { return value }
    let whole = Double(ExactMath.quantise(value, scale: scale))
    let multiple = whole / scale
    guard isExact else { return multiple }
    let slack = min(max(0x1p-20, abs(scaled) * 0x1p-49), 0.25)
    let isSingle = abs(scaled) < 0x1p22 && Double(Float(multiple)) == value
    return abs(scaled - whole) <= slack || isSingle ? multiple : nil
  }
}
