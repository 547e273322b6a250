import Configuration
import Foundation
import Ingest
import Kafka
import Metrics
import Synchronization

/// Asks the brokers beside the workers, on a thread and with clients of its own: where partitions end, and since when their next
/// unread record has been waiting. So nothing that works waits for an answer, and what waits is still looked at.
final class BrokerWatcher: Sendable {
  private let metrics: PipelineMetrics
  private let isStopped = Mutex(false)
  private let wake = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  /// Time between two questions, milliseconds.
  private static let intervalMs = 1000
  /// Longest wait for an answer: a stop waits for it.
  private static let answerMs = 1000

  /// Begins to ask. Throws `KafkaError`.
  init(_ settings: Settings, group: String, partitions: Int32, metrics: PipelineMetrics) throws {
    self.metrics = metrics
    let kafka = settings.kafkaConfiguration()
    let high = try KafkaEnds(kafka, topic: settings.topic, .high)
    let stable = try KafkaEnds(kafka, topic: settings.topic, .stable)
    let clients = Clients(
      high: high, stable: stable, next: NextRecords(kafka, topic: settings.topic, group: group),
      partitions: (0..<partitions).map { $0 })
    metrics.watchBrokers(readyWithin: .milliseconds(settings.readyWithinMs))
    let thread = Thread { [self] in
      var lag = LagClock()
      while !isStopped.withLock({ $0 }) {
        round(clients, &lag)
        _ = wake.wait(timeout: .now() + .milliseconds(Self.intervalMs))
      }
      clients.close()
      ended.signal()
    }
    thread.name = "tally brokers"
    thread.start()
  }

  /// Ends the thread; waits for it a moment, no longer: brokers that do not answer must not hold a stop up.
  func stop() {
    isStopped.withLock { $0 = true }
    wake.signal()
    _ = ended.wait(timeout: .now() + .milliseconds(2 * Self.answerMs))
  }

  private func round(_ clients: Clients, _ lag: inout LagClock) {
    // The last stable offset first: it is never behind a high watermark that was asked for later.
    let stable = clients.stable.ends(of: clients.partitions, timeoutMs: Self.answerMs)
    let high =
      stable.isEmpty ? [:] : clients.high.ends(of: Array(stable.keys), timeoutMs: Self.answerMs)
    metrics.ends(stable.map { (partition: $0.key, high: high[$0.key] ?? $0.value, stable: $0.value) })
    let ours = metrics.partitions.filter(\.isOurs)
    let nowMs = SystemClock().wallMicros() / 1000
    clients.next.look(lag.unknown(ours, nowMs: nowMs))
    lag.learn(clients.next.found)
    for partition in ours {
      metrics.unread(partition: partition.partition, sinceMs: lag.since(partition.partition))
    }
  }

  /// All of them are the thread's alone.
  private final class Clients: @unchecked Sendable {
    let high: KafkaEnds
    let stable: KafkaEnds
    let next: NextRecords
    let partitions: [Int32]

    init(high: KafkaEnds, stable: KafkaEnds, next: NextRecords, partitions: [Int32]) {
      self.high = high
      self.stable = stable
      self.next = next
      self.partitions = partitions
    }

    func close() {
      next.close()
      stable.close()
      high.close()
    }
  }
}

/// Reads the first record at given offsets, for its timestamp; its client is there only while there is something to look at. One
/// thread.
final class NextRecords {
  /// Timestamps found at the places asked for, milliseconds UTC.
  private(set) var found: [LogPlace: Int64] = [:]
  private let configuration: KafkaConfiguration
  private let topic: String
  private var consumer: KafkaConsumer?
  private var wanted: Set<LogPlace> = []
  private static let pollMs = 200
  private static let recordsMax = 10_000

