import Glibc
import TestPorts

/// An authority of a test's own, made by the program openssl, with a server's certificate for `localhost` (the name, not
/// the address) and a client's for the user `postgres`. Removed at the end.
public final class TestCertificates {
  /// Folder of ca.pem, server.pem, server.key, client.pem, client.key.
  public let folder: String

  /// Whether the program openssl is there.
  public static var areAvailable: Bool { (try? run(["openssl", "version"]).status) == 0 }

  /// Makes them. Throws when openssl fails.
  public init() throws {
    folder = try temporaryFolder("certificates")
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    try openssl(
      ["req", "-x509"] + key + ["-days", "2", "-subj", "/CN=a test's authority"],
      ["-keyout": "ca.key", "-out": "ca.pem"])
    try issue("server", subject: "/CN=localhost", key: key)
    try issue("client", subject: "/CN=postgres", key: key)
  }

  deinit { _ = try? run(["rm", "-rf", folder]) }

  private func issue(_ name: String, subject: String, key: [String]) throws {
    try openssl(["req"] + key + ["-subj", subject], ["-keyout": "\(name).key", "-out": "\(name).csr"])
    guard let file = fopen(folder + "/\(name).ext", "we") else {
      throw ServerFailure("extensions: errno \(errno)")
    }
    fputs("subjectAltName=DNS:\(name == "server" ? "localhost" : name)\n", file)
    fclose(file)
    try openssl(
      ["x509", "-req", "-days", "2", "-CAcreateserial"],
      [
        "-in": "\(name).csr", "-CA": "ca.pem", "-CAkey": "ca.key", "-extfile": "\(name).ext",
        "-out": "\(name).pem",
      ])
    chmod(folder + "/\(name).key", 0o600)
  }

  /// Runs openssl; `files` are of the folder.
  private func openssl(_ words: [String], _ files: [String: String]) throws {
    let (status, output) = try run(["openssl"] + words + files.flatMap { [$0.key, "\(folder)/\($0.value)"] })
    guard status == 0 else { throw ServerFailure("openssl \(words[0]): \(output.suffix(400))") }
  }
}

extension PostgresServer {
  /// From now on connections over TCP need TLS; with `clientCertificates` also one of the authority's certificates, whose
  /// name must be the user's. Those over the unix socket need neither.
  public func requireTLS(_ certificates: TestCertificates, clientCertificates: Bool = false) throws {
    for (name, own) in [("server.pem", "server.crt"), ("server.key", "server.key"), ("ca.pem", "root.crt")] {
      let path = "\(folder)/data/\(own)"
      var command = ["install", "-m", "600", "\(certificates.folder)/\(name)", path]
      if geteuid() == 0 { command.insert(contentsOf: ["-o", "postgres"], at: 1) }
      let (status, output) = try run(command)
      guard status == 0 else { throw ServerFailure("install: \(output)") }
    }
    guard let file = fopen(folder + "/data/pg_hba.conf", "we") else {
      throw ServerFailure("pg_hba.conf: errno \(errno)")
    }
    fputs(
      "local all all trust\nhostssl all all 127.0.0.1/32 \(clientCertificates ? "cert" : "trust")\n", file)
    fclose(file)
    try query("ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
    try query("ALTER SYSTEM SET ssl = on")
    try query("SELECT pg_reload_conf()")
    try poll(seconds: 10, what: "TLS of postgres") {
      let isOn = try query("SHOW ssl") == [["on"]]
      return try isOn && query("SELECT 1 FROM pg_hba_file_rules WHERE type = 'hostssl'").count == 1 ? () : nil
    }
  }
}

/// Something that answers TLS on a loopback port of its own with a server's certificate, and then speaks no Kafka.
public final class TestTLSServer {
  /// Port on 127.0.0.1.
  public var port: Int { held.number }
  private let held: LoopbackPort
  private let process: GuardedProcess

  /// Starts openssl's server.
  public init(_ certificates: TestCertificates) throws {
    let folder = try temporaryFolder("tls")
    held = try LoopbackPort()
    process = try GuardedProcess(
      [
        "openssl", "s_server", "-accept", "127.0.0.1:\(held.number)", "-www", "-cert",
        "\(certificates.folder)/server.pem", "-key", "\(certificates.folder)/server.key",
      ], folder: folder)
    try poll(seconds: 10, what: "answer of openssl s_server") { [process] in
      guard process.isRunning else { throw ServerFailure("openssl s_server ended: \(process.lastWords)") }
      return readFile(folder + "/log")?.contains("ACCEPT") == true ? () : nil
    }
  }

  /// Ends it.
  public func stop() { process.kill(keepFolder: false) }
}
