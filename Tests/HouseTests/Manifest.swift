import Foundation

/// The targets under Sources/ that Package.swift declares, as far as its text tells.
struct Manifest {
  /// Dependencies by target; those on packages by the product's name.
  private(set) var dependencies: [String: Set<String>] = [:]
  /// Dependencies of the tests' targets; those on packages by the product's name.
  private(set) var testDependencies: [String: Set<String>] = [:]
  /// The floors that it writes beside the targets.
  private(set) var floors: [String: Int] = [:]

  /// Reads the text of a Package.swift.
  init(_ text: String) {
    var products: [String: String] = [:]
    for match in text.matches(of: /let (\w+): Target\.Dependency = \.product\(name: "(\w+)"/) {
      products[String(match.1)] = String(match.2)
    }
    func names(_ list: Substring?) -> Set<String> {
      let items = (list ?? "").split { $0 == "," || $0.isWhitespace }.map(String.init)
      return Set(items.map { $0.hasPrefix("\"") ? String($0.dropFirst().dropLast()) : products[$0] ?? $0 })
    }
    for match in text.matches(of: /\bmodule\(\s*"(\w+)",\s*floor: (\d+)(?:,\s*\[([^\]]*)\])?/) {
      dependencies[String(match.1)] = names(match.3)
      floors[String(match.1)] = Int(match.2)
    }
    for match in text.matches(of: /\btests\(\s*"(\w+)",\s*\[([^\]]*)\]/) {
      testDependencies[String(match.1)] = names(match.2)
    }
    // A target of the tests names its path under Tests/.
    for match in text.matches(
      of: /\.executableTarget\(\s*name: "(\w+)",\s*dependencies: \[([^\]]*)\](?!,\s*path: "Tests)/)
    {
      dependencies[String(match.1)] = names(match.2)
    }
    for match in text.matches(of: /\.(?:systemLibrary|target)\(name: "(C\w+)"(?!, path: "Tests)/) {
      dependencies[String(match.1)] = []
    }
  }
}

/// The project's files.
enum Project {
  /// The folder with Package.swift.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Every Swift file under a folder, as a path from the root, with its text.
  static func swiftFiles(under folder: String) throws -> [(path: String, text: String)] {
    let start = root.appendingPathComponent(folder).path
    let paths = try FileManager.default.subpathsOfDirectory(atPath: start).filter { $0.hasSuffix(".swift") }
    return try paths.sorted().map {
      ("\(folder)/\($0)", try String(contentsOfFile: "\(start)/\($0)", encoding: .utf8))
    }
  }

  /// The module of a path such as Sources/Events/Event.swift.
  static func module(of path: String) -> String { String(path.split(separator: "/")[1]) }

  /// Names of the folders in a folder.
  static func folders(in folder: String) throws -> [String] {
    let start = root.appendingPathComponent(folder)
    return try FileManager.default.contentsOfDirectory(
      at: start, includingPropertiesForKeys: [.isDirectoryKey]
    )
    .filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }.map(\.lastPathComponent)
  }

  /// The package's declaration.
  static func manifest() throws -> Manifest {
    Manifest(try String(contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8))
  }
}
