internal import Foundation

/// Aliases and their log.
///
/// A move is made in this order: `aliases.json`, which holds the whole line of the log, too, is replaced; then the line is appended
/// to `log.jsonl`. The first step decides. When a crash lies between the two, the next change appends the line, and readers see it
/// all the same; half a line at the log's end goes away with it.
extension RegisteredModel {
  /// Where the aliases lead. Throws `altered` when file or log is not what a registry writes.
  public func aliases() throws(RegistryError) -> [ModelAlias: ModelVersion] {
    let file = try aliasFile()
    if file.last == nil, !(try log().moves.isEmpty) {
      throw RegistryError(
        .altered, "\(path)/\(RegistryNames.aliases) is gone, and log.jsonl has moves: bring it back")
    }
    var found: [ModelAlias: ModelVersion] = [:]
    for (name, hex) in file.aliases {
      guard let alias = ModelAlias(rawValue: name), let version = ModelVersion(hex: hex) else {
        throw RegistryError(
          .altered, "\(path)/\(RegistryNames.aliases): \(name) is no alias, or leads to no version")
      }
      found[alias] = version
    }
    return found
  }

  /// All moves in order, the one that a crash has kept from the log included.
  public func moves() throws(RegistryError) -> [AliasMove] {
    var moves = try log().moves
    if let missing = try missingMove(moves) { moves.append(missing) }
    return moves
  }

  /// Moves an alias to a version, whose files are checked before. Returns the move; nil: it leads there already.
  @discardableResult
  public func promote(
    _ version: ModelVersion, to alias: ModelAlias = .production, reason: ChangeReason
  ) throws(RegistryError) -> AliasMove? {
    try move(alias, .promote, reason) { _ throws(RegistryError) in version }
  }

  /// Where an alias led before its last promotion. Throws `missing` when the log knows nothing of that.
  public func former(_ alias: ModelAlias = .production) throws(RegistryError) -> ModelVersion {
    guard let before = Self.before(alias, try moves()), let version = ModelVersion(hex: before) else {
      throw RegistryError(.missing, "\(alias.rawValue) of \(title) led to no other version before")
    }
    return version
  }

  /// Moves an alias to where it led before its last promotion; once more: to the one before that. Throws `missing` when the log
  /// knows none, or the version was deleted since.
  @discardableResult
  public func rollback(
    _ alias: ModelAlias = .production, reason: ChangeReason
  ) throws(RegistryError) -> AliasMove? {
    try move(alias, .rollback, reason) { moves throws(RegistryError) in
      guard let before = Self.before(alias, moves), let version = ModelVersion(hex: before) else {
        throw RegistryError(.missing, "\(alias.rawValue) of \(title) led to no other version before")
      }
      return version
    }
  }

  /// Where an alias led before its last promotion that was not taken back; nil: nowhere.
  static func before(_ alias: ModelAlias, _ moves: [AliasMove]) -> String? {
    var stack: [String] = []
    for move in moves where move.alias == alias {
      switch move.action {
      case .promote: stack.append(move.to)
      case .rollback: stack.removeLast(min(1, stack.count))
      }
    }
    return stack.dropLast().last
  }

  private func move(
    _ alias: ModelAlias, _ action: AliasMove.Action, _ reason: ChangeReason,
    target: ([AliasMove]) throws(RegistryError) -> ModelVersion
  ) throws(RegistryError) -> AliasMove? {
    guard Disk.isFolder(path) else {
      throw RegistryError(.missing, "there is no version of \(title) in the registry")
    }
    let lock = try FolderLock(folder: path)
    defer { lock.release() }
    let moves = try recover()
    let version = try target(moves)
    let current = try aliases()[alias]
    // Where it leads is checked under the lock: nobody deletes it in between.
    _ = try read(version)
    guard current != version else { return nil }
    let move = AliasMove(
      number: moves.count + 1, alias: alias, action: action, from: current?.hex, to: version.hex,
      who: reason.who, at: reason.at, why: reason.why)
    var file = try aliasFile()
    file.aliases[alias.rawValue] = version.hex
    file.last = move
    try Disk.replace(
      "\(path)/\(RegistryNames.aliases)", with: try RegistryJSON.encode(file, isForReaders: true))
    try append(move)
    return move
  }

  /// Finishes what a crash has interrupted; the lock is held. Returns all moves.
  @discardableResult
  func recover() throws(RegistryError) -> [AliasMove] {
    for name in try Disk.names(path) where RegistryNames.isLeftover(name) {
      try Disk.remove("\(path)/\(name)")
    }
    var moves = try log().moves
    if let missing = try missingMove(moves) {
      try append(missing)
      moves.append(missing)
    }
    return moves
  }

  /// The last move, if the log lacks it. Throws `altered` when it lacks more, or has what never was.
  private func missingMove(_ moves: [AliasMove]) throws(RegistryError) -> AliasMove? {
    let last = try aliasFile().last
    let numbers = moves.indices.map { $0 + 1 }
    guard moves.map(\.number) == numbers else {
      throw RegistryError(
        .altered, "\(path)/\(RegistryNames.log): moves are missing, or there are more than were made")
    }
    guard let last else {
      guard moves.isEmpty else {
        throw RegistryError(
          .altered, "\(path)/\(RegistryNames.aliases) is gone, and log.jsonl has moves: bring it back")
      }
      return nil
    }
    if last == moves.last { return nil }
    guard last.number == moves.count + 1 else {
      throw RegistryError(
        .altered,
        "\(path)/\(RegistryNames.log) ends with move \(moves.count), and aliases.json was written by move \(last.number)"
      )
    }
    return last
  }

  private func aliasFile() throws(RegistryError) -> AliasFile {
    let path = "\(path)/\(RegistryNames.aliases)"
    guard let bytes = try Disk.read(path) else { return AliasFile() }
    return try RegistryJSON.decode(AliasFile.self, bytes, path)
  }

  /// The log's whole lines, and their bytes.
  private func log() throws(RegistryError) -> (moves: [AliasMove], length: Int) {
    let path = "\(path)/\(RegistryNames.log)"
    let bytes = try Disk.read(path) ?? []
    let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    var moves: [AliasMove] = []
    for (index, line) in bytes[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
      .enumerated()
    {
      moves.append(try RegistryJSON.decode(AliasMove.self, Array(line), "\(path), line \(index + 1),"))
    }
    return (moves, end)
  }

  private func append(_ move: AliasMove) throws(RegistryError) {
    try Disk.append(
      try RegistryJSON.encode(move, isForReaders: false), to: "\(path)/\(RegistryNames.log)",
      after: try log().length)
  }
}
