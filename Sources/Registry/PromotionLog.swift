internal import Foundation

/// The sets of models that a pipeline has been scored with, and the promotions that put them in force: `PIPELINE/sets/HASH.json` and
/// `PIPELINE/promotions.jsonl`.
///
/// The events in the log decide. This is what is known of them where the log no longer reaches, and what an interrupted promotion is
/// completed by: a line is written before anything is appended (without `offsets`), and one behind it when all partitions have the event.
public struct PromotionLog: Sendable {
  private let folder: String
  private let pipeline: String
  private let registry: ModelRegistry

  /// Those of a pipeline. Throws for a name that leads out of the registry.
  public init(_ registry: ModelRegistry, pipeline: String) throws(RegistryError) {
    guard RegistryNames.isPlain(pipeline) else {
      throw RegistryError(.invalidName, "\"\(pipeline)\": no name of a pipeline in a registry")
    }
    self.registry = registry
    self.pipeline = pipeline
    folder = "\(registry.path)/\(pipeline)"
  }

  /// All lines in order. Throws `altered` when the file is not what a registry writes.
  public func notes() throws(RegistryError) -> [PromotionNote] { try read().notes }

  /// The promotions that lie on all partitions, and the baseline, ascending by number.
  public func inForce() throws(RegistryError) -> [PromotionNote] {
    try notes().filter { $0.offsets != nil || $0.number == 0 }
  }

  /// A promotion that was begun and is not known to lie on all partitions; nil: there is none.
  public func unfinished() throws(RegistryError) -> PromotionNote? {
    guard let last = try notes().last, last.offsets == nil, last.number > 0 else { return nil }
    return last
  }

  /// The versions of a set's models. Throws `missing`, or `altered`.
  public func versions(of hash: String) throws(RegistryError) -> [String: ModelVersion] {
    let path = path(of: hash)
    guard let bytes = try Disk.read(path) else {
      throw RegistryError(
        .missing, "the registry \(registry.path) has no set of models \(hash) of \(pipeline)")
    }
    let file = try RegistryJSON.decode(SetFile.self, bytes, path)
    var found: [String: ModelVersion] = [:]
    for (name, hex) in file.models {
      guard let version = ModelVersion(hex: hex) else {
        throw RegistryError(.altered, "\(path): \(name) has no version")
      }
      found[name] = version
    }
    return found
  }

  /// Keeps a set, durably; one that is there stays as it is.
  public func keep(_ versions: [String: ModelVersion], as hash: String) throws(RegistryError) {
    guard try Disk.read(path(of: hash)) == nil else { return }
    try Disk.makeFolder("\(folder)/\(RegistryNames.sets)")
    try Disk.replace(
      path(of: hash),
      with: try RegistryJSON.encode(SetFile(models: versions.mapValues(\.hex)), isForReaders: true))
  }

  /// Appends a line, durably. Throws `failed` when another one of its number, or a later one, is there.
  public func append(_ note: PromotionNote) throws(RegistryError) {
    let (notes, length) = try read()
    if let last = notes.last, note.number < last.number || note.number == last.number && last.offsets != nil {
      throw RegistryError(
        .failed, "\(path): promotion \(note.number) cannot be noted behind number \(last.number)")
    }
    try Disk.append(try RegistryJSON.encode(note, isForReaders: false), to: path, after: length)
  }

  /// The last promotion (or baseline) that needs a version of a model, since a reader of the log would score with it: one that was begun, is in
  /// force, or comes into force at or behind the log's beginnings, by partition; nil: none does. Beginnings that are not known: all
  /// count.
  public func need(
    of version: ModelVersion, of model: String, from beginnings: [Int64]?
  ) throws(RegistryError) -> PromotionNote? {
    let known = try inForce()
    var needed: [PromotionNote] = []
    for (place, note) in known.enumerated() {
      // A set is in force until the next one is, on each partition.
      let ends = place + 1 < known.count ? known[place + 1].offsets : nil
      guard let ends, let beginnings else {
        needed.append(note)
        continue
      }
      if !zip(ends, beginnings).allSatisfy({ $0 < $1 }) { needed.append(note) }
    }
    if let begun = try unfinished() { needed.append(begun) }
    for note in needed.reversed() where try versions(of: note.set)[model] == version { return note }
    return nil
  }

  /// Does something while nobody else promotes a set of the pipeline. Throws `busy`.
  package func whileLocked<Result>(_ body: () throws -> Result) throws -> Result {
    try Disk.makeFolder(folder)
    let lock = try FolderLock(folder: folder)
    defer { lock.release() }
    return try body()
  }

  private var path: String { "\(folder)/\(RegistryNames.promotions)" }
  private func path(of hash: String) -> String { "\(folder)/\(RegistryNames.sets)/\(hash).json" }

  /// The lines, and how many bytes they take: half a line at the end was never written.
  private func read() throws(RegistryError) -> (notes: [PromotionNote], length: Int) {
    guard let bytes = try Disk.read(path) else { return ([], 0) }
    let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    var notes: [PromotionNote] = []
    for line in bytes[..<end].split(separator: UInt8(ascii: "\n")) {
      let note = try RegistryJSON.decode(PromotionNote.self, Array(line), path)
      guard notes.last.map({ $0.number <= note.number }) ?? true else {
        throw RegistryError(.altered, "\(path): promotion \(note.number) stands behind a later one")
      }
      notes.append(note)
    }
    return (notes, end)
  }
}

/// Given versions of a pipeline's models, each with its hash checked when it is read.
public struct PinnedModels: ModelFiles {
  private let registry: ModelRegistry
  private let pipeline: String
  private let versions: [String: ModelVersion]

  /// These versions; a model without one is not there.
  public init(_ registry: ModelRegistry, pipeline: String, versions: [String: ModelVersion]) {
    self.registry = registry
    self.pipeline = pipeline
    self.versions = versions
  }

  /// The pipeline's folder in the registry.
  public var place: String { "\(registry.path)/\(pipeline)" }

  /// Whether there is a version of the model; declared file names do not matter here.
  public func has(_ model: String, file: String) -> Bool { versions[model] != nil }

  /// Reads the model's version. Throws `missing`, or `altered` with what is wrong with which file.
  public func read(_ model: String, file: String) throws(RegistryError) -> ModelFile {
    let registered = try registry.model(model, of: pipeline)
    guard let version = versions[model] else {
      throw RegistryError(.missing, "the set of models has none of \(registered.title)")
    }
    return try registered.read(version).model
  }
}
