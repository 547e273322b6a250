import Events

/// An expression's text and where its first character stands.
struct ExpressionSource {
  let characters: [Character]
  let start: SourcePosition

  init(_ text: String, at start: SourcePosition) {
    characters = Array(text)
    self.start = start
  }

  /// Where the character at `offset` stands in the file; columns of later lines count from the text's own line
  /// start, since their indentation in the file is not known here.
  func position(at offset: Int) -> SourcePosition {
    var position = start
    for character in characters.prefix(offset) {
      if character.isNewline {
        position.line += 1
        position.column = 1
      } else {
        position.column += 1
      }
    }
    return position
  }

  func error(_ offset: Int, found: String, allowed: String) -> DeclarationError {
    DeclarationError(position(at: offset), found: found, allowed: allowed)
  }
}
