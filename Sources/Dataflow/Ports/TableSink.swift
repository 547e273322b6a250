/// A partition's move in a table: from `old` (nil: no row yet) to `new`.
public struct PositionMove: Equatable, Sendable {
  /// Partition.
  public var partition: Int32
  /// T before; nil: there is none.
  public var old: Int64?
  /// T after.
  public var new: Int64
  /// What is left out of the partition, which the table keeps beside T.
  public var leftOut: LeftOutRanges

  package init(partition: Int32, old: Int64?, new: Int64, leftOut: LeftOutRanges = LeftOutRanges()) {
    self.partition = partition
    self.old = old
    self.new = new
    self.leftOut = leftOut
  }
}

/// Where a table stands in a partition, as read.
public struct TablePosition: Equatable, Sendable, ExpressibleByIntegerLiteral {
  /// T: the next offset.
  public var next: Int64
  /// What it knows to be left out of the partition.
  public var leftOut: LeftOutRanges

  package init(_ next: Int64, leftOut: LeftOutRanges = LeftOutRanges()) {
    self.next = next
    self.leftOut = leftOut
  }

  /// A position with nothing left out.
  public init(integerLiteral next: Int64) { self.init(next) }
}

/// Where scores and dead letters go as rows, each batch in one transaction with the positions. One thread.
/// All calls throw `PortError`.
public protocol TableSink: AnyObject {
  /// T of the partitions, in the order asked; nil: none.
  func positions(topic: String, _ partitions: [Int32]) throws -> [TablePosition?]
  /// Does all erasures with `toTable`, then writes all rows and letters with `toTable`, and moves all positions, or
  /// nothing. Throws `RefusedRows` when the database will never take some of them.
  func write(_ batch: ScoredBatch, moves: [PositionMove]) throws -> WriteOutcome
  /// Closes the connection.
  func close()
}
