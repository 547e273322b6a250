import Foundation
import TestThreads
import Testing
import XGBoost

@testable import Scorer
import TestNumbers

/// Broken and hostile model files: each is an error or a model that scores as libxgboost does, and the process lives.
@Suite(.onThreads) struct HostileModelTests {
  private static let forms: [ModelFormat] = [.json, .ubj]

  /// Whether the bytes load; when they do, forest and libxgboost must agree.
  private func loads(_ bytes: [UInt8], _ format: ModelFormat) -> Bool {
    do {
      let ensemble = try TreeEnsemble(bytes: bytes, name: "hostile.\(format.rawValue)")
      let forest = try Forest([ensemble], columns: ensemble.featureCount)
      try ForestCheck.check(forest, 0, ensemble, name: "hostile", rows: 20)
      return true
    } catch { return false }
  }

  @Test(arguments: forms) func refusesEveryTruncation(format: ModelFormat) throws {
    let bytes = try ModelFixture.model(rounds: 2, depth: 2).serialized(format)
    #expect(loads(bytes, format))
    for count in 0..<bytes.count {
      #expect(!loads(Array(bytes[..<count]), format), "the first \(count) of \(bytes.count) bytes")
    }
    #expect(!loads(bytes + [0x7b], format))
  }

  /// What loads reaches libxgboost, written anew; were it to die of that, only a process of its own would end.
  @Test func survivesChangedBytes() async {
    await #expect(processExitsWith: .success) {
      for format in Self.forms {
        for seed: UInt64 in [11, 12, 13] { try HostileModelTests().changeBytes(format, seed) }
      }
    }
  }

  private func changeBytes(_ format: ModelFormat, _ seed: UInt64) throws {
    let bytes = try ModelFixture.model(rounds: 2, depth: 3).serialized(format)
    var generator = SeededGenerator(seed: seed)
    var refused = 0
    for _ in 0..<700 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: 0..<changed.count, using: &generator)
        let isDigit = (0x30...0x39).contains(changed[position])
        changed[position] =
          isDigit
          ? UInt8.random(in: 0x30...0x39, using: &generator) : UInt8.random(in: 0...255, using: &generator)
      }
      if !loads(changed, format) { refused += 1 }
    }
    #expect(refused > 100, "\(format.rawValue), seed \(seed)")
  }

  /// The JSON form of a small model with the first member of each name given another value; nil: left out.
  private func changed(_ name: String, _ value: String?) throws -> [UInt8] {
    let text = String(decoding: try ModelFixture.model(rounds: 2, depth: 2).serialized(.json), as: UTF8.self)
    let start = try #require(text.firstRange(of: "\"\(name)\":"))
    var end = start.upperBound
    var depth = 0
    while depth > 0 || (text[end] != "," && text[end] != "}") {
      if text[end] == "[" || text[end] == "{" { depth += 1 }
      if text[end] == "]" || text[end] == "}" { depth -= 1 }
      end = text.index(after: end)
    }
    let member = value.map { "\"\(name)\":\($0)" } ?? "\"other\":0"
    return [UInt8]((text[..<start.lowerBound] + member + text[end...]).utf8)
  }

  private func cause(_ bytes: [UInt8]) -> String {
    let error = #expect(throws: XGBoostError.self) {
      _ = try TreeEnsemble(bytes: bytes, name: "models/x.json")
    }
    #expect(error?.operation == "load models/x.json")
    return error?.cause ?? ""
  }

  @Test(
    arguments: [
      ("left_children", "[1,3,5,-1,-1,-1,99]", "a child is no node"),
      ("left_children", "[1,3,5,-1,-1,-1,18446744073709551617]", "a child is no node"),
      ("left_children", "[1,0,5,-1,-1,-1,-1]", "not the node behind"),
      ("split_indices", "[5,0,0,0,0,0,0]", "a feature that the model does not have"),
      ("split_indices", "[-1,0,0,0,0,0,0]", "a feature that the model does not have"),
      ("split_indices", "[0]", "split_indices"), ("sum_hessian", "[]", "sum_hessian"),
      ("id", "1", "no id of its own"),
      ("split_type", "[1,0,0,0,0,0,0]", "a categorical split without categories"),
      ("right_children", "[2,4,5,-1,-1,-1,-1]", "behind the left"),
      ("split_conditions", "[NaN,0E0,0E0,0E0,0E0,0E0,0E0]", "not a number"),
      ("num_trees", "\"3\"", "num_trees"),
      ("tree_info", "[0,1]", "belongs to none of 1"), ("num_class", "\"5000\"", "num_class"),
      ("num_target", "\"-1\"", "num_target"), ("base_score", "\"[1E-1,2E-1]\"", "base_score"),
      ("objective", "{\"name\":\"rank:map\"}", "the objective is \"rank:map\"; served are reg:squarederror"),
      ("size_leaf_vector", "\"3\"", "leaves of 3 outputs"),
      ("feature_names", "[\"a\"]", "1 feature names for 5 features"),
      ("gradient_booster", nil, "parts are missing"),
      ("gradient_booster", "{\"name\":\"gblinear\",\"model\":{}}", "gbtree"),
    ] as [(String, String?, String)])
  func refusesMembers(name: String, value: String?, expected: String) throws {
    let text = cause(try changed(name, value))
    #expect(text.contains(expected), "\(text)")
  }

  @Test func aChangeThatIsNoneLoads() throws {
    #expect(loads(try changed("left_children", "[1,3,5,-1,-1,-1,-1]"), .json))
  }

  /// What no way from the root leads to is not looked at, whatever it says.
  @Test(arguments: [
    ("split_indices", "-5"), ("split_indices", "60000"), ("left_children", "2000000000"),
    ("right_children", "2147483647"),
    ("split_conditions", "NaN"), ("sum_hessian", "-1"), ("default_left", "7"),
  ])
  func nodesWithoutAWayToThem(_ name: String, _ value: String) throws {
    var text = String(decoding: try ModelFixture.model(rounds: 1, depth: 2).serialized(.json), as: UTF8.self)
    for list in [
      "left_children", "right_children", "parents", "split_indices", "split_conditions", "sum_hessian",
      "loss_changes",
      "base_weights", "default_left", "split_type",
    ] {
      let start = try #require(text.firstRange(of: "\"\(list)\":["))
      let end = try #require(text[start.upperBound...].firstIndex(of: "]"))
      let filler = list.hasSuffix("children") ? "-1" : "0"
      text.insert(contentsOf: "," + (list == name ? value : filler), at: end)
    }
    text.replace("\"num_nodes\":\"7\"", with: "\"num_nodes\":\"8\"")
    #expect(loads([UInt8](text.utf8), .json))
    let ensemble = try TreeEnsemble(bytes: [UInt8](text.utf8), name: "m.json")
    #expect(ensemble.trees[0].left.count == 7)
  }

  /// A number of many digits is rounded once.
  @Test func roundsNumbersOnce() throws {
    let bytes = try changed(
      "split_conditions", "[1.00000005960464477539062500000000001,0E0,0E0,0E0,0E0,0E0,0E0]")
    #expect(try TreeEnsemble(bytes: bytes, name: "m.json").trees[0].value[0] == Float(1).nextUp)
  }

  /// A few bytes must not take many times their number.
  @Test func refusesEndlessListsOfSmallThings() {
    let nulls: [UInt8] = [UInt8](repeating: UInt8(ascii: "Z"), count: 3_000_000)
    let error = #expect(throws: XGBoostError.self) {
      _ = try TreeEnsemble(bytes: Array("[".utf8) + nulls + Array("]".utf8), name: "m.ubj")
    }
    #expect(error?.cause.contains("a shorter list") == true)
  }

  @Test func refusesDeepNesting() {
    #expect(
      cause([UInt8](("{\"learner\":" + String(repeating: "[", count: 2_000_000)).utf8)).contains("nesting"))
    let deep = [UInt8](String(repeating: "[", count: 2_000_000).utf8)
    #expect(throws: XGBoostError.self) { _ = try TreeEnsemble(bytes: deep, name: "deep.ubj") }
  }

  @Test func refusesWhatIsNoModel() throws {
    #expect(cause([]).contains("empty"))
    #expect(cause([UInt8]("hello".utf8)).contains("not JSON"))
    #expect(cause([UInt8]("{}".utf8)).contains("parts are missing"))
    #expect(cause([UInt8]("{\"a\":1,\"a\":2}".utf8)).contains("twice"))
    #expect(throws: XGBoostError.self) { _ = try TreeEnsemble(bytes: [0x7b], name: "model.bin") }
    let error = #expect(throws: XGBoostError.self) { _ = try TreeEnsemble(path: "/nowhere/model.json") }
    #expect(error?.description == "load /nowhere/model.json: no such file, or it cannot be read")
  }
}
