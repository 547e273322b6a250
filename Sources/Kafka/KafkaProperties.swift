import CRdKafka

/// Which of librdkafka's properties (CONFIGURATION.md) operators may set, and which hold secrets.
///
/// One list for consumers, producers and admin clients, because all get the same properties: a client ignores what
/// only another kind knows.
public enum KafkaProperties {
  /// Why Tally must own a property; nil: it may be passed through.
  public static func objection(to name: String) -> String? {
    if let owned = owned.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) { return owned.why }
    let isInternal = name.utf8.contains(UInt8(ascii: "_")) && !name.utf8.elementsEqual("log_level".utf8)
    return isInternal ? "it is one of a program's, not of a configuration" : nil
  }

  /// What is against the first property that may not be set; nil: all may.
  public static func objection(to properties: [(String, String)]) -> String? {
    for (name, _) in properties {
      if let why = objection(to: name) { return "kafka property \"\(name)\" cannot be set: \(why)" }
    }
    return nil
  }

  /// Whether a property's value can make librdkafka load code or start a program.
  public static func loadsCode(_ name: String) -> Bool {
    ["plugin.library.paths", "sasl.kerberos.kinit.cmd", "ssl.engine.location", "ssl.providers"].contains {
      $0.utf8.elementsEqual(name.lowercased().utf8)
    }
  }

  /// A property's value with every path of a file in it as `path` makes it; what names no file stays as it is. Libraries without
  /// a folder are sought where the system has them.
  public static func value(_ value: String, of name: String, path: (String) -> String) -> String {
    func library(_ text: String) -> String { text.utf8.contains(UInt8(ascii: "/")) ? path(text) : text }
    switch name.lowercased() {
    case "ssl.ca.location" where value == "probe": return value
    case "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.crl.location",
      "ssl.keystore.location", "https.ca.location", "sasl.kerberos.keytab":
      return path(value)
    case "plugin.library.paths":
      return value.split(separator: ";", omittingEmptySubsequences: false).map { library(String($0)) }
        .joined(separator: ";")
    case "ssl.engine.location": return library(value)
    default: return value
    }
  }

  /// Whether a property's value must not be shown.
  public static func isSecret(_ name: String) -> Bool {
    let marks = ["password", "secret", "key.pem", "ssl_key", "oauthbearer.config", "jaas", "token"]
    let endpoint = "sasl.oauthbearer.token.endpoint.url"
    return marks.contains { name.lowercased().contains($0) } && !name.utf8.elementsEqual(endpoint.utf8)
  }

  private static let commits = "Tally commits by itself"
  private static let noneLost = "no score may be lost or repeated"

  /// Names and reasons.
  static let owned: [(name: String, why: String)] = [
    ("bootstrap.servers", "it is the brokers setting"), ("metadata.broker.list", "it is the brokers setting"),
    ("group.id", "it is the group setting"), ("session.timeout.ms", "it is the session_timeout setting"),
    ("heartbeat.interval.ms", "it follows from the session timeout"),
    ("max.poll.interval.ms", "Tally serves the group by itself"),
    ("group.instance.id", "every worker is a member of its own"),
    ("fetch.wait.max.ms", "latency depends on it"),
    ("enable.auto.commit", commits), ("auto.commit.enable", commits), ("auto.commit.interval.ms", commits),
    ("enable.auto.offset.store", commits), ("offset.store.method", commits),
    ("auto.offset.reset", "a position outside the log is refused"),
    ("partition.assignment.strategy", "Tally needs the eager range assignment"),
    ("enable.partition.eof", "Tally asks for bounds by itself"),
    ("allow.auto.create.topics", "a missing topic is refused"),
    ("isolation.level", "Tally reads committed records and offsets only"),
    ("compression.codec", "it is the compression setting"),
    ("compression.type", "it is the compression setting"),
    ("enable.idempotence", noneLost), ("acks", noneLost), ("request.required.acks", noneLost),
    ("transactional.id", "it belongs to exactly-once delivery"),
    ("partitioner", "kafka.partitioner says how keys are spread"),
    ("partitioner_cb", "kafka.partitioner says how keys are spread"),
    ("log.queue", "Tally takes the log by itself"),
    ("opaque", "it is one of a program's, not of a configuration"),
    ("test.mock.num.brokers", "it would take the place of the brokers"),
  ]
}

extension KafkaConfiguration {
  /// What librdkafka has against one property: that there is none of the name, or the value; nil: nothing.
  ///
  /// Never repeats the value of a secret. Asks nobody.
  public static func problem(property name: String, value: String) -> String? {
    do throws(KafkaError) {
      rd_kafka_conf_destroy(try KafkaConfiguration([(name, value)]).makeConf())
      return nil
    } catch {
      return error.text
    }
  }

  /// What librdkafka has against the properties together, such as a certificate that cannot be read or a mechanism
  /// without its password; nil: nothing.
  ///
  /// Makes a client that knows no broker, so it asks nobody.
  public func problem(as kind: KafkaClientKind) -> String? {
    var all = KafkaConfiguration(kind == .producer ? KafkaProducer.defaultProperties : [])
    for (name, value) in properties where !Self.leftOut.contains(where: { $0.utf8.elementsEqual(name.utf8) })
    {
      all.set(name, value)
    }
    let fixed = kind == .producer ? KafkaProducer.fixedProperties : KafkaConsumer.fixedProperties
    for (name, value) in fixed { all.set(name, value) }
    do throws(KafkaError) {
      let type = kind == .producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER
      let handle = try KafkaHandle(type, try all.makeConf(), ClientNotes(log: nil))
      handle.destroy(flags: RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
      return nil
    } catch {
      return error.text
    }
  }

  /// What a client that is only checked must not have: where to connect to, and a reason to talk.
  private static let leftOut = ["bootstrap.servers", "metadata.broker.list", "debug"]
}

/// Kinds of clients, which check their properties differently.
public enum KafkaClientKind: Sendable {
  /// Reads a topic as a member of a group.
  case consumer
  /// Writes to topics.
  case producer
}
