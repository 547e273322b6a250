import Dataflow
import Kafka

extension KafkaError {
  /// What the pipeline should do about it. `what` names the operation and the topic.
  func port(_ what: String) -> PortError {
    if isRetriable { return PortError(.unavailable, what, cause: description) }
    return switch kind {
    case .transient, .queueFull, .groupMoved, .fenced:
      PortError(isFatal ? .refused : .unavailable, what, cause: description)
    case .outsideLog: PortError(.refused, "\(what): position outside the log", cause: description)
    case .unknownTopic: PortError(.refused, "\(what): no such topic", cause: description)
    case .denied: PortError(.refused, "\(what): not allowed", cause: description)
    case .misuse: PortError(.misuse, what, cause: description)
    case .topicExists, .tooLarge, .unsupported, .unreadable, .permanent:
      PortError(.refused, what, cause: description)
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
