/// Rows and letters that a database will never take: a constraint or a trigger forbids them, or a value that it cannot hold.
public struct RefusedRows: Error, Sendable {
  /// A row or letter of the batch, and why; without data.
  public struct Refusal: Equatable, Sendable {
    /// Position in `batch.rows` or `batch.deadLetters`.
    public var index: Int
    /// The database's reason, for readers.
    public var why: String

    package init(index: Int, why: String) {
      self.index = index
      self.why = why
    }
  }

  /// Rows.
  public var rows: [Refusal]
  /// Letters.
  public var letters: [Refusal]

  /// Refusals of a batch.
  public init(rows: [Refusal], letters: [Refusal]) {
    self.rows = rows
    self.letters = letters
  }
}
