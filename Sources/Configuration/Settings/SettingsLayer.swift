import Dataflow
import Declaration
import Features

/// What one place says: the file, the environment, `--set`, or the other flags.
package struct SettingsLayer {
  private var values: [(setting: Setting, given: GivenValue)] = []

  /// Names of the map entries that it sets: librdkafka's properties among them.
  package var names: [String] { values.map(\.given.name) }

  /// Adds a value. Throws `Failure` when the same place has said something else already; `replaces`: the later one of
  /// two for the same setting counts.
  package mutating func add(_ setting: Setting, _ given: GivenValue, replaces: Bool = false) throws {
    for (index, known) in values.enumerated().reversed() {
      let isSame = known.setting.path == setting.path && sameName(known.given, given)
      let isOneOfGroup = setting.group != nil && known.setting.group == setting.group
      let isSameProperty = setting.isMap && known.setting.isMap && sameName(known.given, given)
      if isSame && replaces {
        values.remove(at: index)
      } else if isSame || isOneOfGroup || isSameProperty {
        let path = Self.path(known.setting, known.given)
        throw Self.conflict(path, known.given.origin, (setting, given))
      }
    }
    values.append((setting, given))
  }

  /// Sets what this place says. Throws `Failure` naming the place, what was found and what is allowed; also when an earlier place says
  /// what cannot stand beside it, such as a table of another kind: the later place would win, but which was meant nobody knows.
  package func apply(to settings: inout Settings) throws {
    for (setting, given) in values {
      if let (path, origin) = rival(of: setting, given, settings) {
        throw Self.conflict(path, origin, (setting, given))
      }
      do {
        try setting.read(given, &settings)
      } catch let error as DeclarationError {
        throw Failure(
          "\(given.origin.place): found \(error.found); allowed: \(error.allowed)", reason: .badSetting)
      }
      settings.origins[Self.path(setting, given)] = given.origin
    }
  }

  private func sameName(_ left: GivenValue, _ right: GivenValue) -> Bool {
    left.name.utf8.elementsEqual(right.name.utf8)
  }

  private static func path(_ setting: Setting, _ given: GivenValue) -> String {
    given.name.isEmpty ? setting.path : "\(setting.path).\(given.name)"
  }

  /// What an earlier place says that this cannot stand beside, and where; nil: nothing.
  private func rival(
    of setting: Setting, _ given: GivenValue, _ settings: Settings
  ) -> (path: String, origin: Origin)? {
    for other in Setting.all where other.path != setting.path {
      let isOfGroup = setting.group != nil && other.group == setting.group
      guard isOfGroup || (setting.isMap && other.isMap) else { continue }
      let path = Self.path(other, given)
      if let origin = settings.origins[path] { return (path, origin) }
    }
    return nil
  }

  private static func conflict(
    _ first: String, _ origin: Origin, _ second: (Setting, GivenValue)
  ) -> Failure {
    let path = path(second.0, second.1)
    let what = first == path ? "\(first) twice" : "\(path) beside \(first)"
    return Failure(
      "\(second.1.origin.place): found \(what) (\(origin)); allowed: one of them", reason: .badSetting)
  }
}

/// Finds settings by the names that operators write.
extension Setting {
  /// The setting of a path, with the name within it: `kafka.properties.sasl.username`; nil: there is none.
  package static func find(path: String) -> (setting: Setting, name: String)? {
    if let exact = all.first(where: { $0.path.utf8.elementsEqual(path.utf8) }) { return (exact, "") }
    for setting in all where setting.isMap && path.utf8.starts(with: (setting.path + ".").utf8) {
      return (setting, String(path.dropFirst(setting.path.count + 1)))
    }
    return nil
  }

  /// The setting of an environment variable, with the name within it: `TALLY_KAFKA_PROPERTIES_SASL_USERNAME`.
  package static func find(variable: String) -> (setting: Setting, name: String)? {
    if let exact = all.first(where: { !$0.isMap && ($0.variable == variable || $0.alias == variable) }) {
      return (exact, "")
    }
    let maps = all.filter { $0.isMap && variable.hasPrefix($0.variable + "_") }
    guard let longest = maps.max(by: { $0.variable.utf8.count < $1.variable.utf8.count }) else { return nil }
    let name = variable.dropFirst(longest.variable.count + 1).lowercased()
    return name.isEmpty ? nil : (longest, String(name.map { $0 == "_" ? "." : $0 }))
  }

  /// The setting whose path is most like one that is none; nil: none is like it. Never one that only the environment may give.
  package static func nearest(to path: String) -> Setting? {
    let open = all.filter { !$0.isSecret }
    let key = path.split(separator: ".").last.map(String.init) ?? path
    if let same = open.first(where: { $0.key == key }) { return same }
    let near = closest(to: path, among: open.map(\.path))
    return open.first { $0.path == near }
  }

  /// The name that differs least from another, by at most a third of it.
  package static func closest(to name: String, among names: [String]) -> String? {
    let near = names.map { ($0, distance($0, name)) }.min { $0.1 < $1.1 }
    guard let near, near.1 * 3 <= near.0.utf8.count else { return nil }
    return near.0
  }

  /// Letters to change, insert or remove (Levenshtein).
  private static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (line, byte) in left.utf8.enumerated() {
      var before = row[0]
      row[0] = line + 1
      for column in right.indices {
        let cost = min(before + (right[column] == byte ? 0 : 1), row[column] + 1, row[column + 1] + 1)
        before = row[column + 1]
        row[column + 1] = cost
      }
    }
    return row[right.count]
  }
}
