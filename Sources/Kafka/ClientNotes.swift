import CRdKafka

/// What librdkafka's callbacks note for their client; reached through the client's opaque pointer.
///
/// `log` is read by librdkafka's threads and never changes; everything else is touched only by the thread that
/// polls, because the callbacks run inside its calls.
final class ClientNotes {
  let log: KafkaLog?
  /// An error that concerns the whole client, to be thrown by the next call that can.
  var error: KafkaError?
  /// Changes of the assignment that were not taken yet.
  var changes: [KafkaGroupChange] = []
  /// Whether the client is being closed: a rebalance is then answered at once.
  var isClosing = false
  /// Messages queued and not yet reported.
  var outstanding = 0
  /// Messages that were acknowledged.
  var delivered: UInt64 = 0
  /// Messages that failed for good since `takeDeliveryError`.
  var failed = 0
  var deliveryErrorCode = RD_KAFKA_RESP_ERR_NO_ERROR
  var deliveryErrorTopic = ""
  /// Of messages that a broker found too large since `takeTooLarge`: the smallest of each topic, bytes of key and value.
  var tooLarge: [String: Int] = [:]

  init(log: KafkaLog?) { self.log = log }

  static func of(_ opaque: UnsafeMutableRawPointer?) -> ClientNotes? {
    opaque.map { Unmanaged<ClientNotes>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Installs the callbacks that every client has. librdkafka keeps these notes alive until `releaseAfterDestroy`:
  /// a client that nobody closes must not leave its threads a dangling pointer.
  func install(in conf: OpaquePointer) {
    rd_kafka_conf_set_opaque(conf, Unmanaged.passRetained(self).toOpaque())
    rd_kafka_conf_set_log_cb(conf) { client, level, facility, text in
      guard let client, let notes = ClientNotes.of(rd_kafka_opaque(client)), let log = notes.log else {
        return
      }
      log(Int(level), facility.map { String(cString: $0) } ?? "", text.map { String(cString: $0) } ?? "")
    }
    rd_kafka_conf_set_error_cb(conf) { client, code, reason, opaque in
      guard let client, let notes = ClientNotes.of(opaque) else { return }
      notes.note(rd_kafka_resp_err_t(rawValue: code), reason, client: client)
    }
  }

  /// Gives back what `install` took, once librdkafka's client is destroyed or was never made.
  func releaseAfterDestroy() { Unmanaged.passUnretained(self).release() }

  /// Keeps what concerns the whole client; a single connection's trouble passes by itself.
  private func note(_ code: rd_kafka_resp_err_t, _ reason: UnsafePointer<CChar>?, client: OpaquePointer) {
    let text = Self.withoutSecrets(reason.map { String(cString: $0) } ?? "")
    if code == RD_KAFKA_RESP_ERR__FATAL {
      var buffer = [CChar](repeating: 0, count: KafkaConfiguration.errorTextBytesMax)
      let original = rd_kafka_fatal_error(client, &buffer, buffer.count)
      error = KafkaError(original, string(buffer), isFatal: true)
    } else if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || KafkaError.kind(of: code) == .denied {
      // That all brokers are down follows from a refusal, and says less.
      let saysLess = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && error?.kind == .denied
      if error?.isFatal != true && !saysLess { error = KafkaError(code, text) }
    }
  }

  /// librdkafka repeats what it cannot read of a token's configuration, which holds a secret.
  private static func withoutSecrets(_ text: String) -> String {
    let mark = "oauthbearer.config"
    guard let place = text.firstRange(of: mark) else { return text }
    return text[..<place.upperBound] + ": ***"
  }

  /// Takes the noted error.
  func takeError() -> KafkaError? {
    defer { error = nil }
    return error
  }
}
