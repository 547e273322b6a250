public import Features
import Yams

/// Bounds of the files that are read.
public enum YAMLLimits {
  /// Largest file, bytes.
  public static let fileBytesMax = 4 << 20
  /// Most values of a file, aliases counted where they are used.
  public static let valuesMax = 100_000
}

/// Reads YAML 1.1 text (libyaml) into sections whose every key and value knows its line and column.
///
/// One document with keys at its top; a repeated key is refused. Errors carry libyaml's words and position.
public func readYAML(_ text: String) throws(DeclarationError) -> YAMLSection {
  guard text.utf8.count <= YAMLLimits.fileBytesMax else {
    throw DeclarationError(
      SourcePosition(line: 1, column: 1), found: "\(text.utf8.count) bytes",
      allowed: "a file of at most \(YAMLLimits.fileBytesMax) bytes")
  }
  var reader = YAMLReader(source: YAMLSource(text))
  return try reader.read(text)
}

/// Turns Yams' nodes into our values; the only place that knows Yams.
struct YAMLReader {
  let source: YAMLSource
  private var values = 0

  init(source: YAMLSource) { self.source = source }

  mutating func read(_ text: String) throws(DeclarationError) -> YAMLSection {
    let start = SourcePosition(line: 1, column: 1)
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw syntaxError(error)
    } catch {
      throw DeclarationError(start, found: "text that cannot be read", allowed: "valid YAML")
    }
    guard let root else {
      throw DeclarationError(start, found: "an empty file", allowed: "a YAML file with keys at its top")
    }
    return try value(root, path: "").section()
  }

  private mutating func value(_ node: Node, path: String) throws(DeclarationError) -> YAMLValue {
    let position = position(node.mark)
    values += 1
    guard values <= YAMLLimits.valuesMax else {
      throw DeclarationError(
        position, found: "more than \(YAMLLimits.valuesMax) values", allowed: "fewer values, fewer aliases")
    }
    let content: YAMLValue.Content
    switch node {
    case .scalar(let scalar): content = .scalar(scalar.string, style(scalar.style))
    case .sequence(let sequence):
      var items: [YAMLValue] = []
      for item in sequence { items.append(try value(item, path: "\(path)[\(items.count)]")) }
      content = .list(items)
    case .mapping(let mapping): content = .section(try entries(mapping, path: path))
    case .alias: throw DeclarationError(position, found: "an alias", allowed: "the value itself")
    }
    return YAMLValue(content: content, path: path, position: position, source: source)
  }

  private mutating func entries(
    _ mapping: Node.Mapping, path: String
  ) throws(DeclarationError) -> [YAMLEntry] {
    var entries: [YAMLEntry] = []
    // By bytes: for Swift a letter and its mark equal the letter that has both.
    var seen: Set<[UInt8]> = []
    for (keyNode, valueNode) in mapping {
      let keyPosition = position(keyNode.mark)
      guard case .scalar(let key) = keyNode else {
        throw DeclarationError(keyPosition, found: "a list or section as a key", allowed: "a name")
      }
      guard seen.insert(Array(key.string.utf8)).inserted else {
        throw Self.duplicate(key.string, at: keyPosition)
      }
      let inner = path.isEmpty ? key.string : "\(path).\(key.string)"
      entries.append(
        YAMLEntry(key: key.string, position: keyPosition, value: try value(valueNode, path: inner)))
    }
    return entries
  }

  private func style(_ style: Node.Scalar.Style) -> YAMLValue.Style {
    switch style {
    case .singleQuoted, .doubleQuoted: .quoted
    case .literal, .folded: .block
    case .any, .plain: .plain
    }
  }

  private func position(_ mark: Mark?) -> SourcePosition {
    SourcePosition(line: mark?.line ?? 1, column: mark?.column ?? 1)
  }

  private func syntaxError(_ error: YamlError) -> DeclarationError {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let words = context.map { "\(problem) (\($0.text) from \($0.mark))" } ?? problem
      return DeclarationError(position(mark), found: "broken YAML: \(words)", allowed: "valid YAML")
    case .reader(let problem, let offset, _, _):
      let position = source.position(characters: offset ?? 0)
      return DeclarationError(position, found: "broken YAML: \(problem)", allowed: "valid YAML")
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.sorted().first ?? ""
      let first = position(context.mark)
      return Self.duplicate(key, at: source.next(key, like: first) ?? first)
    default:
      return DeclarationError(
        SourcePosition(line: 1, column: 1), found: "text that cannot be read", allowed: "valid YAML")
    }
  }

  private static func duplicate(_ key: String, at position: SourcePosition) -> DeclarationError {
    DeclarationError(position, found: "the key \(quoted(key)) twice", allowed: "each key once")
  }
}
