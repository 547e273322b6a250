import Declaration
import Features

/// What is to be said of how the brokers keep a topic: a function of the topic's configuration and the pipeline, without I/O.
package struct LogReview: Equatable {
  /// Why nothing may begin; nil: it may.
  package private(set) var refusal: String?
  /// What operators should know.
  package private(set) var warnings: [String] = []
  /// Whether the log may lack records in its middle, and that was accepted.
  package private(set) var isCompacted = false

  /// Nothing to say.
  package init() {}

  /// Of the topic of events. `isLive`: events are scored as they come; the others only read what is there.
  package init(
    events topic: TopicName, _ terms: LogTerms, _ needs: LogNeeds, accepts: LogAcceptance, isLive: Bool
  ) {
    reviewPolicy(topic, terms, accepts: accepts.compacted)
    reviewRetention(topic, terms, needs)
    reviewBatches(topic, terms, needs)
    if isLive { reviewTimestamps(topic, terms, needs, accepts: accepts.createTime) }
  }

  /// Of the topic of dead letters.
  package init(letters topic: TopicName, _ terms: LogTerms, accepts: Bool) {
    guard let policy = terms.unsafePolicy else { return }
    let found =
      "topic \(topic.name) of dead letters: cleanup.policy is \(policy): of letters with one key only the newest would stay, "
      + "and a letter without a key is refused by the brokers, which stops its partition"
    if accepts {
      warnings.append(found)
    } else {
      refusal =
        found + "; " + topic.command("cleanup.policy=delete")
        + ", or name another topic in scores.dead_letters"
    }
  }

  /// Of a topic whose configuration the brokers do not tell.
  package init(unread topic: TopicName, because why: String) {
    warnings = [
      "topic \(topic.name): its configuration cannot be read (\(why)): whether it is compacted, and how long it keeps "
        + "records, is not known"
    ]
  }

  /// All that is to be told.
  package var complaints: [String] { (refusal.map { [$0] } ?? []) + warnings }

  /// Adds what another review says.
  package mutating func add(_ other: LogReview) {
    refusal = refusal ?? other.refusal
    warnings += other.warnings
    isCompacted = isCompacted || other.isCompacted
  }

  private mutating func reviewPolicy(_ topic: TopicName, _ terms: LogTerms, accepts: Bool) {
    guard terms.cleanup != nil else {
      return add(LogReview(unread: topic, because: "the brokers do not tell cleanup.policy"))
    }
    guard let policy = terms.unsafePolicy else { return }
    let found = "topic \(topic.name): cleanup.policy is \(policy): "
    guard !accepts else {
      isCompacted = true
      warnings.append(
        found
          + "states, rows and features made from this log lack the records that the brokers have removed from its "
          + "middle, and nothing tells which")
      return
    }
    refusal =
      found
      + "the brokers remove records from the middle of the log, so states made from it would lack events without a "
      + "sign of it; " + topic.command("cleanup.policy=delete,retention.ms=-1")
      + " (what is removed stays removed), or go on with --accept-compacted"
  }

  /// A producer's clock that is years ahead takes the future bound with it.
  private mutating func reviewTimestamps(
    _ topic: TopicName, _ terms: LogTerms, _ needs: LogNeeds, accepts: Bool
  ) {
    guard !terms.isStampedByBrokers, let timestamps = terms.timestamps else { return }
    reviewSignatures(topic, timestamps, needs, accepts: accepts)
    if let ahead = terms.aheadMaxMs, ahead <= needs.futureBoundMs { return }
    let bound = terms.aheadMaxMs.flatMap { $0 == .max ? nil : " up to \($0) ms ahead" } ?? " without a bound"
    let found =
      "topic \(topic.name): message.timestamp.type is \(timestamps), and the brokers take producers' times\(bound): one record dated "
      + "years ahead, with an event that is too, would empty its entity's windows for good; "
    guard !accepts else {
      warnings.append(found + topic.command("message.timestamp.type=LogAppendTime"))
      return
    }
    refusal =
      refusal ?? found + topic.command("message.timestamp.type=LogAppendTime")
      + "; or, from Kafka 3.6 on, message.timestamp.after.max.ms=\(needs.futureBoundMs) (the pipeline's future_bound); or go "
      + "on with --accept-create-time"
  }

  /// A record that says it is older than the first key needs no signature.
  private mutating func reviewSignatures(
    _ topic: TopicName, _ timestamps: String, _ needs: LogNeeds, accepts: Bool
  ) {
    guard needs.signsSince else { return }
    let found =
      "topic \(topic.name): message.timestamp.type is \(timestamps), and the pipeline's control has a since_us: a producer could date an "
      + "erasure before it, and would need no signature, or another key's; "
      + topic.command("message.timestamp.type=LogAppendTime")
    if accepts {
      warnings.append(found)
    } else {
      refusal = refusal ?? found + ", or go on with --accept-create-time"
    }
  }

  /// A batch that does not fit into an answer never comes.
  private mutating func reviewBatches(_ topic: TopicName, _ terms: LogTerms, _ needs: LogNeeds) {
    guard let bytes = terms.batchBytesMax, bytes + LogTerms.answerBytesBeside > needs.answerBytesMax else {
      return
    }
    warnings.append(
      "topic \(topic.name): max.message.bytes is \(bytes): a batch may be larger than consumers take (\(needs.answerBytesMax) bytes), and "
        + "would stop its partition; -X receive.message.max.bytes=\(bytes + LogTerms.answerBytesBeside)")
  }

  private mutating func reviewRetention(_ topic: TopicName, _ terms: LogTerms, _ needs: LogNeeds) {
    if let kept = terms.keptMs {
      let hourMs: Int64 = 3_600_000
      let size = kept % hourMs == 0 ? " (\(durationText(kept * 1000)))" : ""
      let found = "topic \(topic.name): retention.ms is \(kept)\(size)"
      let outcome = "states that are lost or changed cannot be rebuilt from such a log; "
      if let window = needs.window, needs.reachMs > kept {
        warnings.append(
          "\(found), less than the longest window needs (\(window.text)): " + outcome
            + topic.command("retention.ms=\(needs.reachMs)")
            + (needs.hasLifetime ? " (or -1: features without a window go back over a lifetime)" : ""))
      } else if needs.hasLifetime {
        warnings.append(
          "\(found), and features without a window go back over a lifetime: " + outcome
            + topic.command("retention.ms=-1"))
      }
    }
    if let kept = terms.keptBytes, needs.hasLifetime || needs.window != nil {
      warnings.append(
        "topic \(topic.name): retention.bytes is \(kept): a partition that grows beyond it forgets earlier than retention.ms "
          + "says; " + topic.command("retention.bytes=-1"))
    }
  }
}

/// What of a topic's configuration is taken as it is, by name.
package struct LogAcceptance: Equatable {
  /// A log that may lack records in its middle.
  package var compacted = false
  /// Records' timestamps that producers may set as far ahead as they like.
  package var createTime = false

  package init(compacted: Bool = false, createTime: Bool = false) {
    self.compacted = compacted
    self.createTime = createTime
  }
}

/// A topic, and where it is.
package struct TopicName: Equatable {
  package let name: String
  package let brokers: String

  package init(name: String, brokers: String) {
    self.name = name
    self.brokers = brokers
  }

  /// How to change its configuration.
  package func command(_ setting: String) -> String {
    "to change that: kafka-configs.sh --bootstrap-server \(brokers) --alter --entity-type topics --entity-name \(name) --add-config \(setting)"
  }
}
