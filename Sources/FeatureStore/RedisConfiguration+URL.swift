import Dataflow

extension RedisConfiguration {
  /// Reads `redis://[user][:password]@host[:port][/database]` or
  /// `unix://[user][:password]@/path[?db=number]`.
  ///
  /// User and password may be percent-encoded; `redis://:password@host` gives the default user's password.
  /// Sets address, user, password and database; the rest keeps its defaults. Errors never repeat the URL,
  /// which may hold a password.
  public init(url: String) throws {
    func problem(_ text: String, code: PortError.Code = .misuse) -> PortError {
      PortError(code, "redis URL", cause: text, reason: .badSetting)
    }
    var rest = Array(url.utf8)[...]
    func take(_ scheme: String) -> Bool {
      guard rest.starts(with: scheme.utf8) else { return false }
      rest = rest.dropFirst(scheme.utf8.count)
      return true
    }
    if take("rediss://") {
      throw problem(
        "rediss:// (TLS) is not supported: the hiredis of Debian 12 has no TLS. Run stunnel beside Tally "
          + "(client = yes, accept = 127.0.0.1:6380, connect = your.redis:6379) and give redis://127.0.0.1:6380",
        code: .refused)
    }
    self.init()
    let isSocket = take("unix://")
    guard isSocket || take("redis://") else { throw problem("it must begin with redis:// or unix://") }
    if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
      try readCredentials(rest[..<at], problem: { problem($0) })
      rest = rest[(at + 1)...]
    }
    if isSocket {
      try readSocket(rest, problem: { problem($0) })
    } else {
      try readHost(rest, problem: { problem($0) })
    }
    try validate()
  }

  private mutating func readCredentials(
    _ bytes: ArraySlice<UInt8>, problem: (String) -> PortError
  ) throws {
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
      throw problem("before @ there must be user:password or :password")
    }
    guard let name = Self.percentDecoded(bytes[..<colon]),
      let word = Self.percentDecoded(bytes[(colon + 1)...])
    else { throw problem("user or password is not percent-encoded UTF-8") }
    user = name.isEmpty ? nil : name
    password = word.isEmpty ? nil : Secret(word)
  }

  private mutating func readSocket(_ bytes: ArraySlice<UInt8>, problem: (String) -> PortError) throws {
    let parts = bytes.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = Self.percentDecoded(parts[0]), path.utf8.first == UInt8(ascii: "/") else {
      throw problem("a socket's path must be absolute: unix:///run/redis.sock")
    }
    address = .unix(path: path)
    guard parts.count == 2 else { return }
    guard parts[1].starts(with: "db=".utf8), let number = Self.number(parts[1].dropFirst(3)) else {
      throw problem("after ? there must be db=number")
    }
    database = number
  }

  private mutating func readHost(_ bytes: ArraySlice<UInt8>, problem: (String) -> PortError) throws {
    let parts = bytes.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 && !parts[1].isEmpty {
      guard let number = Self.number(parts[1]) else {
        throw problem("after host:port/ there must be a number")
      }
      database = number
    }
    var host = parts[0]
    var port = 6379
    let lastColon = host.lastIndex(of: UInt8(ascii: ":"))
    let bracket = host.lastIndex(of: UInt8(ascii: "]"))
    if let colon = lastColon, bracket.map({ $0 < colon }) ?? true {
      guard let number = Self.number(host[(colon + 1)...]) else { throw problem("the port is not a number") }
      port = number
      host = host[..<colon]
    }
    if host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]") {
      host = host.dropFirst().dropLast()
    }
    guard let name = Self.percentDecoded(host), !name.isEmpty else { throw problem("the host is empty") }
    address = .tcp(host: name, port: port)
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int(String(decoding: digits, as: UTF8.self))
  }

  private static func percentDecoded(_ bytes: ArraySlice<UInt8>) -> String? {
    var decoded: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        decoded.append(byte)
        continue
      }
      let digits = rest.prefix(2)
      guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16),
        digits.first != UInt8(ascii: "+")
      else { return nil }
      decoded.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: decoded, as: UTF8.self)
  }
}
