import Kafka
import TestServers
import TestThreads
import Testing

/// Which properties may be passed through, what librdkafka has against them, and what of them is said.
@Suite(.onThreads) struct PropertiesTests {
  @Test func ownedPropertiesHaveAReason() {
    // What the clients fix must not be passed through without a word.
    for (name, _) in KafkaConsumer.fixedProperties + KafkaProducer.fixedProperties + [
      ("log_cb", ""), ("opaque", ""),
    ] {
      #expect(KafkaProperties.objection(to: name) != nil, "\(name)")
    }
    for (name, value) in [
      ("security.protocol", "ssl"), ("ssl.ca.location", "/x"), ("sasl.password", "x"), ("linger.ms", "1"),
      ("fetch.min.bytes", "1"), ("log_level", "7"),
    ] {
      #expect(KafkaProperties.objection(to: name) == nil, "\(name)")
      #expect(KafkaConfiguration.problem(property: name, value: value) == nil, "\(name)")
    }
  }

  @Test func secretsAreKnown() {
    let secret = [
      "sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password",
      "sasl.oauthbearer.client.secret",
      "sasl.oauthbearer.config", "ssl_key",
    ]
    for name in secret { #expect(KafkaProperties.isSecret(name), "\(name)") }
    let plain = [
      "sasl.username", "ssl.ca.location", "ssl.ca.pem", "ssl.key.location", "ssl.keystore.location",
      "sasl.oauthbearer.token.endpoint.url", "sasl.mechanisms", "security.protocol", "client.id",
    ]
    for name in plain { #expect(!KafkaProperties.isSecret(name), "\(name)") }
  }

  @Test func propertiesOfEitherKindSuitBoth() {
    let both = KafkaConfiguration([
      ("fetch.min.bytes", "2"), ("linger.ms", "3"), ("batch.num.messages", "7"),
      ("isolation.level", "read_committed"),
    ])
    for kind in [KafkaClientKind.consumer, .producer] { #expect(both.problem(as: kind) == nil) }
    let contradiction = KafkaConfiguration([("max.in.flight.requests.per.connection", "9")])
    #expect(contradiction.problem(as: .consumer) == nil)
    #expect(contradiction.problem(as: .producer)?.contains("max.in.flight") == true)
    let unfinished = KafkaConfiguration([("security.protocol", "sasl_ssl"), ("sasl.mechanisms", "PLAIN")])
    for kind in [KafkaClientKind.consumer, .producer] {
      #expect(unfinished.problem(as: kind)?.contains("sasl.password") == true)
    }
    #expect(KafkaConfiguration.problem(property: "no.such", value: "1")?.contains("unknown property") == true)
    #expect(
      KafkaConfiguration.problem(property: "ssl.key.pem", value: "hunter2")?.contains("hunter2") != true)
  }

  /// What a client says of a cluster that refuses it. A question ends with its time, whether or not the client has got as far
  /// as the refusal: it is asked again, `times` times at most.
  private static func refusal(
    _ brokers: String, _ properties: [(String, String)], times: Int = 120
  ) throws -> KafkaError? {
    let admin = try KafkaAdmin(KafkaConfiguration([("bootstrap.servers", brokers)] + properties))
    defer { admin.close() }
    var last: KafkaError?
    for _ in 0..<times where last?.kind != .denied {
      last = #expect(throws: KafkaError.self) { try admin.metadata(topic: "events", timeoutMs: 500) }
    }
    return last
  }

  /// librdkafka repeats what it cannot read of a token's configuration; we do not.
  @Test func aTokensConfigurationIsNotRepeated() throws {
    let broker = try TestBroker.startMock()
    defer { broker.stop() }
    let error = try Self.refusal(
      broker.bootstrapServers,
      [
        ("security.protocol", "sasl_plaintext"), ("sasl.mechanisms", "OAUTHBEARER"),
        ("enable.sasl.oauthbearer.unsecure.jwt", "true"), ("sasl.oauthbearer.config", "hunter2=1"),
      ])
    #expect(error?.kind == .denied && error?.text.contains("oauthbearer.config: ***") == true)
    #expect(error?.text.contains("hunter2") == false)
  }

  /// A certificate that is not trusted is told as that, not as a timeout.
  @Test(.enabled(if: TestCertificates.areAvailable, "the program openssl is not installed"))
  func aForeignCertificateIsTold() throws {
    let (own, other) = (try TestCertificates(), try TestCertificates())
    let server = try TestTLSServer(own)
    defer { server.stop() }
    func refusal(by authority: TestCertificates, times: Int = 120) throws -> KafkaError? {
      try Self.refusal(
        "localhost:\(server.port)",
        [
          ("security.protocol", "ssl"), ("ssl.ca.location", authority.folder + "/ca.pem"),
          ("broker.address.family", "v4"),
        ], times: times)
    }
    let foreign = try refusal(by: other)
    #expect(foreign?.kind == .denied && foreign?.text.contains("certificate verify failed") == true)
    // With the right authority it gets further, to what is no Kafka.
    #expect(try refusal(by: own, times: 4)?.kind != .denied)
  }
}
