internal import Foundation

/// Something in a registry that should not be so.
public struct RegistryFinding: Equatable, Sendable {
  /// Where: `PIPELINE/MODEL`, with the version if it is one's.
  public let place: String
  /// What is wrong with which file.
  public let problem: String
}

extension ModelRegistry {
  /// Recomputes the hash of every version and reads aliases and logs; empty: all is as it was registered.
  public func findings() throws(RegistryError) -> [RegistryFinding] {
    let own = [RegistryNames.sets, RegistryNames.promotions]
    var found: [RegistryFinding] = []
    for pipeline in try Disk.names(path) where !pipeline.hasPrefix(".") {
      if !Disk.isFolder("\(path)/\(pipeline)") {
        found.append(RegistryFinding(place: pipeline, problem: "foreign: no folder of a pipeline"))
        continue
      }
      for name in try Disk.names("\(path)/\(pipeline)") where !name.hasPrefix(".") && !own.contains(name) {
        let isModel =
          RegistryNames.isPlain(name) && RegistryNames.isPlain(pipeline)
          && Disk.isFolder("\(path)/\(pipeline)/\(name)")
        if isModel {
          found += try model(name, of: pipeline).findings()
        } else {
          found.append(
            RegistryFinding(place: "\(pipeline)/\(name)", problem: "foreign: no folder of a model"))
        }
      }
      found += findingsOfSets(pipeline)
    }
    return found
  }
}

extension ModelRegistry {
  /// Sets and promotions of a pipeline: every set that a promotion names must be there, with all its versions.
  private func findingsOfSets(_ pipeline: String) -> [RegistryFinding] {
    guard RegistryNames.isPlain(pipeline) else { return [] }
    var found: [RegistryFinding] = []
    do throws(RegistryError) {
      let log = try PromotionLog(self, pipeline: pipeline)
      for hash in Set(try log.notes().map(\.set)).sorted() {
        let versions = try log.versions(of: hash)
        for (name, version) in versions.sorted(by: { $0.key < $1.key }) {
          guard try !model(name, of: pipeline).versions().contains(version) else { continue }
          found.append(
            RegistryFinding(
              place: "\(pipeline)/sets/\(hash)", problem: "missing: version \(version.hex) of \(name)"))
        }
      }
    } catch { found.append(RegistryFinding(place: pipeline, problem: "altered: \(error.detail)")) }
    return found
  }
}

extension RegisteredModel {
  /// The same of one model. What interrupted changes have left is none: nobody reads it, and the next change removes it.
  public func findings() throws(RegistryError) -> [RegistryFinding] {
    let own = [RegistryNames.aliases, RegistryNames.log, RegistryNames.lock]
    var found: [RegistryFinding] = []
    for entry in try Disk.names(path) where !own.contains(entry) && !RegistryNames.isLeftover(entry) {
      guard let version = ModelVersion(hex: entry), Disk.isFolder("\(path)/\(entry)") else {
        found.append(RegistryFinding(place: title, problem: "foreign: \(entry)"))
        continue
      }
      let inspected = try inspect(version)
      found += (inspected.problems + inspected.remarks).map {
        RegistryFinding(place: "\(title)/\(entry)", problem: $0)
      }
    }
    do throws(RegistryError) {
      let there = Set(try versions())
      for (alias, version) in try aliases().sorted(by: { $0.key.rawValue < $1.key.rawValue })
      where !there.contains(version) {
        found.append(
          RegistryFinding(place: title, problem: "missing: \(version.hex), which is \(alias.rawValue)"))
      }
      _ = try moves()
    } catch {
      found.append(RegistryFinding(place: title, problem: "altered: \(error.detail)"))
    }
    return found
  }

