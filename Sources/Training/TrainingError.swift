/// Why a model cannot be trained.
public struct TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The reason.
  public enum Code: String, Sendable {
    /// The model names no label, or one that the labels file lacks.
    case noLabel
    /// No row has the label.
    case noRows
    /// All rows are of entities of one part of the split.
    case tooFewEntities
    /// All labels are the same.
    case constantLabel
    /// A label that the objective does not allow.
    case invalidLabel
    /// The library or the file system failed.
    case failed
  }

  /// The reason.
  public var code: Code
  /// For readers; names models, labels and paths only.
  public var text: String

  /// An error.
  public init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  /// The text.
  public var description: String { text }
}
