import ArgumentParser
import Configuration
import Dataflow
import Features
import Kafka

/// Flag of the commands that read the topic of events from its beginning, or may have to.
struct CompactedOption: ParsableArguments {
  @Flag(
    name: .customLong("accept-compacted"),
    help:
      "Go on although the topic is compacted (cleanup.policy): what is made from its log lacks what the brokers have removed."
  )
  var isAccepted = false
}

/// Reads how the brokers keep the topics, before anything relies on their logs.
struct TopicCheck {
  let settings: Settings
  let needs: LogNeeds
  /// What is taken as it is.
  let accepts: LogAcceptance
  /// Whether events are scored as they come, and dead letters written.
  let isLive: Bool

  init(
    _ settings: Settings, _ pipeline: LoadedPipeline, _ option: CompactedOption, isLive: Bool = false,
    acceptsCreateTime: Bool = false
  ) {
    self.settings = settings
    needs = LogNeeds(
      pipeline.program, futureBound: pipeline.declaration.futureBound,
      signsSince: pipeline.declaration.features.control.contains { $0.since > 0 },
      answerBytesMax: settings.answerBytesMax)
    accepts = LogAcceptance(compacted: option.isAccepted, createTime: acceptsCreateTime)
    self.isLive = isLive
  }

  /// Tells the warnings. Throws `Failure` when the log is refused. Returns what was found.
  @discardableResult
  func enforce() throws -> LogReview {
    let found = try review()
    if let refusal = found.refusal { throw Failure(refusal, reason: .topicSettings) }
    for warning in found.warnings { warn("\(warning)") }
    return found
  }

  /// Asks the brokers. Throws `Failure` when they do not answer or there is no such topic.
  func review() throws -> LogReview {
    _ = try settings.partitionCount()
    return try settings.withAdmin { admin in
      let events = TopicName(name: settings.topic, brokers: settings.brokers)
      var found = LogReview()
      switch try read(events, admin) {
      case .absent: break
      case .terms(let terms):
        found = LogReview(events: events, terms, needs, accepts: accepts, isLive: isLive)
      // Who may not read the one may not read the other: said once.
      case .unread(let why): return LogReview(unread: events, because: why)
      }
      guard isLive, !settings.deadLettersTopic.isEmpty else { return found }
      let letters = TopicName(name: settings.deadLettersTopic, brokers: settings.brokers)
      switch try read(letters, admin) {
      // It is made soon, with the brokers' defaults.
      case .absent: break
      case .terms(let terms): found.add(LogReview(letters: letters, terms, accepts: accepts.compacted))
      case .unread(let why): found.add(LogReview(unread: letters, because: why))
      }
      return found
    }
  }

  /// What the brokers tell of a topic.
  private enum Answer {
    case terms(LogTerms)
    case absent
    case unread(String)
  }

  /// Throws `Failure` for what waiting may mend.
  private func read(_ topic: TopicName, _ admin: KafkaAdmin) throws -> Answer {
    do throws(KafkaError) {
      let found = try admin.topicSettings(topic.name, timeoutMs: Settings.startTimeoutMs)
      return found.map { .terms(LogTerms($0)) } ?? .absent
    } catch {
      guard accepts.compacted || !error.isRetriable else {
        throw Failure(
          "kafka \(settings.brokers): \(error); try again, or go on without knowing whether the topic is compacted, with "
            + "--accept-compacted", reason: .kafkaUnavailable)
      }
      return .unread(
        "\(error)" + (error.kind == .denied ? "; the ACL DescribeConfigs on it would allow that" : ""))
    }
  }
}
