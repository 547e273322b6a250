import Foundation
import TestThreads
import Testing
import XGBoost

@Suite(.onThreads) struct BoosterTests {
  @Test(arguments: ["reg:squarederror", "binary:logistic"], [PredictionKind.value, .margin])
  func predictsInPlaceAsOverAMatrix(objective: String, kind: PredictionKind) throws {
    let booster = try ModelFixture.model(objective: objective)
    let rows = ModelFixture.rows(333, seed: 9)
    let matrix = try ModelFixture.matrix(rows)
    let inPlace = try booster.predictions(rows.values, kind: kind)
    #expect(bits(inPlace) == bits(try booster.predict(matrix, kind: kind)))
    #expect(Set(inPlace).count > 10)
  }

  @Test func predictionsDoNotDependOnTheBatch() throws {
    let booster = try ModelFixture.model()
    let rows = ModelFixture.rows(100, seed: 3)
    let whole = try booster.predictions(rows.values)
    for size in [1, 2, 7, 33, 64] {
      var parts: [Float] = []
      for start in stride(from: 0, to: 100, by: size) {
        let end = min(start + size, 100)
        parts += try booster.predictions(Array(rows.values[start * 5..<end * 5]))
      }
      #expect(bits(parts) == bits(whole), "batches of \(size)")
    }
  }

  @Test func missingIsNotZero() throws {
    let booster = try ModelFixture.model(rounds: 30)
    let missing = try booster.predictions([0.3, 0.3, .nan, 0, 0])[0]
    let zero = try booster.predictions([0.3, 0.3, 0, 0, 0])[0]
    #expect(missing - zero > 0.3)
  }

  @Test func refusesRowsOfAnotherWidth() throws {
    let booster = try ModelFixture.model()
    var output: [Float] = [0]
    let error = #expect(throws: XGBoostError.self) {
      try booster.predict([1, 2, 3, 4], rows: 1, columns: 4, into: &output)
    }
    #expect(error?.cause.contains("Number of columns") == true)
    #expect(error?.cause.contains("Stack trace") == false)
  }

  @Test(arguments: ["m.json", "m.ubj"]) func savesAndLoads(file: String) throws {
    let booster = try ModelFixture.model(objective: "binary:logistic")
    try booster.setAttribute("note", "two words")
    let rows = ModelFixture.rows(200, seed: 4)
    try ModelFixture.withFolder { folder in
      let path = "\(folder)/\(file)"
      try booster.save(path: path)
      let ensemble = try TreeEnsemble(path: path)
      let loaded = try Booster(reference: ensemble)
      #expect(bits(try loaded.predictions(rows.values)) == bits(try booster.predictions(rows.values)))
      #expect(ensemble.featureNames == ModelFixture.names)
      #expect(ensemble.attributes == ["note": "two words"] && ensemble.trees.count == 6)
    }
  }

  @Test func loadsJSONWithSpaceInIt() throws {
    let booster = try ModelFixture.model()
    try booster.setAttribute("note", "two  \"words\" {")
    var spaced = ""
    var isText = false
    var last: Character = " "
    for character in String(decoding: try booster.serialized(.json), as: UTF8.self) {
      if character == "\"" && last != "\\" { isText.toggle() }
      spaced += isText || !"{}[],:".contains(character) ? String(character) : "\n \(character)\t\r"
      last = character
    }
    let loaded = try TreeEnsemble(bytes: [UInt8](spaced.utf8), name: "spaced.json")
    let other = try TreeEnsemble(bytes: try booster.serialized(.ubj), name: "m.ubj")
    #expect(loaded.trees.map(\.value) == other.trees.map(\.value) && loaded.trees.count == 6)
    #expect(loaded.attributes["note"]?.contains("two  ") == true)
  }

  @Test func keepsTheFirstRounds() throws {
    let long = try ModelFixture.model(rounds: 12)
    let short = try ModelFixture.model(rounds: 5)
    let limited = try long.limited(toRounds: 5)
    let rows = ModelFixture.rows(100, seed: 5)
    #expect(bits(try limited.predictions(rows.values)) == bits(try short.predictions(rows.values)))
    #expect(bits(try limited.predictions(rows.values)) != bits(try long.predictions(rows.values)))
    let names = try limited.featureNames()
    let rounds = try limited.rounds
    #expect(names == ModelFixture.names && rounds == 5)
  }

  @Test func stopsEarlyAtTheBestRound() throws {
    let training = try ModelFixture.matrix(ModelFixture.rows(60, seed: 1))
    let heldBack = try ModelFixture.matrix(ModelFixture.rows(60, seed: 2))
    let booster = try Booster(
      training: training, heldBack: heldBack,
      parameters: [("objective", "reg:squarederror"), ("max_depth", "6"), ("tree_method", "hist")])
    var rounds: [BoostingRound] = []
    let outcome = try booster.train(on: training, heldBack: heldBack, rounds: 400, earlyStoppingRounds: 10) {
      rounds.append($0)
      return true
    }
    #expect(rounds.map(\.number) == Array(0..<outcome.rounds))
    #expect(outcome.rounds < 400 && outcome.rounds == outcome.bestRound + 11)
    #expect(rounds.map(\.heldBack).min() == outcome.bestValue)
    #expect(rounds.firstIndex { $0.heldBack == outcome.bestValue } == outcome.bestRound)
    #expect(rounds.allSatisfy { $0.metric == "rmse" } && rounds[0].training > rounds[5].training)
  }

  @Test func aRoundCanEndTheTraining() throws {
    let data = try ModelFixture.matrix(ModelFixture.rows(60))
    let booster = try Booster(training: data, heldBack: data, parameters: [("tree_method", "hist")])
    let outcome = try booster.train(on: data, heldBack: data, rounds: 50, earlyStoppingRounds: 50) {
      $0.number < 2
    }
    #expect(outcome.rounds == 3)
  }

  @Test func namesTheFeaturesThatMatter() throws {
    let gains = try ModelFixture.model(rounds: 20).gains()
    #expect(gains.first?.name == "alpha" && gains.dropFirst().first?.name == "beta")
    #expect(gains.map(\.gain) == gains.map(\.gain).sorted(by: >))
  }

  @Test func refusesAnUnknownObjective() throws {
    let data = try ModelFixture.matrix(ModelFixture.rows(60))
    #expect(throws: XGBoostError.self) {
      let booster = try Booster(training: data, heldBack: data, parameters: [("objective", "reg:wishful")])
      _ = try booster.train(on: data, heldBack: data, rounds: 1, earlyStoppingRounds: 1)
    }
  }
}
