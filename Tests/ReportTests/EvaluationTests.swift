import Dataflow
import Features
import Report
import Testing

@Suite struct EvaluationTests {
  @Test func formFollowsKindAndObjective() {
    func form(_ kind: ModelKind, _ objective: String = "reg:squarederror") -> OutputForm {
      var model = ModelDeclaration(
        name: "m", file: "m.json", label: "y", objective: objective,
        position: SourcePosition(line: 1, column: 1))
      model.kind = kind
      return model.form
    }
    #expect(form(.regression) == .number)
    #expect(form(.regression, "binary:logistic") == .probability)
    #expect(form(.binary(recall: 0.8)) == .probability)
    #expect(form(.classes(["a", "b"])) == .classes(["a", "b"]))
    #expect(form(.quantiles([0.1, 0.9], group: nil)) == .quantiles([0.1, 0.9]))
    #expect(form(.anomaly) == .anomaly)
  }
}
