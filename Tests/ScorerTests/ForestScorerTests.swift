import Dataflow
import Features
import Foundation
import Registry
import Scorer
import TestThreads
import Testing
import XGBoost

@Suite(.onThreads) struct ForestScorerTests {
  private let position = SourcePosition(line: 1, column: 1)

  private func declaration(_ name: String, _ file: String) -> ModelDeclaration {
    ModelDeclaration(name: name, file: file, label: nil, objective: "reg:squarederror", position: position)
  }

  @Test(arguments: [1, 2, 3]) func scoresABatchWithEveryModel(count: Int) throws {
    try ModelFixture.withFolder { path in
      let folder = ModelFolder(path: path)
      let rows = ModelFixture.rows(70, seed: 6)
      var expected: [[Float]] = []
      var declarations: [ModelDeclaration] = []
      for index in 0..<count {
        let booster = try ModelFixture.model(seed: UInt64(index + 20))
        try folder.write("m\(index).ubj", try booster.serialized(.ubj))
        expected.append(try booster.predictions(rows.values))
        declarations.append(declaration("model\(index)", "m\(index).ubj"))
      }
      let scorer = try ForestScorer(
        ServedModels(
          models: declarations, folder: folder,
          columns: ModelFixture.names.map { ColumnDescription(name: $0) }))
      let features = FloatMatrix(columns: 5, capacityRows: 8)
      features.resize(rows: 70)
      for (index, value) in rows.values.enumerated() { features.base[index] = value }
      let outputs = FloatMatrix(columns: count, capacityRows: 1)
      try scorer.score(features, into: outputs)
      #expect(outputs.rows == 70)
      for model in 0..<count {
        #expect(bits((0..<70).map { outputs.row($0)[model] }) == bits(expected[model]))
      }
      #expect(scorer.outputNames == declarations.map(\.name))
      #expect(scorer.modelVersions == (try declarations.map { try folder.read($0.file).version.hex }))
      #expect(scorer.modelSet.members.map(\.name) == scorer.outputNames)
      features.removeAll()
      try scorer.score(features, into: outputs)
      #expect(outputs.rows == 0)
    }
  }

  private func refusal(_ columns: [String], _ file: String = "m.json", write: Bool = true) throws -> PortError
  {
    try ModelFixture.withFolder { path in
      let folder = ModelFolder(path: path)
      if write { try folder.write("m.json", try ModelFixture.model(rounds: 1).serialized(.json)) }
      let error = #expect(throws: PortError.self) {
        _ = try ServedModels(
          models: [declaration("engagement", file)], folder: folder,
          columns: columns.map { ColumnDescription(name: $0) })
      }
      return try #require(error)
    }
  }

  @Test func refusesAModelForOtherFeatures() throws {
    let swapped = try refusal(["alpha", "gamma", "beta", "delta", "epsilon"])
    #expect(swapped.code == .misuse)
    #expect(
      swapped.cause.contains("column 2: expected gamma, found beta; column 3: expected beta, found gamma"))
    let fewer = try refusal(["alpha", "beta", "gamma", "delta"])
    #expect(fewer.cause.contains("the pipeline has 4, the model 5"))
    #expect(fewer.cause.contains("column 5: expected nothing, found epsilon"))
    let others = try refusal(["a", "b", "c", "d", "e", "f", "g"])
    #expect(others.cause.contains("column 5: expected e, found epsilon; and 2 more; train it again"))
  }

  /// Swift holds these two names equal; the bytes are not.
  @Test func comparesNamesAsBytes() throws {
    try ModelFixture.withFolder { path in
      let folder = ModelFolder(path: path)
      let composed = ["caf\u{e9}", "b", "c", "d", "e"]
      try folder.write("m.json", try ModelFixture.model(rounds: 1, names: composed).serialized(.json))
      let models = [declaration("m", "m.json")]
      _ = try ServedModels(
        models: models, folder: folder, columns: composed.map { ColumnDescription(name: $0) })
      let decomposed = ["cafe\u{301}", "b", "c", "d", "e"]
      #expect(composed == decomposed)
      #expect(throws: PortError.self) {
        _ = try ServedModels(
          models: models, folder: folder, columns: decomposed.map { ColumnDescription(name: $0) })
      }
    }
  }

  @Test func refusesAModelWithoutNames() throws {
    try ModelFixture.withFolder { path in
      let folder = ModelFolder(path: path)
      try folder.write("m.json", try ModelFixture.model(rounds: 1, names: []).serialized(.json))
      let error = #expect(throws: PortError.self) {
        _ = try ServedModels(
          models: [declaration("m", "m.json")], folder: folder,
          columns: ModelFixture.names.map { ColumnDescription(name: $0) })
      }
      #expect(error?.cause.contains("no feature names") == true)
    }
  }

  @Test func saysWhatToDoAboutAMissingModel() throws {
    let missing = try refusal(ModelFixture.names, write: false)
    #expect(missing.code == .misuse && missing.detail == "model engagement")
    #expect(missing.cause.contains("/m.json; make it with \"tally train\""))
    let outside = try refusal(ModelFixture.names, "../m.json")
    #expect(outside.cause.contains("within the models folder"))
  }

  @Test func refusesABrokenFile() throws {
    try ModelFixture.withFolder { path in
      let folder = ModelFolder(path: path)
      let bytes = try ModelFixture.model(rounds: 1).serialized(.ubj)
      try folder.write("m.ubj", Array(bytes[..<(bytes.count / 2)]))
      let error = #expect(throws: PortError.self) {
        _ = try ServedModels(
          models: [declaration("m", "m.ubj")], folder: folder,
          columns: ModelFixture.names.map { ColumnDescription(name: $0) })
      }
      #expect(error?.cause.contains("\(path)/m.ubj") == true)
    }
  }
}

