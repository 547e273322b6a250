import Dataflow
import ArgumentParser
import Configuration
import Dispatch
import Foundation
import Kafka

/// `tally dev-broker`: librdkafka's mock cluster as a process of its own.
struct DevBroker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev-broker",
    abstract: "Runs an embedded Kafka broker on loopback, for trying things out.",
    discussion: """
      It is librdkafka's mock cluster: any Kafka client can join it. It forgets everything when it ends, keeps at most
      5 MB a partition (older records are dropped), picks its own port and knows no read_committed. Not for production.

      Examples:
        tally dev-broker --topic events:4 --topic scores:4 --topic dead-letters:1
        tally dev-broker --topic events:4 --address-file /tmp/broker &
        kcat -b $(cat /tmp/broker) -L
      """)

  @Option(
    help: "NAME:PARTITIONS; may be given again. Other topics are made when first used, with 4 partitions.")
  var topic: [String] = []
  @Option(
    help: "Writes the address into this file once the broker answers; removed at the end.",
    completion: .file())
  var addressFile: String?
  @Option(help: "Number of brokers, each with a port of its own; at most \(Self.brokersMax).")
  var brokers = 1

  private static let brokersMax = 16

  func validate() throws {
    guard (1...Self.brokersMax).contains(brokers) else {
      throw ValidationError("--brokers takes 1 to \(Self.brokersMax)")
    }
  }

  func run() throws {
    try reporting {
      let cluster = try MockCluster(brokers: brokers)
      for text in topic {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let partitions = Int(parts[1]), (1...10_000).contains(partitions),
          !parts[0].isEmpty
        else { throw Failure("--topic \(text): write NAME:PARTITIONS, for example events:4", reason: .usage) }
        try cluster.createTopic(String(parts[0]), partitions: partitions)
      }
      if let addressFile { try writeAtomically(cluster.bootstrapServers + "\n", to: addressFile) }
      say(cluster.bootstrapServers)
      let done = DispatchSemaphore(value: 0)
      let interrupts = Interrupts { done.signal() }
      done.wait()
      withExtendedLifetime(interrupts) {}
      if let addressFile { unlink(addressFile) }
      cluster.destroy()
    }
  }
}

/// Writes a text so that a reader sees all of it or nothing.
func writeAtomically(_ text: String, to path: String) throws {
  do {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw Failure("\(path) cannot be written: \(error.localizedDescription)", reason: .badFile)
  }
}
