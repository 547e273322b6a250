import Foundation

/// Paths of files in settings: those of a configuration file are relative to the folder that it lies in, all others to the working
/// folder.
package enum SettingsPath {
  /// The folder that a file lies in; empty: the working folder.
  package static func folder(of file: String) -> String {
    let folder = (file as NSString).deletingLastPathComponent
    return folder == "." ? "" : folder
  }

  /// A path of a file that lies in `folder`.
  package static func joined(_ path: String, to folder: String) -> String {
    guard isRelative(path), !folder.isEmpty else { return path }
    return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }

  /// The same from the root: what is printed means the same in every folder.
  package static func absolute(_ path: String) -> String {
    joined(path, to: FileManager.default.currentDirectoryPath)
  }

  package static func isRelative(_ path: String) -> Bool {
    !path.isEmpty && path.utf8.first != UInt8(ascii: "/")
  }
}

/// A relative path of a configuration file that lies in another folder than the working one.
package struct FilePath {
  /// As it is written.
  package let text: String
  /// Where it leads.
  package let path: String
}

extension Settings {
  /// Where a path that was given leads; remembers what may have been meant otherwise.
  package mutating func path(_ text: String, _ setting: String, _ given: GivenValue) -> String {
    let path = SettingsPath.joined(text, to: given.folder)
    filePaths[setting] = path == text ? nil : FilePath(text: text, path: path)
    return path
  }

  /// What should be said of paths that only versions before 0.3 would have found: they took them from the working folder.
  package func pathWarnings() -> [String] {
    filePaths.sorted { $0.key < $1.key }.compactMap { setting, given in
      guard case .file = origin(of: setting), !FileManager.default.fileExists(atPath: given.path),
        FileManager.default.fileExists(atPath: given.text)
      else { return nil }
      return
        "\(origin(of: setting).place): \(given.path) is not there, but \(given.text) is in the working folder: paths in a "
        + "configuration file are relative to that file"
    }
  }
}
