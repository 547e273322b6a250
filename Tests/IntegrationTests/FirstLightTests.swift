import TestPlaces
import Dataflow
import Declaration
import Features
import Foundation
import TestServers
import Testing
import XGBoost

/// The way of the whole: history, models, topic, run, table and topic of scores, status, features.
@Suite struct FirstLightTests {
  @Test func everyEventBecomesAScoreInTopicAndTable() async throws {
    try await onThread {
      let rig = try Rig(.postgres)
      try rig.produceHistory()
      let summary = try rig.run()
      let count = rig.history.events.count

      #expect(try Totals(summary.output) == Totals(read: count, scored: count))
      let rows = try rig.table.scores()
      #expect(rows.count == count)
      #expect(rig.table.number("SELECT count(*) FROM dead_letters") == 0)
      #expect(try Set(rig.table.latest().keys) == Set(rig.history.people))
      #expect(try rows == Reference.shared().scores, "PostgreSQL and SQLite say the same")
      #expect(try rig.table.latest() == Reference.shared().latest)

      try checkTopic(rig)
      try checkStatus(rig)
      try checkViews(rig)
      try checkScoresAgainstLibrary(rig)
    }
  }

  private func checkTopic(_ rig: Rig) throws {
    let messages = try rig.messages("scores", headers: ["scored-at-us"])
    #expect(messages.count == rig.history.events.count)
    let rows = try rig.table.query(
      "SELECT entity_id, event_id, \"partition\", \"offset\", engagement, churn, lifetime_value FROM scores")
    var byPlace: [String: [String]] = [:]
    for row in rows { byPlace["\(row[2])/\(row[3])"] = row }
    for message in messages {
      let score = try TopicScore(json: message.value ?? [])
      let found = byPlace.removeValue(forKey: score.place)
      let row = try #require(found)
      #expect(message.key == Array(score.entity.utf8))
      #expect(message.contentType == "application/json")
      #expect(message.headers["scored-at-us"].flatMap { Int64($0) } != nil)
      #expect([score.entity, score.event] == Array(row[0...1]))
      #expect(
        score.outputs == [
          "engagement": Float(row[4]), "churn": Float(row[5]), "lifetime_value": Float(row[6]),
        ])
    }
    #expect(byPlace.isEmpty)
  }

  private func checkStatus(_ rig: Rig) throws {
    let status = try rig.ask(["status", "--json"])
    #expect(status.code == 0)
    let standings = try Standing.all(status.output)
    #expect(standings.count == Rig.partitions)
    for standing in standings {
      #expect(standing.lag == 0)
      #expect(standing.w == standing.end && standing.t == standing.end && standing.c == standing.end)
    }
    #expect(standings.compactMap(\.end).reduce(0, +) == Int64(rig.history.events.count))
    let totals = try rig.ask(["status"])
    let count = rig.history.events.count
    #expect(try Totals(totals.output) == Totals(read: count, scored: count))
  }

  private func checkViews(_ rig: Rig) throws {
    let total = rig.table.number("SELECT sum(total_predictions) FROM model_performance")
    #expect(total == rig.history.events.count)
    let atRisk = try rig.table.query("SELECT customer_id, churn_risk_score FROM at_risk_customers")
    #expect(!atRisk.isEmpty && Set(atRisk.map { $0[0] }).isSubset(of: rig.history.people))
    let valued = try rig.table.query("SELECT customer_id, account_type FROM high_value_customers")
    #expect(valued.allSatisfy { $0[1] == "premium" })
  }

  /// What a calibrated model makes of a margin, by the manual's page on it: straight lines between knots, in double precision.
  private func calibrated(_ margin: Float, by link: JSON) throws -> Float {
    let (margins, values) = (
      link["margins"].elements.compactMap(\.real), link["values"].elements.compactMap(\.real)
    )
    let knots = zip(margins, values).map { (margin: Double(Float($0)), value: Double(Float($1))) }
    let next = knots.firstIndex { $0.margin > Double(margin) } ?? knots.count
    guard next > 0 else { return Float(try #require(knots.first).value) }
    guard next < knots.count else { return Float(knots[next - 1].value) }
    let (from, to) = (knots[next - 1], knots[next])
    let share = (Double(margin) - from.margin) / (to.margin - from.margin)
    return min(max(Float(from.value + share * (to.value - from.value)), Float(from.value)), Float(to.value))
  }

  /// For every fifth person: the row that `tally features` prints, given to libxgboost, gives the latest score; of churn, once it is
  /// calibrated as its file says.
  private func checkScoresAgainstLibrary(_ rig: Rig) throws {
    let program = try FeatureProgram(loadPipeline(yaml: readText(Places.pipeline)).features)
    let names = ["engagement", "churn", "lifetime_value"]
    let rows = try rig.table.query("SELECT entity_id, \(names.joined(separator: ", ")) FROM latest_scores")
    let latest = Dictionary(rows.map { ($0[0], $0.dropFirst().map { Float($0) }) }) { first, _ in first }
    for (column, name) in names.enumerated() {
      let ensemble = try TreeEnsemble(path: "\(rig.history.models)/\(name).json")
      let booster = try Booster(reference: ensemble)
      let link = try JSON(ensemble.attributes["tally_postprocessing"] ?? "null")["link"]
      #expect(link["name"].text == (name == "churn" ? "curve" : nil))
      for person in rig.history.people.indices where person % 5 == column {
        let id = rig.history.people[person]
        let json = try JSON(try rig.ask(["features", id, "--json"]).output)
        let row = program.columnNames.map { json["features"][$0].real.map { Float($0) } ?? .nan }
        #expect(json["features"].keys == program.columnNames.sorted())
        #expect(row.contains { !$0.isNaN && $0 != 0 })
        var value: Float = .nan
        let isCurve = name == "churn"
        try booster.predict(row, rows: 1, columns: row.count, kind: isCurve ? .margin : .value, into: &value)
        if isCurve { value = try calibrated(value, by: link) }
        if name == "engagement" { value = min(max(value, 0), 1) }
        #expect(latest[id]?[column] == value, "\(name) of person \(person)")
      }
    }
  }
}
