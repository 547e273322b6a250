import Dataflow
import Declaration
import Features
import Testing

@testable import Configuration

/// What is said of a topic's configuration, by a table of cases.
@Suite struct LogReviewTests {
  private static let topic = TopicName(name: "events", brokers: "b:1")
  private static let day: Int64 = 86_400_000

  /// What a pipeline of one feature needs of the log.
  private static func needs(_ expression: String) throws -> LogNeeds {
    let yaml = """
      pipeline: small
      profile:
        age: {type: number}
      events:
        login:
      features:
        one: \(expression)
      models:
        m: {file: m.json}
      """
    return LogNeeds(try FeatureProgram(loadPipeline(yaml: yaml).features), futureBound: 300_000_000)
  }

  private static func review(
    _ settings: [String: String], needs expression: String = "profile.age", accepts: Bool = false,
    createTime: Bool = false, isLive: Bool = true
  ) throws -> LogReview {
    let defaults = [
      "cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime", "retention.ms": "-1",
      "retention.bytes": "-1",
    ]
    return LogReview(
      events: topic, LogTerms(defaults.merging(settings) { $1 }), try needs(expression),
      accepts: LogAcceptance(compacted: accepts, createTime: createTime), isLive: isLive)
  }

  /// Who dates records could date an erasure before the first key.
  @Test("a topic whose batches may be larger than an answer is warned of")
  func largeBatches() throws {
    func warnings(_ bytes: String, _ answer: Int64 = 16 << 20) throws -> [String] {
      var needs = try Self.needs("count(login)")
      needs.answerBytesMax = answer
      let terms = LogTerms([
        "cleanup.policy": "delete", "max.message.bytes": bytes, "message.timestamp.type": "LogAppendTime",
      ])
      return LogReview(events: Self.topic, terms, needs, accepts: LogAcceptance(), isLive: true).warnings
    }
    #expect(try warnings("1048588").isEmpty)
    #expect(try warnings("20000000").count == 1)
    #expect(try warnings("20000000")[0].contains("-X receive.message.max.bytes=20065536"))
    #expect(try warnings("20000000", 20_065_536).isEmpty)
  }

  @Test func signaturesFromAMomentOnNeedTheBrokersClock() throws {
    var needs = try Self.needs("profile.age")
    needs.signsSince = true
    func review(_ type: String, createTime: Bool = false, isLive: Bool = true) -> LogReview {
      LogReview(
        events: Self.topic,
        LogTerms([
          "cleanup.policy": "delete", "message.timestamp.type": type,
          "message.timestamp.after.max.ms": "1000",
        ]), needs, accepts: LogAcceptance(compacted: false, createTime: createTime), isLive: isLive)
    }
    #expect(review("LogAppendTime").refusal == nil)
    #expect(try #require(review("CreateTime").refusal).contains("since_us"))
    let accepted = review("CreateTime", createTime: true)
    #expect(accepted.refusal == nil && accepted.warnings.contains { $0.contains("since_us") })
    #expect(review("CreateTime", isLive: false).refusal == nil)
    needs.signsSince = false
    #expect(review("CreateTime").refusal == nil)
  }

  @Test func aLogThatKeepsEverythingIsNotSpokenOf() throws {
    for expression in ["count(login, 30d)", "count(login)", "profile.age"] {
      for policy in ["delete", " Delete ", "delete,delete", ""] {
        #expect(try Self.review(["cleanup.policy": policy], needs: expression) == LogReview())
      }
    }
  }

