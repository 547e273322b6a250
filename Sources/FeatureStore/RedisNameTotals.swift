import Dataflow
public import Events

/// What all processes of a pipeline have dropped because it does not declare it, by name: one value in Redis, beside the states.
/// One thread; connects when first used, anew after any error.
public final class RedisNameTotals {
  private let configuration: RedisConfiguration
  private let key: [UInt8]
  private var session: RedisSession?
  /// How long counts are kept after the last one, milliseconds: what is mended is forgotten.
  private static let keptMs: Int64 = 30 * 86_400_000

  /// Totals of a pipeline; does not connect. Throws `PortError.misuse`.
  public init(_ configuration: RedisConfiguration, pipeline: String) throws {
    try configuration.validate()
    self.configuration = configuration
    key = Array("\(configuration.keyPrefix){\(pipeline)/undeclared}".utf8)
  }

  /// Adds counts; names beyond the first `NameCounts.namesMax` of either kind are added to `other`. Throws `PortError`; when an
  /// answer was lost, they may have been added.
  public func add(_ counts: NameCounts) throws {
    let fields =
      counts.types.map { ("t:", $0) } + counts.attributes.map { ("a:", $0) }
      + counts.replaced.map { ("r:", $0) }
    guard !fields.isEmpty else { return }
    var commands = RespBuffer()
    commands.begin(words: 6 + 2 * fields.count)
    commands.word("EVAL" as StaticString)
    commands.word(Self.script)
    commands.word("1" as StaticString)
    commands.word(key)
    commands.word(Self.keptMs)
    commands.word(Int64(NameCounts.namesMax))
    for (kind, entry) in fields {
      commands.word(kind + entry.name)
      commands.word(Int64(clamping: entry.count))
    }
    try withSession { session in
      try session.send(commands)
      try session.next("EVAL") { _ in }
    }
  }

  /// All counts. Throws `PortError`.
  public func read() throws -> NameCounts {
    var commands = RespBuffer()
    commands.begin(words: 2)
    commands.word("GET" as StaticString)
    commands.word(key)
    let text = try withSession { session in
      try session.send(commands)
      return try session.next("GET") { $0.bytes.map { String(decoding: $0, as: UTF8.self) } ?? "" }
    }
    var counts = NameCounts()
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard parts.count == 2, let count = UInt64(parts[1]) else { continue }
      let name = String(parts[0].dropFirst(2))
      var copy = name
      guard copy.withUTF8({ NameCounts.isShown(UnsafeRawBufferPointer($0)) }) else { continue }
      if parts[0].hasPrefix("t:") { counts.types.append(NameCount(name, count)) }
      if parts[0].hasPrefix("a:") { counts.attributes.append(NameCount(name, count)) }
      if parts[0].hasPrefix("r:") { counts.replaced.append(NameCount(name, count)) }
    }
    return counts
  }

  /// Closes the connection.
  public func close() { session = nil }

  private func withSession<Result>(_ body: (RedisSession) throws -> Result) throws -> Result {
    do {
      let current = try session ?? RedisSession(configuration)
      session = current
      return try body(current)
    } catch {
      session = nil
      throw error
    }
  }

  /// KEYS: the value, lines of `KIND:NAME COUNT`. ARGV: how long it is kept, milliseconds; most names of a kind; then names with
  /// what is added to each.
  private static let script = """
    local counts, order, sizes = {}, {}, {}
    local function put(field, count)
      local kind = string.sub(field, 1, 2)
      if not counts[field] and field ~= kind .. 'other' then
        if (sizes[kind] or 0) >= tonumber(ARGV[2]) then
          field = kind .. 'other'
        else
          sizes[kind] = (sizes[kind] or 0) + 1
        end
      end
      if not counts[field] then order[#order + 1] = field end
      counts[field] = (counts[field] or 0) + tonumber(count)
    end
    for field, count in string.gmatch(redis.call('GET', KEYS[1]) or '', '(%S+) (%d+)') do put(field, count) end
    for i = 3, #ARGV, 2 do put(ARGV[i], ARGV[i + 1]) end
    local lines = {}
    for i, field in ipairs(order) do lines[i] = field .. ' ' .. string.format('%.0f', counts[field]) end
    redis.call('SET', KEYS[1], table.concat(lines, '\\n'), 'PX', ARGV[1])
    return 1
    """
}
