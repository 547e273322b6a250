import Dataflow
import Sink
import FeatureStore
import Foundation
import Ingest
import Kafka
import Tables

/// What no single setting can tell; all without asking a server.
extension Settings {
  /// Takes the secrets from their files and variables. Throws `Failure` naming the one that is not there.
  package mutating func resolveSecrets(_ environment: [String: String]) throws {
    redisPassword = try redisPassword?.resolved(environment)
    postgresPassword = try postgresPassword?.resolved(environment)
    controlKeyFile = try controlKeyFile?.resolved(environment)
    kafkaProperties = try kafkaProperties.map {
      KafkaProperty(name: $0.name, value: try $0.value.resolved(environment))
    }
  }

  /// Throws `Failure` for settings that contradict each other, and for what librdkafka refuses.
  package func check() throws {
    try checkTopics()
    try checkProperties()
    _ = try controlKeys()
    let hasPassword = try redisPassword != nil || RedisConfiguration(url: redis).password != nil
    guard redisUser == nil || hasPassword else {
      throw Failure(
        "\(origin(of: "redis.user").place): found a redis.user without a password; allowed: both, or the two in redis.url",
        reason: .badSetting
      )
    }
  }

  /// Throws when Tally would read what it writes, for ever.
  private func checkTopics() throws {
    let topics = [topic, scoresTopic, deadLettersTopic].filter { !$0.isEmpty }
    guard Set(topics).count == topics.count else {
      throw Failure(
        "the topics of events (\(topic)), scores (\(scoresTopic)) and dead letters (\(deadLettersTopic)) must "
          + "differ: Tally would read what it writes", reason: .badSetting)
    }
  }

  /// Throws for a property that librdkafka does not know, a value that it refuses, and what does not go together.
  private func checkProperties() throws {
    guard !kafkaProperties.isEmpty else { return }
    for property in kafkaProperties {
      // librdkafka would say "system lib".
      let isFile = property.name.hasPrefix("ssl.") && property.name.hasSuffix(".location")
      let value = property.value.revealed
      guard !isFile || value == "probe" || FileManager.default.isReadableFile(atPath: value) else {
        throw Failure(
          "\(property.value.origin.place): kafka: property \"\(property.name)\": \(value) cannot be read",
          reason: .badSetting)
      }
      if let problem = KafkaConfiguration.problem(property: property.name, value: value) {
        throw Failure("\(property.value.origin.place): kafka: \(problem)", reason: .badSetting)
      }
    }
    let problem =
      sourceConfiguration(group: "check").problem() ?? topicConfiguration(partitions: 1).problem()
    guard let problem else { return }
    let named = kafkaProperties.filter { problem.contains($0.name) }
    let places = (named.isEmpty ? kafkaProperties : named).map { "\($0.name) (\($0.value.origin))" }
    throw Failure("kafka: \(problem); see \(places.joined(separator: ", "))", reason: .badSetting)
  }

  /// What should be said of secrets that others may see.
  package func secretWarnings() -> [String] {
    let own: [(String, GivenSecret?)] =
      [("redis.password", redisPassword), ("table.password", postgresPassword)]
      + kafkaProperties.map { property in
        let isLiteral = if case .literal = property.value.source { true } else { false }
        let isSecret = !isLiteral || KafkaProperties.isSecret(property.name)
        return ("the secret kafka property \(property.name)", isSecret ? property.value : nil)
      }
    var warnings = own.compactMap { path, secret in secret?.warning(path) }
    let url = origin(of: "redis.url")
    if url.isInPlain, SettingsText.redacted(redis: redis) != redis {
      warnings.append(
        "\(url.place): the password of redis.url stands in plain; better redis.password_file or _env")
    }
    let place = origin(of: "table.postgres")
    if place.isInPlain, case .postgres(let text) = table, PostgresConfiguration.redacted(text) != text {
      warnings.append(
        "\(place.place): the password of table.postgres stands in plain; better table.password_file or _env")
    }
    return warnings
  }
}
