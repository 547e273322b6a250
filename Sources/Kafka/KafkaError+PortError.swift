public import Dataflow

extension KafkaError {
  /// What the pipeline should do about it. `what` names the operation and the topic.
  ///
  /// A producer that is fenced cannot go on, so that is `.refused`; the transactional sink, which can begin anew with another producer, asks
  /// for the kind before. A consumer is never fenced: its group moves on without it, which passes.
  public func port(_ what: String) -> PortError {
    if isRetriable { return PortError(.unavailable, what, cause: description, reason: .kafkaUnavailable) }
    return switch kind {
    case .transient, .queueFull, .groupMoved:
      PortError(
        isFatal ? .refused : .unavailable, what, cause: description,
        reason: isFatal ? .kafkaRefused : .kafkaUnavailable)
    case .outsideLog:
      PortError(.refused, "\(what): position outside the log", cause: description, reason: .logTruncated)
    case .unknownTopic:
      PortError(.refused, "\(what): no such topic", cause: description, reason: .topicMissing)
    case .denied: PortError(.refused, "\(what): not allowed", cause: description, reason: .kafkaRefused)
    case .misuse: PortError(.misuse, what, cause: description)
    case .fenced, .topicExists, .tooLarge, .unsupported, .unreadable, .permanent:
      PortError(.refused, what, cause: description, reason: .kafkaRefused)
    }
  }
}

/// Runs `body`, telling a failure as the ports do.
public func ported<R>(
  _ what: @autoclosure () -> String, _ body: () throws(KafkaError) -> R
) throws(PortError) -> R {
  do throws(KafkaError) {
    return try body()
  } catch {
    throw error.port(what())
  }
}
