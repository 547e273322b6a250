import Dataflow
import Sink
import TestServers
import TestThreads
import Testing
import Tables

/// PostgreSQL over TLS, against a server that refuses anything else.
@Suite(.enabled(if: TestCertificates.areAvailable, "the program openssl is not installed"), .onThreads)
struct PostgresTLSTests {
  /// What connecting to the server ends with; nil: it is connected.
  private static func refusal(
    _ server: PostgresServer, _ options: [String: String], host: String = "host=localhost hostaddr=127.0.0.1"
  ) throws -> PortError? {
    var configuration = PostgresConfiguration(
      connection: "\(host) port=\(server.port) user=postgres dbname=postgres")
    configuration.options = options
    let sink = try PostgresTableSink(configuration, context: TableFixture.context())
    defer { sink.close() }
    do {
      try sink.connect()
      return nil
    } catch let error as PortError {
      return error
    }
  }

  @Test func modesDoWhatTheySay() throws {
    let (server, own, other) = (try PostgresServer(), try TestCertificates(), try TestCertificates())
    defer { server.stop() }
    try server.requireTLS(own)
    let root = own.folder + "/ca.pem"
    #expect(try Self.refusal(server, ["sslmode": "disable"])?.code == .refused)
    #expect(try Self.refusal(server, ["sslmode": "require"]) == nil)
    #expect(try Self.refusal(server, ["sslmode": "verify-full", "sslrootcert": root]) == nil)
    let foreign = try Self.refusal(
      server, ["sslmode": "verify-full", "sslrootcert": other.folder + "/ca.pem"])
    #expect(
      foreign?.code == .refused && "\(foreign.map { "\($0)" } ?? "")".contains("certificate verify failed"))
    // The certificate is the name's, not the address'.
    let address = "host=127.0.0.1"
    let unnamed = try Self.refusal(server, ["sslmode": "verify-full", "sslrootcert": root], host: address)
    #expect(unnamed?.code == .refused && unnamed?.cause.contains("does not match host name") == true)
    #expect(try Self.refusal(server, ["sslmode": "verify-ca", "sslrootcert": root], host: address) == nil)
    let missing = try Self.refusal(server, ["sslmode": "verify-full", "sslrootcert": "/nonexistent.pem"])
    #expect(missing?.code == .refused && missing?.cause.contains("/nonexistent.pem") == true)
    // The options win over the connection string's.
    #expect(
      try Self.refusal(
        server, ["sslmode": "require"], host: "host=localhost hostaddr=127.0.0.1 sslmode=disable") == nil)
  }

  @Test func aClientShowsItsCertificate() throws {
    let (server, own, other) = (try PostgresServer(), try TestCertificates(), try TestCertificates())
    defer { server.stop() }
    try server.requireTLS(own, clientCertificates: true)
    var options = ["sslmode": "verify-full", "sslrootcert": own.folder + "/ca.pem"]
    #expect(try Self.refusal(server, options)?.code == .refused)
    options["sslcert"] = own.folder + "/client.pem"
    options["sslkey"] = own.folder + "/client.key"
    #expect(try Self.refusal(server, options) == nil)
    options["sslcert"] = other.folder + "/client.pem"
    options["sslkey"] = other.folder + "/client.key"
    #expect(try Self.refusal(server, options) != nil)
  }
}
