import Dataflow

/// What an error of Redis means for the caller.
enum RedisProblem {
  /// The error as a port's error. Redis' own words are cut before anything that could repeat a key or an
  /// argument.
  static func error(_ text: String, _ detail: String) -> PortError {
    let code = String(text.prefix { $0 != " " })
    if let known = meanings[code] {
      return PortError(
        known.code, detail, cause: "\(code): \(known.text)",
        reason: known.code == .unavailable ? .redisUnavailable : .redisRefused)
    }
    if text.hasPrefix("ERR max number of clients") {
      return PortError(
        .unavailable, detail, cause: "too many clients: raise maxclients", reason: .redisUnavailable)
    }
    if text.hasPrefix("ERR") && text.contains("AUTH") || text.hasPrefix("ERR invalid password") {
      return PortError(
        .refused, detail, cause: "the server does not take this AUTH: check user and password",
        reason: .redisRefused)
    }
    if text.hasPrefix("ERR DB index") || text.hasPrefix("ERR invalid DB index") {
      return PortError(.refused, detail, cause: "there is no such database number", reason: .redisRefused)
    }
    return PortError(.refused, detail, cause: words(text), reason: .redisRefused)
  }

  private static let meanings: [String: (code: PortError.Code, text: String)] = [
    "LOADING": (.unavailable, "Redis is loading its data"),
    "BUSY": (.unavailable, "a script keeps Redis busy"),
    "MASTERDOWN": (.unavailable, "this replica has lost its master"),
    "READONLY": (
      .unavailable, "this is a read-only replica: give the master's address, or wait for the failover"
    ),
    "OOM": (.unavailable, "Redis has reached maxmemory: raise it, or remove data"),
    "MISCONF": (.unavailable, "Redis cannot save to disk and therefore takes no writes"),
    "NOREPLICAS": (.unavailable, "too few replicas are connected"),
    "CLUSTERDOWN": (.unavailable, "the cluster is down"),
    "TRYAGAIN": (.unavailable, "the cluster is moving this slot"),
    "MOVED": (.refused, "this is a node of a Redis Cluster, which is not supported"),
    "ASK": (.refused, "this is a node of a Redis Cluster, which is not supported"),
    "CROSSSLOT": (.refused, "this is a node of a Redis Cluster, which is not supported"),
    "WRONGTYPE": (.refused, "a key holds another type: something else writes under this key prefix"),
    "NOPERM": (
      .refused,
      "the user lacks a permission: allow +mget +evalsha +script|load +get +set +mset +del +unlink +eval +scan "
        + "+info (or +config|get) +select +multi +exec on the keys of the prefix"
    ),
    "NOAUTH": (.refused, "Redis asks for a password"),
    "WRONGPASS": (.refused, "wrong user or password"),
  ]

  /// The server's words up to the first quotation or arguments, at most 160 bytes of printable ASCII.
  private static func words(_ text: String) -> String {
    let end = text.utf8.firstIndex { $0 == 0x60 || $0 == 0x22 || $0 == 0x27 || $0 < 0x20 || $0 > 0x7e }
    return String(decoding: text.utf8[..<(end ?? text.utf8.endIndex)].prefix(160), as: UTF8.self)
  }
}
