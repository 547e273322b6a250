import Dataflow
import Features

extension InputLoader {
  /// `profile_json`, `payload.after`, `data."a.b"`; `.`: the record.
  func path(_ value: YAMLValue) throws(DeclarationError) -> RecordPath {
    let text = try value.string()
    if sameBytes(text, ".") { return RecordPath(keys: [], text: text, position: value.position) }
    var keys: [String] = []
    var rest = text[...]
    while true {
      let key: Substring
      if rest.first == "\"" {
        guard let end = rest.dropFirst().firstIndex(of: "\"") else { throw wrong(value) }
        key = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
      } else {
        let end = rest.firstIndex(of: ".") ?? rest.endIndex
        key = rest[..<end]
        rest = rest[end...]
      }
      guard !key.isEmpty, keys.count < 32 else { throw wrong(value) }
      keys.append(String(key))
      guard let dot = rest.first else { break }
      guard dot == ".", rest.count > 1 else { throw wrong(value) }
      rest = rest.dropFirst()
    }
    return RecordPath(keys: keys, text: text, position: value.position)
  }

  private func wrong(_ value: YAMLValue) -> DeclarationError {
    value.wrong(
      allowed: "a path such as pid, payload.after.id or data.\"a.b\" (. is the record), at most 32 keys deep")
  }

  /// A path below the record.
  func valuePath(_ value: YAMLValue) throws(DeclarationError) -> RecordPath {
    let path = try path(value)
    guard !path.keys.isEmpty else { throw wrong(value) }
    return path
  }
}
