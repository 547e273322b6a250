import Dataflow

/// Where Redis is and how to talk to it.
public struct RedisConfiguration: Equatable, Sendable {
  /// Where it listens.
  public enum Address: Equatable, Sendable, CustomStringConvertible {
    /// Host name or IP address, and port.
    case tcp(host: String, port: Int)
    /// Path of a unix socket.
    case unix(path: String)

    /// `host:port`, or the path.
    public var description: String {
      switch self {
      case .tcp(let host, let port):
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
      case .unix(let path): path
      }
    }
  }

  /// Where it listens.
  public var address: Address
  /// ACL user; nil: the default user.
  public var user: String?
  /// Password; nil: no AUTH.
  public var password: Secret?
  /// Number of the logical database.
  public var database: Int
  /// Put in front of every key; without braces, which would take the place of the keys' hash tag.
  public var keyPrefix: String
  /// Longest wait for a connection, milliseconds.
  public var connectTimeoutMs: Int
  /// Longest wait for an answer, milliseconds.
  public var commandTimeoutMs: Int
  /// States not written for this long are reclaimed by Redis (twice the pipeline's idle TTL), milliseconds;
  /// nil: never.
  public var expiryMs: Int64?

  package init(
    address: Address = .tcp(host: "127.0.0.1", port: 6379), user: String? = nil, password: Secret? = nil,
    database: Int = 0, keyPrefix: String = "", connectTimeoutMs: Int = 2_000, commandTimeoutMs: Int = 5_000,
    expiryMs: Int64? = nil
  ) {
    self.address = address
    self.user = user
    self.password = password
    self.database = database
    self.keyPrefix = keyPrefix
    self.connectTimeoutMs = connectTimeoutMs
    self.commandTimeoutMs = commandTimeoutMs
    self.expiryMs = expiryMs
  }

  /// Throws `PortError.misuse` that says what is wrong.
  func validate() throws {
    func require(_ condition: Bool, _ text: String) throws {
      if !condition { throw PortError(.misuse, "redis configuration", cause: text, reason: .badSetting) }
    }
    if case .tcp(let host, let port) = address {
      try require(!host.isEmpty, "the host is empty")
      try require((1...65_535).contains(port), "the port must be 1 to 65535")
    }
    if case .unix(let path) = address {
      try require(!path.isEmpty && path.utf8.count < 108, "a socket's path has 1 to 107 bytes")
    }
    let hasBrace = keyPrefix.utf8.contains { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }
    try require(!hasBrace, "the key prefix must not contain { or }: they mark the hash tag")
    try require(user == nil || password != nil, "a user needs a password")
    try require(database >= 0, "the database must not be negative")
    try require(connectTimeoutMs > 0 && commandTimeoutMs > 0, "timeouts must be positive")
    try require(expiryMs.map { $0 > 0 } ?? true, "the expiry must be positive")
  }
}
