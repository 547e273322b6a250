import Foundation

/// JSON as commands print it.
enum Terminal {
  /// A text in quotes, escaped as JSON has it.
  static func quote(_ text: String) -> String {
    let data = (try? JSONEncoder().encode(text)) ?? Data("\"\"".utf8)
    return String(decoding: data, as: UTF8.self)
  }
}
