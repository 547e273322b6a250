import TestPlaces
import Foundation
import TestServers
import Testing

/// What a pipeline does not declare, where people look: metrics, status, and what a run says.
@Suite struct DroppedTests {
  private func event(_ number: Int, type: String, _ attributes: String, person: String) -> BrokerMessage {
    BrokerMessage(
      person,
      """
      {"event_id":"dropped-\(number)","entity_id":"\(person)","event_time_us":1767225600000000,
       "engagement":{"type":"\(type)","attributes":{\(attributes)}}}
      """)
  }

  @Test func isCountedByName() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let people = rig.history.people
      let secret = "swordfish@example.com"
      let messages = (0..<60).map { number in
        event(
          number, type: number % 3 == 0 ? "logn" : "login",
          #""device":"mobile","os_build":"\#(secret)","\#(secret)":1"#, person: people[number % people.count])
      }
      try rig.broker.produce(messages, to: "events")
      let process = try rig.start(["--http", "0"])
      try rig.waitForProgress(of: process, to: messages.count)
      let metrics = try process.metrics()
      #expect(metrics.contains("\ntally_undeclared_events_total{type=\"logn\"} 20\n"))
      #expect(metrics.contains("\ntally_undeclared_attributes_total{attribute=\"os_build\"} 40\n"))
      #expect(metrics.contains("\ntally_undeclared_attributes_total{attribute=\"other\"} 40\n"))
      process.terminate()
      #expect(try process.wait(seconds: 20).code == 0)
      try rig.broker.produce(
        [event(99, type: "logn", "", person: people[0]), event(100, type: "lgn", "", person: people[1])],
        to: "events")
      try rig.run()
      let status = try rig.ask(["status"])
      #expect(status.output.contains("dropped, undeclared event types: logn 21, lgn 1\n"), "\(status.text)")
      #expect(status.output.contains("dropped, undeclared attributes: os_build 40, other 40\n"))
      let lines = try rig.ask(["status", "--json"]).output.split(separator: "\n")
      #expect(lines.count == Rig.partitions)
      for line in lines {
        #expect(try JSON(line)["undeclared_types"]["logn"].whole == 21)
        #expect(try JSON(line)["undeclared_attributes"]["other"].whole == 40)
      }
      let stored = try rig.storedValues(containing: [secret])
      #expect(stored == 0)
      for text in [metrics, process.text, status.text] { #expect(!text.contains(secret)) }
    }
  }

  /// Whoever misspells a type hears of it, once, and not before there is reason to.
  @Test func typesThatNeverCame() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let people = rig.history.people
      func send(_ range: Range<Int>) throws {
        try rig.broker.produce(
          range.map {
            event($0, type: $0 % 4 == 0 ? "Login" : "login", "", person: people[$0 % people.count])
          },
          to: "events")
      }
      try send(0..<5_000)
      let early = try rig.run()
      #expect(!early.errors.contains("never") && !early.errors.contains("declared type"), "\(early.errors)")
      try send(5_000..<15_500)
      let late = try rig.run()
      let said = late.errors.split(separator: "\n").filter { $0.contains("declared type") }
      #expect(said.count == 1, "\(late.errors)")
      #expect(said.first?.contains("post") == true && said.first?.contains("Login 2") == true, "\(said)")
      #expect(said.first?.contains(" login,") == false)
    }
  }
}
