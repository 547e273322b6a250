import Dataflow
import Kafka

extension KafkaError {
  /// What the pipeline should do about it. `what` names the operation and the topic.
  func port(_ what: String) -> PortError {
    if isRetriable { return PortError(.unavailable, what, cause: description, reason: .kafkaUnavailable) }
    return switch kind {
    case .transient, .queueFull, .groupMoved, .fenced:
      PortError(
        isFatal ? .refused : .unavailable, what, cause: description,
        reason: isFatal ? .kafkaRefused : .kafkaUnavailable)
    case .outsideLog:
      PortError(.refused, "\(what): position outside the log", cause: description, reason: .logTruncated)
    case .unknownTopic:
      PortError(.refused, "\(what): no such topic", cause: description, reason: .topicMissing)
    case .denied: PortError(.refused, "\(what): not allowed", cause: description, reason: .kafkaRefused)
    case .misuse: PortError(.misuse, what, cause: description)
    case .topicExists, .tooLarge, .unsupported, .unreadable, .permanent:
      PortError(.refused, what, cause: description, reason: .kafkaRefused)
    }
  }
}

/// Runs `body`, telling a failure as the ports do.
func ported<R>(_ what: @autoclosure () -> String, _ body: () throws(KafkaError) -> R) throws(PortError) -> R {
  do throws(KafkaError) {
    return try body()
  } catch {
    throw error.port(what())
  }
}
