import Dataflow
import Kafka

extension KafkaError {
  /// What the pipeline should do about it. `what` names the operation and the topic.
  func port(_ what: String) -> PortError {
    if kind == .misuse { return PortError(.misuse, what, cause: description) }
    return PortError(
      isRetriable ? .unavailable : .refused, what, cause: description,
      reason: isRetriable ? .kafkaUnavailable : .kafkaRefused)
  }
}
