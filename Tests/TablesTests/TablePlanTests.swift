import Dataflow
import Testing

@testable import Tables

@Suite struct TablePlanTests {
  /// What a declaration is refused for is what the tables have.
  @Test func reservedNamesAreTheTablesOwn() throws {
    #expect(TablePlan.eventColumns.map(\.name) == ScoreColumns.event)
    #expect(TablePlan.originColumns.map(\.name) == ScoreColumns.origin)
    for name in ScoreColumns.reserved.map({ $0.uppercased() }) + Array(ScoreColumns.reserved) {
      #expect(throws: PortError.self, "\(name)") { try TablePlan(TableFixture.context(outputs: [name])) }
    }
  }
}
