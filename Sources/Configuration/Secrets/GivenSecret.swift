/// A secret and how it was given. Its text never shows the secret.
package struct GivenSecret: CustomStringConvertible, CustomReflectable {
  package enum Source {
    /// As it is.
    case literal(String)
    /// The content of a file, without white space around it.
    case file(String)
    /// An environment variable's value.
    case variable(String)
  }

  package let source: Source
  package let origin: Origin
  /// The secret itself, for the wire only; empty until `resolve`.
  package private(set) var revealed = ""

  package init(_ source: Source, _ origin: Origin) {
    self.source = source
    self.origin = origin
    if case .literal(let text) = source { revealed = text }
  }

  /// The same, with its value.
  package func with(_ text: String) -> GivenSecret {
    var copy = self
    copy.revealed = text
    return copy
  }

  /// Always `***`.
  package var description: String { "***" }
  /// Nothing to look into.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
