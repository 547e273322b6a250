import FeatureStore

/// The settings in force as YAML that gives the same settings when it is read again. Secrets are masked.
package struct SettingsText {
  /// What stands for a secret.
  package static let mask = "***"

  private let settings: Settings

  package init(_ settings: Settings) { self.settings = settings }

  /// The file's text; `origins`: where each value comes from, as a comment.
  package func yaml(origins: Bool) -> String {
    var lines: [(text: String, origin: Origin)] = []
    var section = ""
    for setting in Setting.all {
      let shown = self.lines(setting)
      guard !shown.isEmpty else { continue }
      if setting.section != section {
        section = setting.section
        lines.append(("\(section):", .builtIn))
      }
      lines += shown
    }
    guard origins else { return lines.map(\.text).joined(separator: "\n") }
    let width = lines.filter { !Self.isHead($0.text) }.map(\.text.count).max() ?? 0
    return lines.map { line in
      if Self.isHead(line.text) { return line.text }
      let gap = String(repeating: " ", count: max(0, min(width, Self.columnMax) - line.text.count))
      return "\(line.text)\(gap)  # \(line.origin)"
    }.joined(separator: "\n")
  }

  /// Where origins stand, save behind longer lines.
  private static let columnMax = 60

  private static func isHead(_ line: String) -> Bool { line.hasSuffix(":") }

  private func lines(_ setting: Setting) -> [(text: String, origin: Origin)] {
    let indent = setting.section.isEmpty ? "" : "  "
    let origin = settings.origin(of: setting.path)
    switch setting.show(settings) {
    case .nothing: return []
    case .plain(let text): return [("\(indent)\(setting.key): \(text)", origin)]
    case .text(let text): return [("\(indent)\(setting.key): \(Self.quoted(text))", origin)]
    case .path(let path):
      return [("\(indent)\(setting.key): \(Self.quoted(SettingsPath.absolute(path)))", origin)]
    case .secret: return [("\(indent)# \(setting.key): \(Self.mask)", origin)]
    case .names(let names):
      guard !names.isEmpty else { return [] }
      return [("\(indent)\(setting.key):", .builtIn)]
        + names.map { name, text in
          (
            "\(indent)  \(Self.quoted(name)): \(Self.quoted(text))",
            settings.origin(of: "\(setting.path).\(name)")
          )
        }
    }
  }

  /// As YAML has it: plain where nothing can be mistaken, else in double quotes.
  package static func quoted(_ text: String) -> String {
    let isPlain =
      text.wholeMatch(of: /[A-Za-z0-9_.\/][A-Za-z0-9_.\/:@=+,% -]*/) != nil
      && !text.contains(": ") && !text.hasSuffix(":") && !text.hasSuffix(" ")
      && !["null", "~"].contains(text)
    if isPlain { return text }
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": escaped += "\\\""
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\t": escaped += "\\t"
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}", "\u{2029}", "\u{feff}", "\u{fffe}",
        "\u{ffff}":
        let digits = String(scalar.value, radix: 16)
        escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return "\"\(escaped)\""
  }

  /// A Redis URL with `***` in place of its password; the whole is `***` when it cannot be read.
  package static func redacted(redis url: String) -> String {
    guard let parsed = try? RedisConfiguration(url: url) else { return mask }
    guard parsed.password != nil, let start = url.firstRange(of: "://"), let at = url.lastIndex(of: "@"),
      let colon = url[start.upperBound..<at].firstIndex(of: ":")
    else { return url }
    return url[...colon] + mask + url[at...]
  }
}
