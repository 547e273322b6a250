import Dataflow
import Declaration
import Features
import Foundation
import Kafka

/// Reads the configuration file.
package enum SettingsFile {
  /// Name that is looked for in this folder when none is given.
  package static let defaultName = "tally.yaml"

  /// What the file says; nil: there is none. Throws `Failure` naming file, line, column, what was found and is allowed.
  ///
  /// A file that merely lies in `folder` is taken when nobody else can have put it there, and may not name what loads code.
  package static func layer(
    path: String?, environment: [String: String], folder: String = "."
  ) throws -> SettingsLayer? {
    let variable = environment["TALLY_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    let local = folder == "." ? defaultName : folder + "/" + defaultName
    let found = FileManager.default.fileExists(atPath: local) ? local : nil
    guard let name = path ?? variable ?? found else { return nil }
    let isNamed = path != nil || variable != nil
    if !isNamed, let problem = PrivateFolder.problem(of: name) {
      throw Failure(
        "\(name) lies in this folder and \(problem): if it is right, name it: --config \(name)",
        reason: .badSetting)
    }
    let text = try readText(name, what: "configuration file")
    do {
      let layer = try layer(try readYAML(text), of: name)
      if !isNamed, let property = layer.names.first(where: { KafkaProperties.loadsCode($0) }) {
        throw Failure(
          "\(name): the property \(property) can load code or start a program, and the file merely lies in this folder: if it is "
            + "right, name it: --config \(name)", reason: .badSetting)
      }
      return layer
    } catch let error as DeclarationError {
      throw Failure("\(name):\(error)", reason: .badSetting)
    }
  }

  private static func layer(_ top: YAMLSection, of file: String) throws -> SettingsLayer {
    var layer = SettingsLayer()
    for entry in top.entries {
      if let setting = Setting.all.first(where: { $0.section.isEmpty && same($0.key, entry.key) }) {
        try layer.add(setting, given(entry.value, of: file))
        continue
      }
      let allowed = Setting.all.filter { $0.section.isEmpty }.map(\.key) + Setting.sections
      guard Setting.sections.contains(where: { same($0, entry.key) }) else {
        throw unknown(entry, path: entry.key, allowed: allowed)
      }
      try add(try section(entry), of: entry.key, file, to: &layer)
    }
    return layer
  }

  private static func add(
    _ section: YAMLSection, of name: String, _ file: String, to layer: inout SettingsLayer
  ) throws {
    for entry in section.entries {
      let path = "\(name).\(entry.key)"
      guard let setting = Setting.all.first(where: { same($0.path, path) }) else {
        let known = Setting.all.filter { $0.section == name && !$0.isSecret }
        throw unknown(entry, path: path, allowed: known.map(\.key))
      }
      guard !setting.isSecret else {
        throw DeclarationError(
          entry.position, found: "a password in the file",
          allowed: "\(entry.key)_file, \(entry.key)_env, or the environment variable "
            + (setting.alias ?? setting.variable))
      }
      guard setting.isMap else {
        try layer.add(setting, given(entry.value, of: file))
        continue
      }
      for inner in try Self.section(entry).entries {
        try layer.add(setting, given(inner.value, of: file, name: inner.key))
      }
    }
  }

  private static func given(_ value: YAMLValue, of file: String, name: String = "") -> GivenValue {
    GivenValue(
      value: value, origin: .file(file, value.position), name: name, folder: SettingsPath.folder(of: file))
  }

  /// An entry's keys. What stands there instead may hold a password, so it is not repeated.
  private static func section(_ entry: YAMLEntry) throws -> YAMLSection {
    do {
      return try entry.value.section()
    } catch {
      throw DeclarationError(
        entry.value.position, found: "a list or a single value", allowed: "a section of keys and values")
    }
  }

  private static func unknown(_ entry: YAMLEntry, path: String, allowed: [String]) -> DeclarationError {
    let near = Setting.nearest(to: path).map { "; is it \($0.path)?" } ?? ""
    return DeclarationError(
      entry.position, found: "the key \(shown(entry.key))",
      allowed: allowed.joined(separator: ", ") + near)
  }

  private static func same(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
}

/// A text file's content. Throws `Failure` naming the file.
package func readText(_ path: String, what: String) throws -> String {
  guard let data = FileManager.default.contents(atPath: path) else {
    throw Failure("the \(what) \(path) cannot be read: is the path right?", reason: .badFile)
  }
  guard let text = String(data: data, encoding: .utf8) else {
    throw Failure("\(path) is not UTF-8", reason: .badFile)
  }
  return text
}
