import TestPlaces
import Foundation
import TestServers
import Testing

/// `tally features`: the same row from the store, the topic and the file; other moments.
@Suite struct FeaturesCommandTests {
  @Test func storeTopicAndFileGiveTheSameBytes() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      try rig.run()
      for person in stride(from: 0, to: rig.history.people.count, by: 7) {
        let id = rig.history.people[person]
        let stored = try rig.ask(["features", id, "--json"])
        #expect(stored.code == 0)
        #expect(try JSON(stored.output)["entity_id"].text == id)
        let replayed = try rig.ask(["features", id, "--json", "--from-log"])
        #expect(replayed.output == stored.output)
        let read = try rig.ask(["features", id, "--json", "--from-log", "--events", rig.history.file])
        #expect(read.output == stored.output)
      }
      try checkMoments(rig, id: rig.history.people[3])
      try checkUnknown(rig)
    }
  }

  private func checkMoments(_ rig: Rig, id: String) throws {
    let now = try JSON(try rig.ask(["features", id, "--json"]).output)
    let watermark = try #require(now["watermark_us"].whole)
    let day: Int64 = 86_400_000_000
    let later = try JSON(
      try rig.ask(["features", id, "--json", "--as-of", "\(watermark + 90 * day)"]).output)
    #expect(later["as_of_us"].whole == watermark + 90 * day)
    #expect(later["watermark_us"].whole == watermark)
    let (before, after) = (now["features"], later["features"])
    #expect((before["session_consistency_score"].real ?? 0) > 0)
    #expect(after["session_consistency_score"].real == 0, "30-day windows are empty after 90 days")
    #expect(after["content_posts_per_week"].real == 0)
    #expect((after["days_since_last_login"].real ?? 0) >= 90)
    #expect(after["total_connections"].real == before["total_connections"].real, "totals stay")

    let earlier = watermark - 5 * day
    let refused = try rig.ask(["features", id, "--as-of", "\(earlier)"])
    #expect(refused.code == 1)
    #expect(refused.errors.contains("--from-log"))
    let made = try rig.ask(["features", id, "--json", "--as-of", "\(earlier)", "--from-log"])
    #expect(made.code == 0)
    let json = try JSON(made.output)
    #expect(json["as_of_us"].whole == earlier)
    #expect((json["watermark_us"].whole ?? .max) <= earlier)
    #expect((json["events"].whole ?? .max) < (now["events"].whole ?? 0))
  }

  private func checkUnknown(_ rig: Rig) throws {
    let nobody = try rig.ask(["features", "nobody"])
    #expect(nobody.code == 1)
    #expect(nobody.errors.contains("no state of this entity"))
  }
}
