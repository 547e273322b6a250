package import Features

/// Where a setting comes from.
package enum Origin: Sendable, CustomStringConvertible {
  /// Nobody has set it.
  case builtIn
  case file(String, SourcePosition)
  /// An environment variable.
  case environment(String)
  /// A flag of the command line, or `--set` with its path.
  case option(String)

  /// For `tally config --origin`.
  package var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let name, let position): "\(name):\(position.line)"
    case .environment(let name): "environment \(name)"
    case .option(let name): name
    }
  }

  /// For an error: what begins its line.
  package var place: String {
    switch self {
    case .file(let name, let position): "\(name):\(position.line):\(position.column)"
    case .environment(let name): name
    default: description
    }
  }

  /// Whether others may see a secret that stands there.
  package var isInPlain: Bool {
    switch self {
    case .file, .option: true
    case .builtIn, .environment: false
    }
  }
}
