/// Why a model cannot be trained.
public struct TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What a caller may tell apart.
  public enum Code: String, Sendable {
    /// The model names no label, or one that the labels file lacks.
    case noLabel
    /// No row has the label.
    case noRows
    /// All rows are of entities of one part of the split.
    case tooFewEntities
    /// All labels are the same.
    case constantLabel
    /// No feature has two values.
    case constantFeatures
    /// A label that the objective does not allow.
    case invalidLabel
    /// A weight that is missing, or not above 0, or a table without the column.
    case invalidWeight
    /// The library or the file system failed.
    case failed
  }

  /// By which callers tell errors apart.
  public var code: Code
  /// For readers; names models, labels and paths only.
  public var text: String

  package init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  /// What is wrong and what would be right, for readers.
  public var description: String { text }
}