@Suite struct RegistryTests {
  @Test func aVersionIsOfTheBytes() throws {
    try ModelFixture.withFolder { path in
      let folder = ModelFolder(path: "\(path)/deep/models")
      #expect(folder.names().isEmpty)
      let first = try folder.write("sub/a.json", [1, 2, 3])
      try folder.write("b.ubj", [1, 2, 3])
      let changed = try folder.write("sub/a.json", [1, 2, 4])
      #expect(first != changed && first.hex.utf8.count == 16)
      #expect(try folder.read("b.ubj").version == first)
      #expect(try folder.read("sub/a.json").bytes == [1, 2, 4])
      #expect(folder.names() == ["b.ubj"])
      let left = try FileManager.default.contentsOfDirectory(atPath: "\(path)/deep/models/sub")
      #expect(left == ["a.json"])
    }
  }

  @Test(arguments: ["../a.json", "/a.json", "a/../../b.json", "", "a.txt", "x/./a.json", "a(0).json"])
  func staysInItsFolder(name: String) {
    // A zero byte would end the runner's line.
    let name = name.replacing("(0)", with: "\0")
    let error = #expect(throws: RegistryError.self) { _ = try ModelFolder(path: "/tmp").read(name) }
    #expect(error?.code == .invalidName)
  }

  @Test func aFolderIsNoModel() throws {
    try ModelFixture.withFolder { path in
      try FileManager.default.createDirectory(atPath: "\(path)/a.json", withIntermediateDirectories: true)
      let error = #expect(throws: RegistryError.self) { _ = try ModelFolder(path: path).read("a.json") }
      #expect(error?.code == .missing)
      #expect(throws: RegistryError.self) { try ModelFolder(path: path).write("a.json", [1]) }
      #expect(ModelFolder(path: path).names() == ["a.json"])
    }
  }

  @Test func aSetIsOfNamesVersionsAndOrder() {
    let one = ModelVersion(ofFile: [1])
    let two = ModelVersion(ofFile: [2])
    func hash(_ members: (String, ModelVersion)...) -> String {
      ModelSet(members.map { ModelSet.Member(name: $0.0, version: $0.1) }).hashHex
    }
    let all = [
      hash(("a", one), ("b", two)), hash(("b", two), ("a", one)), hash(("a", two), ("b", one)),
      hash(("a", one)),
      hash(),
    ]
    #expect(Set(all).count == all.count && all.allSatisfy { $0.utf8.count == 32 })
    #expect(hash(("a", one), ("b", two)) == all[0])
  }
}
