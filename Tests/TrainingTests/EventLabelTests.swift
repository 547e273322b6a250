import Dataflow
import Events
import Features
import TestThreads
import Testing
import Training

@Suite(.onThreads) struct EventLabelTests {
  /// Makes of each record the profile of another entity: its job.
  private final class JobDecoder: RecordDecoder {
    let jobs: [String?]
    let homes = KeyHomes.onePartition

    init(_ jobs: [String?]) { self.jobs = jobs }

    func record(_ number: Int) -> RawRecord {
      let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      return RawRecord(
        partition: 0, offset: Int64(number), ingestTimeMs: -1, key: nothing, value: nothing,
        contentType: .unspecified)
    }

    func decode(_ record: RawRecord, into events: EventBatch) -> DeadLetterReason? {
      func slice(_ text: String) -> ByteSlice {
        var copy = text
        return copy.withUTF8 { events.append(UnsafeRawBufferPointer($0)) }
      }
      events.begin()
      let (id, entity) = (slice("id\(record.offset)"), slice("e\(record.offset)"))
      if var job = jobs[Int(record.offset)] {
        var name = "job"
        name.withUTF8 { name in
          job.withUTF8 { job in
            events.appendAttribute(
              name: UnsafeRawBufferPointer(name), kind: .text, bits: 0, text: UnsafeRawBufferPointer(job))
          }
        }
      }
      _ = events.commit(
        kind: .profileChange, type: SymbolTable.unknown, eventID: id, entityID: entity, source: .empty,
        time: 1_767_225_600_000_000)
      return nil
    }
  }

  /// Labels that events say themselves: a category's words are classes, by the order of the model's, not of the vocabulary.
  @Test func learnsClassesOfEvents() throws {
    let position = SourcePosition(line: 1, column: 1)
    func program(_ expression: String) throws -> FeatureProgram {
      try FeatureProgram(
        FeatureSetDeclaration(
          profile: [
            AttributeDeclaration(
              name: "job", type: .category(["cook", "baker", "smith"]), position: position),
            AttributeDeclaration(
              name: "plan", type: .number(decimals: 2, minimum: 0, maximum: 9), position: position),
          ],
          events: [],
          features: [
            FeatureDeclaration(
              name: "plan", expression: "profile.plan", isColumn: true, labels: [], position: position)
          ], idleTTL: nil,
          judgement: JudgementDeclaration(
            labels: [
              EventLabelDeclaration(
                name: "known", expression: ExpressionDeclaration(text: expression, position: position))
            ])))
    }
    func model(_ kind: ModelKind) -> ModelDeclaration {
      TrainingBench.model(kind, label: "known")
    }
    func collector(_ expression: String, _ kind: ModelKind) throws -> EventLabelCollector {
      let program = try program(expression)
      return try EventLabelCollector(
        program: program, labelNames: ["known"], learnt: try LearntLabels([model(kind)], own: ["known"]),
        weights: RowWeights(program, []))
    }
    let classes = ModelKind.classes(["smith", "cook", "baker", "rare"])
    #expect(throws: Never.self) { try collector("profile.job", classes) }
    for (expression, kind, text) in [
      ("profile.job", ModelKind.regression, "known is a category"),
      ("profile.plan", classes, "known is a number"),
      ("profile.job", .classes(["cook", "baker"]), "known can be smith, which is none of the classes"),
    ] {
      let error = #expect(throws: TrainingError.self) { try collector(expression, kind) }
      #expect(error?.code == .invalidLabel && error?.text.contains(text) == true)
    }
    let own = try program("profile.job")
    let learning = try EventLabelCollector(
      program: own, labelNames: ["known"], learnt: try LearntLabels([model(classes)], own: ["known"]),
      weights: RowWeights(own, []))
    // The potter is no word of the vocabulary, the last one says nothing: nothing is learnt of them.
    let decoder = JobDecoder(["cook", "smith", "baker", "cook", "potter", nil])
    let pass = EventPass(program: own, decoder: decoder)
    for number in decoder.jobs.indices {
      pass.removeAll()
      if case .event(let event) = pass.decode(decoder.record(number)) { learning.apply(event, of: pass) }
    }
    let set = learning.finish()
    #expect(set.rows.indices.map { set.labels.row($0)[0] } == [1, 0, 2, 1])
  }
}
