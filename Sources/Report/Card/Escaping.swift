/// Texts in HTML.
enum HTMLText {
  /// Names, words and operators' texts may hold anything: nothing of it is markup.
  static func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in PlainText.safe(text).unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}

/// Texts in Markdown (CommonMark and GitHub's tables).
enum MarkdownText {
  /// A line of text, nothing of which is markup. Underscores inside of words stay: they mean nothing there.
  static func escape(_ text: String) -> String {
    var escaped = ""
    let scalars = Array(PlainText.safe(text).unicodeScalars)
    func isWord(_ place: Int) -> Bool {
      guard scalars.indices.contains(place) else { return false }
      let properties = scalars[place].properties
      return properties.isAlphabetic || properties.numericType != nil || scalars[place] == "_"
    }
    func isDigit(_ place: Int) -> Bool {
      scalars.indices.contains(place) && ("0"..."9").contains(scalars[place])
    }
    for (place, scalar) in scalars.enumerated() {
      switch scalar {
      case "\\", "`", "*", "[", "]", "<", ">", "&", "|", "~", "$": escaped += "\\"
      case "_": if !isWord(place - 1) || !isWord(place + 1) { escaped += "\\" }
      case "#", "+", "-", "=", ":":
        // Marks of lists, headings and rules at the beginning; `-0.5` is none.
        if place == 0 && !isDigit(1) { escaped += "\\" }
      case ".", ")":
        if place > 0, (0..<place).allSatisfy(isDigit), !isDigit(place + 1) { escaped += "\\" }
      default: break
      }
      escaped.unicodeScalars.append(scalar)
    }
    return escaped
  }
}

/// Texts for readers.
enum PlainText {
  /// Without line breaks and control characters, and without marks that turn the direction of what follows.
  static func safe(_ text: String) -> String {
    var safe = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x09, 0x0a, 0x0d, 0x2028, 0x2029: safe.append(" ")
      case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069, 0xfeff, 0xfffe, 0xffff:
        safe.append("\u{fffd}")
      default: safe.append(scalar)
      }
    }
    return String(safe)
  }

  /// At most so many characters.
  static func short(_ text: String, _ most: Int) -> String {
    text.count > most ? text.prefix(most - 1) + "…" : text
  }
}