  /// A version's files as they are, and what is wrong with them; a file that cannot be read is a problem, too. `remarks`: what is wrong
  /// with files that nobody scores with, such as cards: a version is served all the same.
  func inspect(
    _ version: ModelVersion
  ) throws(RegistryError) -> (
    files: [VersionFile], metadata: VersionMetadata?, problems: [String], remarks: [String]
  ) {
    let folder = path(of: version)
    var problems: [String] = []
    var files: [VersionFile] = []
    for name in try Disk.names(folder) {
      guard Disk.isPlainFile("\(folder)/\(name)"), let bytes = try Disk.read("\(folder)/\(name)") else {
        problems.append("foreign: \(name) is no plain file")
        continue
      }
      files.append(VersionFile(name: name, bytes: bytes))
    }
    let metadata = metadata(in: files, of: version, &problems)
    let hashed = files.filter { RegistryNames.isHashed($0.name) }
    let isWhole = ModelVersion(ofFiles: hashed) == version
    if !isWhole {
      let before = problems.count
      if let metadata { problems += Self.differences(hashed, metadata.files) }
      if problems.count == before {
        problems.append(
          "altered: the files \(hashed.map(\.name).joined(separator: ", ")) do not have this hash")
      }
    } else if hashed.count(where: { RegistryNames.models.contains($0.name) }) != 1 {
      problems.append("missing: model.json or model.ubj")
    }
    var remarks: [String] = []
    for problem in Self.uncoveredProblems(files) {
      if problem.hasSuffix(": \(RegistryNames.metadata)") {
        if !problems.contains(where: { $0.contains(RegistryNames.metadata) }) { problems.append(problem) }
      } else {
        remarks.append(problem)
      }
    }
    return (files, metadata, problems, remarks)
  }

  /// What is wrong with the files that the version's hash does not cover: each ends in the file's name.
  private static func uncoveredProblems(_ files: [VersionFile]) -> [String] {
    guard let own = files.first(where: { $0.name == RegistryNames.checksums }) else {
      return ["missing: \(RegistryNames.checksums)"]
    }
    guard let sums = try? JSONDecoder().decode([String: String].self, from: Data(own.bytes)) else {
      return ["altered: \(RegistryNames.checksums)"]
    }
    var problems: [String] = []
    for name in sums.keys.sorted() where !files.contains(where: { $0.name == name }) {
      problems.append("missing: \(name)")
    }
    for file in files where !RegistryNames.isHashed(file.name) && file.name != RegistryNames.checksums {
      guard let sum = sums[file.name] else {
        problems.append("foreign: \(file.name)")
        continue
      }
      if file.description.hash != sum { problems.append("altered: \(file.name)") }
    }
    return problems
  }

  private func metadata(
    in files: [VersionFile], of version: ModelVersion, _ problems: inout [String]
  ) -> VersionMetadata? {
    guard let file = files.first(where: { $0.name == RegistryNames.metadata }) else {
      problems.append("missing: metadata.json")
      return nil
    }
    guard let metadata = try? JSONDecoder().decode(VersionMetadata.self, from: Data(file.bytes)) else {
      problems.append("altered: metadata.json is not what a registry writes")
      return nil
    }
    guard metadata.pipeline == pipeline, metadata.model == name, metadata.version == version.hex else {
      problems.append(
        "foreign: metadata.json is of \(metadata.version) of \(metadata.pipeline)/\(metadata.model)")
      return metadata
    }
    return metadata
  }

  /// Which files are not as they were registered.
  private static func differences(_ files: [VersionFile], _ registered: [VersionMetadata.File]) -> [String] {
    var problems: [String] = []
    for file in registered {
      guard let found = files.first(where: { $0.name == file.name })?.description else {
        problems.append("missing: \(file.name)")
        continue
      }
      if found.length < file.length {
        problems.append("truncated: \(file.name) has \(found.length) of \(file.length) bytes")
      } else if found != file {
        problems.append("altered: \(file.name)")
      }
    }
    let known = Set(registered.map(\.name))
    return problems + files.filter { !known.contains($0.name) }.map { "foreign: \($0.name)" }
  }
}
