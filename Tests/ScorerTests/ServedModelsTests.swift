import CMallocCounter
import Dataflow
import Features
import Foundation
import Registry
import Synchronization
import Testing
import XGBoost

@testable import Scorer

/// Models as workers share them.
@Suite struct ServedModelsTests {
  private static let position = SourcePosition(line: 1, column: 1)

  private func served(
    _ booster: borrowing Booster, outputs: [String]? = nil, columns: [String] = ModelFixture.names,
    features: FeatureHashes? = nil, accepts: Bool = false
  ) throws -> ServedModels {
    let path = NSTemporaryDirectory() + "tally-served-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = ModelFolder(path: path)
    try folder.write("m.json", try booster.serialized(.json))
    let declaration = ModelDeclaration(
      name: "m", outputs: outputs, file: "m.json", label: nil, objective: "reg:squarederror",
      position: Self.position)
    return try ServedModels(
      models: [declaration], folder: folder, columns: columns.map { ColumnDescription(name: $0) },
      features: features, acceptsChangedFeatures: accepts)
  }

  /// A model of classes, and what a pipeline must declare for it.
  @Test func severalOutputs() throws {
    let rows = ModelFixture.rows(300)
    let labels = rows.labels.map { Float($0 < -1 ? 0 : $0 < 1 ? 1 : 2) }
    let matrix = try Matrix(values: rows.values, rows: 300, columns: 5, labels: labels)
    let booster = try Booster(
      training: matrix, heldBack: matrix,
      parameters: [("objective", "multi:softprob"), ("num_class", "3"), ("max_depth", "3"), ("nthread", "1")])
    _ = try booster.train(on: matrix, heldBack: matrix, rounds: 4, earlyStoppingRounds: 9)
    try booster.setFeatureNames(ModelFixture.names)
    let models = try served(booster, outputs: ["low", "middle", "high"])
    #expect(models.outputNames == ["low", "middle", "high"] && models.modelNames == ["m", "m", "m"])
    #expect(Set(models.modelVersions).count == 1 && models.modelSet.members.count == 1)
    let scorer = ForestScorer(models)
    let input = FloatMatrix(columns: 5, capacityRows: 300)
    input.resize(rows: 300)
    for (index, value) in rows.values.enumerated() { input.base[index] = value }
    let outputs = FloatMatrix(columns: 3, capacityRows: 1)
    try scorer.score(input, into: outputs)
    var expected = [Float](repeating: 0, count: 900)
    try booster.predict(rows.values, rows: 300, columns: 5, outputs: 3, into: &expected)
    #expect(differences(Array(UnsafeBufferPointer(start: outputs.base, count: 900)), expected) == 0)
    let error = #expect(throws: PortError.self) { _ = try served(booster) }
    #expect(error?.cause.contains("3 outputs a row, the pipeline declares 1 (m)") == true)
  }

