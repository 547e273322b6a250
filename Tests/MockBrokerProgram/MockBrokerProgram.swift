import Glibc
import Kafka
import TestPorts

/// Mock brokers in a process of their own, steered line by line: `MockBrokerProgram BROKERS`.
///
/// librdkafka's mock ends its process when something is not as it expects, for example when a broker that goes down cannot bind
/// its port again; here that ends no test run. The first line of output is `ready ADDRESSES`. Each line of input is a command
/// (see `answer`), each gets a line: `ok`, with what was asked for, or `error` with the reason. Ends with its input.
@main struct MockBrokerProgram {
  private let cluster: MockCluster
  private let ports: [LoopbackPort]

  static func main() throws {
    let brokers = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1
    let program = try MockBrokerProgram(brokers: brokers)
    say("ready \(program.cluster.bootstrapServers)")
    while let line = readLine() {
      do { say("ok " + (try program.answer(line.split(separator: " ").map(String.init)))) } catch {
        say("error \(error)")
      }
    }
  }

  private init(brokers: Int) throws {
    let cluster = try MockCluster(brokers: brokers) { level, facility, text in
      complain("\(level) \(facility): \(text)")
    }
    // From now on no other socket of the machine can get the brokers' ports in the moment in which one goes down.
    cluster.setDown(true)
    ports = try cluster.ports.map { try LoopbackPort(beside: $0) }
    cluster.setDown(false)
    self.cluster = cluster
  }

  private func answer(_ words: [String]) throws -> String {
    switch (words.first, words.count) {
    case ("topic", 3):
      try cluster.createTopic(words[1], partitions: try number(words[2]))
    case ("down", 1): cluster.setDown(true)
    case ("up", 1): cluster.setDown(false)
    case ("fail", 4):
      guard let request = MockCluster.Request(rawValue: Int16(try number(words[1]))),
        let fault = MockCluster.Fault(rawValue: words[2])
      else { throw Misunderstanding(words: words) }
      cluster.fail(request, with: fault, times: try number(words[3]))
    case ("connections", 1): return Connections.describe()
    case ("abort", 1):
      complain("told to abort")
      abort()
    default: throw Misunderstanding(words: words)
    }
    return ""
  }

  private func number(_ word: String) throws -> Int {
    guard let number = Int(word) else { throw Misunderstanding(words: [word]) }
    return number
  }
}

/// A line that is no command.
private struct Misunderstanding: Error {
  var words: [String]
}

/// The connections of this process.
private enum Connections {
  private static let descriptorMax: Int32 = 1024

  /// "3 1": three there are, one of which waits before it sends small pieces (Nagle's algorithm).
  static func describe() -> String {
    var count = 0
    var waiting = 0
    for descriptor in 3..<descriptorMax {
      var address = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let found = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
      }
      guard found == 0, address.sin_family == sa_family_t(AF_INET) else { continue }
      var isOn: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, &size)
      count += 1
      waiting += isOn == 0 ? 1 : 0
    }
    return "\(count) \(waiting)"
  }
}

private func say(_ line: String) { write(line, to: 1) }

private func complain(_ line: String) { write(line, to: 2) }

private func write(_ line: String, to descriptor: Int32) {
  let bytes = Array((line + "\n").utf8)
  _ = Glibc.write(descriptor, bytes, bytes.count)
}
