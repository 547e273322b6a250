import CLibpq
import Dataflow

/// A connection string, read by libpq. Nothing of it is ever repeated that may be a part of a password.
struct PostgresText {
  /// By keyword, in libpq's order.
  private(set) var given: [(keyword: String, value: String, isSecret: Bool)] = []

  /// The values by keyword.
  var values: [String: String] {
    Dictionary(given.map { ($0.keyword, $0.value) }, uniquingKeysWith: { _, last in last })
  }

  /// Throws `PortError.misuse` for what libpq cannot read, and for a URI whose password was taken for something else.
  init(_ connection: String) throws(PortError) {
    guard let parsed = PQconninfoParse(connection, nil) else {
      throw Self.wrong("it is neither \"host=… dbname=… user=…\" nor \"postgresql://user@host:port/dbname\"")
    }
    defer { PQconninfoFree(parsed) }
    var option = parsed
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val {
        // libpq marks with a star what is to be hidden while it is typed.
        let isSecret = option.pointee.dispchar.map { $0.pointee == CChar(UInt8(ascii: "*")) } ?? false
        given.append((String(cString: keyword), String(cString: value), isSecret))
      }
      option += 1
    }
    try checkMisplaced()
  }

  /// The text with `***` for secrets; as it was when there are none.
  func redacted(_ connection: String) -> String {
    guard given.contains(where: \.isSecret) else { return connection }
    return given.map { "\($0.keyword)=\($0.isSecret ? "***" : Self.quoted($0.value))" }.joined(separator: " ")
  }

  /// The text with every path as `path` makes it; as it was when that changes none.
  func text(_ connection: String, path: (String) -> String) -> String {
    var changed = given
    for index in given.indices
    where PostgresConfiguration.isPath(given[index].value, of: given[index].keyword) {
      changed[index].value = path(given[index].value)
    }
    guard zip(changed, given).contains(where: { $0.value != $1.value }) else { return connection }
    return changed.map { "\($0.keyword)=\(Self.quoted($0.value))" }.joined(separator: " ")
  }

  /// In a URI, an unescaped @, / or : ends the password early: the rest turns up as host, port or database.
  private func checkMisplaced() throws(PortError) {
    let values = values
    let places = ["host", "hostaddr", "port", "dbname"].compactMap { values[$0] }
    guard !places.contains(where: { $0.utf8.contains(UInt8(ascii: "@")) }) else {
      throw Self.wrong(
        "there is an @ where none can be; in a URI write %40 for an @ and %2F for a / of a password")
    }
    let port = values["port"] ?? ""
    guard port.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ",") }) else {
      throw Self.wrong("the port is not a number; in a URI write user:password@host:port")
    }
    guard !given.contains(where: { $0.isSecret && $0.value == "***" }) else {
      throw Self.wrong("the password is masked (***); give it apart, from a file or the environment")
    }
  }

  private static func wrong(_ cause: String) -> PortError {
    PortError(.misuse, "postgres connection string", cause: cause, reason: .badSetting)
  }

  private static func quoted(_ value: String) -> String {
    let isPlain = !value.isEmpty && !value.contains { $0.isWhitespace || $0 == "'" || $0 == "\\" }
    if isPlain { return value }
    let escaped =
      value
      .map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
    return "'\(escaped)'"
  }
}

extension PostgresConfiguration {
  /// Whether a keyword's value is the path of a file or a folder.
  public static func isPath(_ value: String, of keyword: String) -> Bool {
    switch keyword {
    case "sslrootcert": value != "system"
    // With a colon it is a key of an engine of OpenSSL.
    case "sslkey": !value.utf8.contains(UInt8(ascii: ":"))
    case "sslcert", "sslcrl", "sslcrldir", "passfile": true
    default: false
    }
  }

  /// The connection string with every path in it as `path` makes it; as it was when that changes none.
  public static func connection(_ connection: String, path: (String) -> String) -> String {
    (try? PostgresText(connection).text(connection, path: path)) ?? connection
  }

  /// The connection string with `***` in place of passwords; the whole is `***` when it cannot be read.
  public static func redacted(_ connection: String) -> String {
    (try? PostgresText(connection).redacted(connection)) ?? "***"
  }

  /// What is wrong with a connection string, without repeating any of it; nil: nothing.
  public static func problem(_ connection: String) -> String? {
    do throws(PortError) {
      _ = try PostgresText(connection)
      return nil
    } catch {
      return error.cause
    }
  }
}