  /// A model whose file need not be there: its outputs are missing, and the others stay where they are.
  @Test func optionalModels() throws {
    let rows = ModelFixture.rows(200)
    let matrix = try Matrix(values: rows.values, rows: 200, columns: 5, labels: rows.labels)
    let booster = try Booster(
      training: matrix, heldBack: matrix, parameters: [("max_depth", "3"), ("nthread", "1")])
    _ = try booster.train(on: matrix, heldBack: matrix, rounds: 4, earlyStoppingRounds: 9)
    try booster.setFeatureNames(ModelFixture.names)
    let path = NSTemporaryDirectory() + "tally-served-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = ModelFolder(path: path)
    try folder.write("m.json", try booster.serialized(.json))
    func model(_ name: String, _ outputs: [String]?, _ file: String) -> ModelDeclaration {
      ModelDeclaration(
        name: name, outputs: outputs, file: file, label: nil, objective: "reg:squarederror", isOptional: true,
        position: Self.position)
    }
    let columns = ModelFixture.names.map { ColumnDescription(name: $0) }
    let models = try ServedModels(
      models: [model("interval", ["low", "high"], "none.json"), model("m", nil, "m.json")], folder: folder,
      columns: columns)
    #expect(models.outputNames == ["low", "high", "m"])
    #expect(models.modelVersions.map(\.isEmpty) == [true, true, false])
    #expect(models.modelSet.members.map(\.name) == ["m"])
    #expect(models.notes.contains { $0.contains("none.json is not in") })
    let input = FloatMatrix(columns: 5, capacityRows: 200)
    input.resize(rows: 200)
    for (index, value) in rows.values.enumerated() { input.base[index] = value }
    let outputs = FloatMatrix(columns: 3, capacityRows: 1)
    try ForestScorer(models).score(input, into: outputs)
    let expected = try booster.predict(matrix)
    for row in 0..<200 {
      #expect(outputs.row(row)[0].isNaN && outputs.row(row)[1].isNaN && outputs.row(row)[2] == expected[row])
    }
    #expect(throws: PortError.self) {
      try ServedModels(models: [model("interval", nil, "none.json")], folder: folder, columns: columns)
    }
  }

  /// A batch is of one set of models, and what is replaced lives as long as it is used: workers score while models change.
  @Test func replacedWhileScoring() async throws {
    let first = try ModelFixture.model(seed: 1)
    let second = try ModelFixture.model(seed: 2)
    let sets = [try served(first), try served(second)]
    let rows = ModelFixture.rows(70, seed: 3).values
    let expected = [bits(try first.predictions(rows)), bits(try second.predictions(rows))]
    #expect(expected[0] != expected[1])
    let slot = ModelSlot(sets[0])
    let scored = Counter()
    try await withThrowingTaskGroup(of: Set<Int>.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let scorer = ForestScorer(slot)
          let input = FloatMatrix(columns: 5, capacityRows: 70)
          input.resize(rows: 70)
          for (index, value) in rows.enumerated() { input.base[index] = value }
          let outputs = FloatMatrix(columns: 1, capacityRows: 1)
          var seen: Set<Int> = []
          for _ in 0..<2_000 {
            try scorer.score(input, into: outputs)
            let found = bits(Array(UnsafeBufferPointer(start: outputs.base, count: 70)))
            seen.insert(expected.firstIndex(of: found) ?? -1)
            scored.value.add(1, ordering: .relaxed)
          }
          return seen
        }
      }
      group.addTask {
        var turn = 0
        while scored.value.load(ordering: .relaxed) < 8_000 {
          turn += 1
          try slot.replace(with: sets[turn % 2])
          await Task.yield()
        }
        return []
      }
      for try await seen in group { #expect(seen.isSubset(of: [0, 1])) }
    }
  }

  /// A model of features that meant something else is served only when somebody says so; one that does not say, with a note.
  @Test func changedFeaturesAreRefused() throws {
    func hashes(_ window: String, _ other: String = "3d") throws -> FeatureHashes {
      let event = EventTypeDeclaration(name: "login", attributes: [], position: Self.position)
      return try FeatureProgram(
        FeatureSetDeclaration(
          profile: [], events: [event],
          features: ModelFixture.names.enumerated().map { number, name in
            FeatureDeclaration(
              name: name, expression: "count(login, \(number == 1 ? window : other))", isColumn: true,
              labels: [],
              position: Self.position)
          }, idleTTL: nil)
      ).featureHashes
    }
    let booster = try ModelFixture.model()
    #expect(try served(booster).notes == [])
    let note = try served(booster, features: hashes("7d")).notes
    #expect(note.count == 1 && note[0].contains("model m: not made by tally train"))
    try booster.setAttribute(FeatureHashes.modelAttribute, hashes("7d").text)
    #expect(try served(booster, features: hashes("168h")).notes == [])
    let error = #expect(throws: PortError.self) { _ = try served(booster, features: hashes("10d")) }
    #expect(error?.cause.contains("features that meant something else: beta.") == true)
    #expect(error?.cause.contains("--accept-changed-features") == true)
    let accepted = try served(booster, features: hashes("10d"), accepts: true).notes
    #expect(accepted.count == 1 && accepted[0].contains("accepted: beta"))
    #expect(throws: PortError.self) { _ = try served(booster, features: hashes("7d", "4d")) }
    try booster.setAttribute(FeatureHashes.modelAttribute, "what is this")
    #expect(throws: PortError.self) { _ = try served(booster, features: hashes("7d")) }
  }

  @Test func replacedByOthersOnly() throws {
    let booster = try ModelFixture.model()
    let slot = ModelSlot(try served(booster))
    let other = try served(booster, outputs: ["another"])
    let error = #expect(throws: PortError.self) { try slot.replace(with: other) }
    #expect(error?.cause.contains("another") == true)
    #expect(slot.current.outputNames == ["m"])
  }

  /// Nothing is allocated for a call, whatever the number of rows, the kernel and the layout.
  @Test(
    .enabled(if: tally_counts_allocations() == 1, "the sanitizer has its own malloc"),
    arguments: [(4, true), (12, false)] as [(Int, Bool)])
  func allocatesNothing(_ depth: Int, _ isPacked: Bool) throws {
    let model = try RandomModel(
      seed: 8, objective: .softprob, depth: depth, rounds: 20, isDart: false, hasCategories: false,
      isLossGuided: false, isPruned: false, method: "hist", columns: 9, rows: 3_000)
    let ensemble = try TreeEnsemble(bytes: model.bytes, name: model.name)
    let rows = ForestCheck.inputs(ensemble, rows: 200, seed: 1, hasInfinities: true)
    var scores = [Float](repeating: 0, count: 200 * ensemble.outputs)
    var contributions = [Float](repeating: 0, count: 200 * ensemble.groups * 10)
    for kernel in Kernel.available {
      let forest = try Forest([ensemble], columns: 9, kernel: kernel)
      #expect(forest.isPacked == [isPacked])
      let scratch = forest.makeScratch()
      let explainer = try Explainer(ensemble, kernel: kernel)
      let explaining = explainer.makeScratch()
      for count in [1, 40, 64, 200] {
        let before = tally_thread_allocations()
        forest.score(rows, rows: count, scratch: scratch, into: &scores)
        explainer.contributions(rows, rows: count, scratch: explaining, into: &contributions)
        #expect(tally_thread_allocations() == before, "\(kernel), \(count) rows")
      }
    }
  }
}

/// A number that threads share.
private final class Counter: Sendable {
  let value = Atomic(0)
}
