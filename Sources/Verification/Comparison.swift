/// Where a record lies; tells nothing of whose it is.
public struct ScorePlace: Equatable, Hashable, Sendable, Comparable, Encodable {
  /// Partition.
  public var partition: Int32
  /// Offset; −1: there is no record.
  public var offset: Int64

  package init(partition: Int32, offset: Int64) {
    self.partition = partition
    self.offset = offset
  }

  /// In the order of the log, partition by partition.
  public static func < (one: ScorePlace, other: ScorePlace) -> Bool {
    (one.partition, one.offset) < (other.partition, other.offset)
  }

  /// `PARTITION/OFFSET`.
  public var text: String { "\(partition)/\(offset)" }
}

/// A column in which one row differs.
struct ColumnDifference {
  var column: String
  /// How far apart; nil: not a matter of size, such as a word or a missing number.
  var magnitude: Double?

  init(_ column: String, magnitude: Double? = nil) {
    self.column = column
    self.magnitude = magnitude.flatMap { $0.isFinite ? $0 : nil }
  }
}

/// Differences of one column.
public struct DifferingColumn: Equatable, Sendable, Encodable {
  /// Column.
  public let column: String
  /// Rows that differ in it.
  public internal(set) var count = 0
  /// The largest distance; nil: the column's differences have no size.
  public internal(set) var largest: Double?
  /// Some of the rows.
  public internal(set) var examples: [ScorePlace] = []
}

/// What was compared of one store, and how it ended.
public struct Comparison: Equatable, Sendable, Encodable {
  /// Why a row was left out that comes from before what was read of the log.
  static let olderThanLog = "older than what was read of the log"
  /// Most places that are told of each kind.
  static let examplesMax = 5

  /// `scores`, `latest_scores` or `states`.
  public let what: String
  /// Rows or states that both sides have.
  public private(set) var compared = 0
  /// Of those, the equal ones.
  public private(set) var equal = 0
  /// Of those, the others.
  public private(set) var different = 0
  /// What the store should have and does not.
  public private(set) var missing = 0
  /// What the store has and should not.
  public private(set) var unexpected = 0
  /// The differences by column, in order of first sight.
  public private(set) var columns: [DifferingColumn] = []
  /// Some of what is missing.
  public private(set) var missingAt: [ScorePlace] = []
  /// Some of what is unexpected.
  public private(set) var unexpectedAt: [ScorePlace] = []
  /// What was left out, by why.
  public private(set) var leftOut: [String: Int] = [:]

  /// Nothing compared yet.
  public init(_ what: String) { self.what = what }

  /// Whether no difference was found.
  public var holds: Bool { different == 0 && missing == 0 && unexpected == 0 }

  mutating func isEqual() {
    compared += 1
    equal += 1
  }

  mutating func differs(_ found: [ColumnDifference], at place: ScorePlace) {
    compared += 1
    different += 1
    for one in found {
      let index = columns.firstIndex { $0.column == one.column } ?? columns.count
      if index == columns.count { columns.append(DifferingColumn(column: one.column)) }
      columns[index].count += 1
      if let magnitude = one.magnitude {
        columns[index].largest = max(columns[index].largest ?? 0, magnitude)
      }
      Self.keep(place, in: &columns[index].examples)
    }
  }

  mutating func isMissing(at place: ScorePlace) {
    missing += 1
    Self.keep(place, in: &missingAt)
  }

  mutating func isUnexpected(at place: ScorePlace) {
    unexpected += 1
    Self.keep(place, in: &unexpectedAt)
  }

  mutating func note(_ why: String) { leftOut[why, default: 0] += 1 }

  /// The first places in the order of the log, whatever order they come in.
  private static func keep(_ place: ScorePlace, in examples: inout [ScorePlace]) {
    guard examples.count < examplesMax || place < examples[examples.count - 1] else { return }
    examples.append(place)
    examples.sort()
    if examples.count > examplesMax { examples.removeLast() }
  }
}
