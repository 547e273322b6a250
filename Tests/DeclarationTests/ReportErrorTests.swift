import Dataflow
import Declaration
import Features
import Testing

@Suite struct ReportErrorTests {
  private static let mistakes: [Mistake] = [
    Mistake("table:", "report: {group: [hour]}\ntable:", 28, 10, "the key \"group\"", "groups, intended_use"),
    Mistake("table:", "report: {groups: [hour, hour]}\ntable:", 28, 25, "\"hour\" twice", "once"),
    Mistake("table:", "report: {groups: [{daily: []}]}\ntable:", 28, 27, "a list", "1 to 50 bounds"),
    Mistake("table:", "report: {groups: [{daily: [2, 1]}]}\ntable:", 28, 31, "1.0 behind 2.0", "ascending"),
    Mistake("table:", "report: {groups: [{a: [1], b: [1]}]}\ntable:", 28, 19, "a section", "one feature"),
    Mistake("table:", "report: {favourable: {below: 1}}\ntable:", 28, 10, "\"favourable\"", "groups"),
    Mistake("table:", "report: {limits: [a]}\ntable:", 28, 18, "a list", "a text"),
    Mistake(
      "label: y,", "label: y, report: {favourable: {above: 1}},", 22, 61, "\"above\"", "at_least, below"),
    Mistake("label: y,", "label: y, report: {favourable: {below: 2}},", 22, 68, "\"2\"", "from 0.0 to 1.0"),
    Mistake("label: y,", "label: y, report: {favourable: {below: model}},", 22, 68, "\"model\"", "a number"),
    Mistake("label: y,", "label: y, report: {favourable: {}},", 22, 60, "a section", "at_least or below"),
  ]

  @Test(arguments: mistakes) func isReportedWhereItStands(_ mistake: Mistake) throws {
    let error = try #require(loadError(broken(mistake.place, mistake.replacement)))
    #expect(error.position == SourcePosition(line: mistake.line, column: mistake.column), "\(error)")
    #expect(error.found.contains(mistake.found), "\(error)")
    #expect(error.allowed.contains(mistake.allowed), "\(error)")
  }

  @Test func modelsSayMoreThanThePipeline() throws {
    let report = "report: {groups: [plan_code, {daily: [1, 2.5]}], intended_use: all, limits: none}\ntable:"
    let yaml = broken("table:", report).replacing(
      "label: y,", with: "label: y, report: {limits: own, favourable: {at_least: 0.5}},")
    let models = try loadPipeline(yaml: yaml).models
    #expect(models.map(\.report.intendedUse) == ["all", "all"])
    #expect(models.map(\.report.limits) == ["own", "none"])
    #expect(models.map(\.report.favourable) == [.atLeast(0.5), nil])
    #expect(models[0].report.groups.map(\.feature.name) == ["plan_code", "daily"])
    #expect(models[1].report.groups.map(\.bounds) == [[], [1, 2.5]])
  }

  @Test func groupsAreFeaturesOfTheirKind() throws {
    func error(_ groups: String) throws -> DeclarationError? {
      let pipeline = try loadPipeline(yaml: broken("table:", "report: {groups: [\(groups)]}\ntable:"))
      let columns = try FeatureProgram(pipeline.features).columns
      do {
        try checkReport(of: pipeline.models, columns)
        return nil
      } catch { return error }
    }
    #expect(try error("plan_code, hour, {daily: [1]}") == nil)
    #expect(try error("plan")?.found == "\"plan\", which is no feature")
    let number = try #require(try error("daily"))
    #expect(
      number.found.contains("without bounds") && number.position == SourcePosition(line: 28, column: 19))
    #expect(try error("{plan_code: [1]}")?.found.contains("no plain number") == true)
  }
}