  /// Whatever may take records from the middle of the log, in whatever spelling, and what nobody knows.
  @Test(arguments: [
    "compact", "compact,delete", "delete,compact", "delete, compact", "COMPACT", " compact ", "archive",
    "delete,archive",
  ])
  func aLogThatMayHaveHolesIsRefused(_ policy: String) throws {
    for expression in ["count(login, 30d)", "count(login)", "profile.age"] {
      for isLive in [true, false] {
        let found = try Self.review(["cleanup.policy": policy], needs: expression, isLive: isLive)
        let refusal = try #require(found.refusal)
        let shown = policy.lowercased().filter { $0 != " " }
        for words in [
          "topic events", "cleanup.policy is \(shown):", "--accept-compacted",
          "kafka-configs.sh --bootstrap-server b:1 --alter --entity-type topics --entity-name events "
            + "--add-config cleanup.policy=delete,retention.ms=-1",
        ] { #expect(refusal.contains(words), "\(refusal)") }
        #expect(!found.isCompacted)

        let accepted = try Self.review(
          ["cleanup.policy": policy], needs: expression, accepts: true, isLive: isLive)
        #expect(accepted.refusal == nil && accepted.isCompacted)
        #expect(accepted.warnings.count == 1 && accepted.warnings[0].contains("lack the records"))
      }
    }
  }

  /// Retention, milliseconds; the feature; the value that the command gives, nil: nothing is to be said.
  @Test(arguments: [
    (30 * day, "count(login, 30d)", "\(31 * day)"), (31 * day - 1, "count(login, 30d)", "\(31 * day)"),
    (31 * day, "count(login, 30d)", nil), (7 * day, "count(login, 12h)", nil),
    (13 * day / 24 - 1, "count(login, 12h)", "\(13 * day / 24)"), (13 * day / 24, "count(login, 12h)", nil),
    (0, "count(login, 12h)", "\(13 * day / 24)"), (0, "profile.age", nil), (day, "count(login)", "-1"),
    (4000 * day, "days_since(login)", "-1"), (31 * day, "count(login, 30d) / count(login)", "-1"),
    (30 * day, "count(login, 30d) / count(login)", "\(31 * day)"), (-1, "count(login)", nil),
    (Int64.max, "count(login)", nil), (Int64.max / 1000, "count(login)", nil),
  ])
  func aLogThatForgetsTooSoonIsWarnedOf(_ retention: Int64, _ feature: String, _ wanted: String?) throws {
    let found = try Self.review(["retention.ms": "\(retention)"], needs: feature)
    #expect(found.refusal == nil)
    guard let wanted else { return #expect(found.warnings == []) }
    try #require(found.warnings.count == 1)
    #expect(found.warnings[0].contains("retention.ms is \(retention)"))
    #expect(found.warnings[0].contains("--entity-name events --add-config retention.ms=\(wanted)"))
    // A log that is only compacted forgets nothing by age.
    let compacted = try Self.review(
      ["retention.ms": "\(retention)", "cleanup.policy": "compact"], needs: feature, accepts: true)
    #expect(compacted.warnings.count == 1)
    let both = try Self.review(
      ["retention.ms": "\(retention)", "cleanup.policy": "compact,delete"], needs: feature, accepts: true)
    #expect(both.warnings.count == 2)
  }

  @Test func aBoundInBytesIsWarnedOf() throws {
    let found = try Self.review(["retention.bytes": "1000"], needs: "count(login, 30d)")
    #expect(found.warnings.count == 1 && found.warnings[0].contains("retention.bytes is 1000"))
    #expect(try Self.review(["retention.bytes": "1000"]) == LogReview())
    let nothing = try Self.review(
      ["retention.bytes": "1000", "cleanup.policy": ""], needs: "count(login, 30d)")
    #expect(nothing == LogReview())
  }

  /// How far ahead the brokers let producers' times be; nil: not told. With the pipeline's future bound of 5 min.
  @Test(
    arguments: [
      (nil, nil, true), ("9223372036854775807", nil, true), ("300001", nil, true), ("300000", nil, false),
      ("0", nil, false), (nil, "9223372036854775807", true), (nil, "300000", false), (nil, "300001", true),
      // Kafka 3.6 has both: the newer one counts when it is set.
      ("9223372036854775807", "300000", false), ("300001", "1000", true),
      ("300000", "9223372036854775807", false),
      ("unreadable", nil, true),
    ] as [(String?, String?, Bool)])
  func producersTimesWithoutABoundAreRefusedWhereEventsAreScored(
    _ after: String?, _ difference: String?, _ isRefused: Bool
  ) throws {
    var settings = ["message.timestamp.type": "CreateTime"]
    settings["message.timestamp.after.max.ms"] = after
    settings["message.timestamp.difference.max.ms"] = difference
    let found = try Self.review(settings)
    #expect((found.refusal != nil) == isRefused && found.warnings == [])
    let accepted = try Self.review(settings, createTime: true)
    #expect(accepted.refusal == nil && accepted.warnings.count == (isRefused ? 1 : 0))
    #expect(try Self.review(settings, isLive: false) == LogReview())
    settings["message.timestamp.type"] = "logappendtime"
    #expect(try Self.review(settings) == LogReview())
  }

  @Test func whatToDoAboutProducersTimesIsSaid() throws {
    let refusal = try #require(try Self.review(["message.timestamp.type": "CreateTime"]).refusal)
    for words in [
      "topic events: message.timestamp.type is CreateTime",
      "--add-config message.timestamp.type=LogAppendTime",
      "message.timestamp.after.max.ms=300000", "--accept-create-time",
    ] { #expect(refusal.contains(words), "\(refusal)") }
    // Both are wrong: the log with holes is named, and stays refused when the times are accepted.
    let both = try Self.review(
      ["message.timestamp.type": "CreateTime", "cleanup.policy": "compact"], createTime: true)
    #expect(both.refusal?.contains("cleanup.policy") == true)
  }

  /// A broker that tells nothing of the policy must not pass for one that keeps everything.
  @Test func anAnswerWithoutThePolicyIsSaid() throws {
    let found = LogReview(
      events: Self.topic, LogTerms([:]), try Self.needs("count(login)"), accepts: LogAcceptance(),
      isLive: true)
    #expect(found.refusal == nil)
    #expect(found.warnings.count == 1 && found.warnings[0].contains("cannot be read"))
  }

  @Test func lettersMustNotBeCompacted() {
    let compacted = LogTerms(["cleanup.policy": "compact"])
    let refused = LogReview(letters: Self.topic, compacted, accepts: false)
    #expect(refused.refusal?.contains("cleanup.policy=delete") == true)
    let accepted = LogReview(letters: Self.topic, compacted, accepts: true)
    #expect(accepted.refusal == nil && accepted.warnings.count == 1 && !accepted.isCompacted)
    #expect(
      LogReview(letters: Self.topic, LogTerms(["cleanup.policy": "delete"]), accepts: false) == LogReview())
  }
}