  /// Has asked nothing yet. `group` is not joined.
  init(_ kafka: KafkaConfiguration, topic: String, group: String) {
    var configuration = kafka
    configuration.set("group.id", group)
    // One batch of each partition at a time, and as little beyond as brokers can give.
    configuration.set("queued.min.messages", "1")
    configuration.set("queued.max.messages.kbytes", "1024")
    configuration.set("fetch.message.max.bytes", "1024")
    configuration.set("fetch.wait.max.ms", "10")
    // Of a batch that the worker's own consumer refuses there is no timestamp.
    configuration.unpackLimits = KafkaSourceConfiguration.unpackLimits
    self.configuration = configuration
    self.topic = topic
  }

  /// Goes on looking at these places; what took long is found by a later call. Failures are answers that do not come.
  func look(_ places: [LogPlace]) {
    let open = Set(places.filter { found[$0] == nil })
    found = found.filter { places.contains($0.key) }
    guard !open.isEmpty else {
      close()
      return
    }
    do throws(KafkaError) {
      try read(open)
    } catch {
      close()
    }
  }

  private func read(_ open: Set<LogPlace>) throws(KafkaError) {
    if consumer == nil { consumer = try KafkaConsumer(configuration, topic: topic) }
    guard let consumer else { return }
    if !open.isSubset(of: wanted) {
      wanted = open
      try consumer.assign(open.map { KafkaPosition(partition: $0.partition, offset: $0.offset) })
      consumer.wake(open.map(\.partition))
    }
    try consumer.poll(limit: Self.recordsMax, timeoutMs: Self.pollMs)
    for message in consumer.messages {
      for place in open where place.partition == message.partition && found[place] == nil {
        if message.offset >= place.offset { found[place] = message.timestampMs }
      }
    }
    consumer.release()
  }

  func close() {
    consumer?.close()
    consumer = nil
    wanted = []
  }
}

/// A place in the log.
struct LogPlace: Hashable {
  var partition: Int32
  var offset: Int64
}

/// Since when the next unread record of each partition has been waiting. While a partition moves, that is the time of the last record
/// read, whose batch lies just before it; when it stands, the record itself has to be looked at.
struct LagClock {
  private struct Standing {
    var next: Int64
    /// When it was first seen here with something unread; nil: nothing is.
    var seenMs: Int64?
    /// Rounds that it has stood here.
    var rounds = 0
    var sinceMs: Int64?
  }

  private var standings: [Int32: Standing] = [:]
  /// Rounds that a partition stands before its next record is looked at: what merely goes round is left alone.
  private static let roundsMin = 2

  /// Nothing is known.
  init() {}

  /// Takes one round's positions. Returns the places whose records have to be looked at.
  mutating func unknown(_ partitions: [PartitionProgress], nowMs: Int64) -> [LogPlace] {
    var places: [LogPlace] = []
    var now: [Int32: Standing] = [:]
    for partition in partitions {
      guard partition.lag > 0 else { continue }
      var standing = Standing(next: partition.next, seenMs: nowMs)
      if let before = standings[partition.partition] {
        if before.next == partition.next {
          standing = before
          standing.rounds += 1
        } else {
          standing.sinceMs = partition.lastReadMs
        }
      }
      if standing.sinceMs == nil { standing.sinceMs = standing.seenMs }
      if standing.rounds >= Self.roundsMin {
        places.append(LogPlace(partition: partition.partition, offset: partition.next))
      }
      now[partition.partition] = standing
    }
    standings = now
    return places
  }

  /// Takes the timestamps of records that were looked at, milliseconds UTC; negative: the record has none.
  mutating func learn(_ found: [LogPlace: Int64]) {
    for (place, timeMs) in found where timeMs >= 0 && standings[place.partition]?.next == place.offset {
      standings[place.partition]?.sinceMs = timeMs
    }
  }

  /// Since when a partition's next record has been waiting, milliseconds UTC; nil: there is none.
  func since(_ partition: Int32) -> Int64? { standings[partition]?.sinceMs }
}
