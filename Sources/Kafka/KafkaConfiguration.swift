import CRdKafka
import CUnpack

/// A line of librdkafka's log: syslog level (0–7), facility, text. Called on librdkafka's own threads.
public typealias KafkaLog = @Sendable (_ level: Int, _ facility: String, _ text: String) -> Void

/// Properties of a client, by the names of librdkafka's CONFIGURATION.md; a later one replaces an earlier.
public struct KafkaConfiguration: Sendable {
  /// Names and values.
  public private(set) var properties: [(name: String, value: String)]
  /// Takes librdkafka's log; nil: silent.
  public var log: KafkaLog?
  /// How much is made of packed batches; nil: whatever there is memory for.
  public var unpackLimits: KafkaUnpackLimits?

  /// A configuration of `properties`.
  public init(_ properties: [(String, String)] = [], log: KafkaLog? = nil) {
    self.properties = properties.map { (name: $0.0, value: $0.1) }
    self.log = log
  }

  /// Sets a property, replacing its value.
  public mutating func set(_ name: String, _ value: String) {
    properties.removeAll { $0.name.utf8.elementsEqual(name.utf8) }
    properties.append((name: name, value: value))
  }

  /// Leaves a property to librdkafka's default.
  public mutating func remove(_ name: String) {
    properties.removeAll { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// The value of a property, if it was set.
  public func value(_ name: String) -> String? {
    properties.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }

  /// librdkafka's own object; the caller hands it to `rd_kafka_new` or destroys it.
  func makeConf() throws(KafkaError) -> OpaquePointer {
    guard let conf = rd_kafka_conf_new() else {
      throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "out of memory")
    }
    for (name, value) in properties {
      var text = [CChar](repeating: 0, count: Self.errorTextBytesMax)
      let result = rd_kafka_conf_set(conf, name, value, &text, text.count)
      guard result == RD_KAFKA_CONF_OK else {
        rd_kafka_conf_destroy(conf)
        throw Self.error(property: name, unknown: result == RD_KAFKA_CONF_UNKNOWN, text: string(text))
      }
    }
    if let unpackLimits {
      let code = rd_kafka_resp_err_t(unpack_limit(UnsafeMutableRawPointer(conf), unpackLimits.asC))
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        rd_kafka_conf_destroy(conf)
        throw KafkaError(code, doing: "limit what is unpacked")
      }
    }
    return conf
  }

  static let errorTextBytesMax = 512

  /// librdkafka's text repeats the value, so it is left out where the value may be a secret.
  private static func error(property: String, unknown: Bool, text: String) -> KafkaError {
    if unknown { return KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "unknown property \"\(property)\"") }
    let secret = ["sasl.", "ssl.", "oauth", "password", "key", "pem"].contains { property.contains($0) }
    let why = secret && !text.contains("not supported in this build") ? "" : ": \(text)"
    return KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "property \"\(property)\" has an invalid value\(why)")
  }
}

/// The text of a C buffer up to its zero.
func string(_ buffer: [CChar]) -> String {
  String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
