import TestPlaces
import Events
import Foundation
import Kafka
import Synchronization
import TestServers
import TestNumbers

/// Events that are appended, share by share, by a thread of its own while faults happen.
///
/// The producer is idempotent and waits outages out, so that the log has every record once and in order. Call `stop`.
final class ChaosLoad: Sendable {
  private struct State {
    var released = 0
    var appended = 0
    var isStopped = false
    var hasEnded = false
    var failure: String?
  }
  private let messages: [BrokerMessage]
  private let state = Mutex(State())
  private static let recordsAtOnce = 20
  private static let pauseMicros: UInt32 = 10_000
  private static let flushTimeoutMs = 200

  /// Begins; nothing is appended before the first `release`.
  init(_ messages: [BrokerMessage], to broker: TestBroker) {
    self.messages = messages
    let servers = broker.bootstrapServers
    let topic = broker.name("events")
    Thread.detachNewThread { [self] in
      do { try work(servers, topic) } catch { state.withLock { $0.failure = "\(error)" } }
      state.withLock { $0.hasEnded = true }
    }
  }

  /// Records acknowledged so far.
  var appended: Int { state.withLock { $0.appended } }
  /// Records that are to be appended, until the next `release`.
  var released: Int { state.withLock { $0.released } }
  /// All records.
  var count: Int { messages.count }

  /// Lets `count` more records be appended.
  func release(_ count: Int) { state.withLock { $0.released = min($0.released + count, messages.count) } }

  /// Throws what keeps it from appending.
  func check() throws {
    if let failure = state.withLock({ $0.failure }) { throw TestFailure("appending: \(failure)") }
  }

  /// Ends the thread and waits for it.
  func stop() {
    state.withLock { $0.isStopped = true }
    while !state.withLock({ $0.hasEnded }) { usleep(1_000) }
  }

  private func work(_ servers: String, _ topic: String) throws {
    let producer = try KafkaProducer(KafkaConfiguration([("bootstrap.servers", servers)]))
    defer { producer.close() }
    let handle = try producer.topic(topic)
    while true {
      let (from, to, isStopped) = state.withLock { ($0.appended, $0.released, $0.isStopped) }
      if isStopped { return }
      let end = min(from + Self.recordsAtOnce, to)
      for message in messages[from..<end] { try TestBroker.produce(message, with: producer, to: handle) }
      while !producer.flush(timeoutMs: Self.flushTimeoutMs) {
        if state.withLock({ $0.isStopped }) { return }
      }
      if let error = producer.takeDeliveryError() { throw error }
      state.withLock { $0.appended = end }
      // Events come one after the other, not all at once.
      usleep(Self.pauseMicros)
    }
  }

  /// The history again and again under other event ids, with duplicates, records of every bad kind, and erasures between.
  ///
  /// The person that the bad records name is never erased: some of them lie on partitions that this person does not belong to, and which
  /// of their letters an erasure finds is then a matter of time.
  static func messages(_ history: History, count: Int, seed: UInt64) -> [BrokerMessage] {
    var dice = SeededGenerator(seed: seed)
    let bad = BadInput(person: history.people[0]).records
    var made: [BrokerMessage] = []
    made.reserveCapacity(count)
    var next = 0
    while made.count < count {
      switch Int.random(in: 0..<400, using: &dice) {
      case 0..<8 where made.count > 20:
        made.append(made[made.count - Int.random(in: 1...10, using: &dice)])
      case 8..<14: made.append(bad[Int.random(in: 0..<bad.count, using: &dice)].message)
      case 14:
        let person = history.people.dropFirst().randomElement(using: &dice) ?? ""
        made.append(erasure(of: person, number: next))
      default:
        let event = history.events[next % history.events.count]
        let life = next / history.events.count
        let value =
          life == 0
          ? event.value
          : event.value.replacingOccurrences(of: "\"event_id\":\"", with: "\"event_id\":\"\(life)-")
        made.append(BrokerMessage(event.key, value, contentType: "application/json"))
        next += 1
      }
    }
    return made
  }

  private static func erasure(of person: String, number: Int) -> BrokerMessage {
    BrokerMessage(
      person,
      "{\"event_id\":\"erase-\(number)\",\"entity_id\":\"\(person)\",\"event_time_us\":1767225600000000,"
        + "\"erasure\":{}}", contentType: "application/json")
  }
}
