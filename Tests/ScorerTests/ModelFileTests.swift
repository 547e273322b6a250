import Foundation
import Testing
import XGBoost

@testable import Scorer

/// What a model file says and a reader could overlook: changed copies of the releases' own files.
@Suite struct ModelFileTests {
  private static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Models/"

  /// A file of a release, with one text of it replaced.
  private func changed(_ file: String, _ place: String = "", _ replacement: String = "") throws -> [UInt8] {
    var text = try String(contentsOfFile: Self.folder + file, encoding: .utf8)
    if !place.isEmpty {
      let range = try #require(text.firstRange(of: place), "\(file) has no \(place)")
      text.replaceSubrange(range, with: replacement)
    }
    return [UInt8](text.utf8)
  }

  private func refusal(_ bytes: [UInt8], _ reading: ModelReading = ModelReading()) -> String {
    let error = #expect(throws: XGBoostError.self) {
      _ = try TreeEnsemble(bytes: bytes, name: "m.json", reading: reading)
    }
    return error?.description ?? ""
  }

  /// An unknown member of any object refuses the file and is named with its place; nobody can wave it through.
  @Test(arguments: [
    ("{\"learner\":", "the file has \"news\", "), ("{\"attributes\":", "\"news\" in learner, "),
    ("{\"base_score\":", "in learner.learner_model_param"), ("{\"model\":", "in learner.gradient_booster, "),
    ("{\"cats\":", "in learner.gradient_booster.model, "),
    ("{\"enc\":", "in learner.gradient_booster.model.cats, "),
    ("{\"offsets\":", "in learner.gradient_booster.model.cats.enc[0]"),
    ("{\"num_parallel_tree\":", "in learner.gradient_booster.model.gbtree_model_param"),
    ("{\"base_weights\":", "in learner.gradient_booster.model.trees[0], "),
    ("{\"num_deleted\":", "in learner.gradient_booster.model.trees[0].tree_param"),
    ("{\"name\":\"binary:logistic\"", "in learner.objective, "),
    ("{\"scale_pos_weight\":", "in learner.objective.reg_loss_param"),
  ])
  func refusesUnknownMembers(_ place: String, _ expected: String) throws {
    for news in ["1", "\"a\"", "{}", "[1,2]", "null", "[{}]"] {
      let bytes = try changed("3.4.1/named.json", place, "{\"news\":\(news),\(place.dropFirst())")
      for accepts in [false, true] {
        let text = refusal(bytes, ModelReading(acceptsRelease: accepts))
        #expect(text.contains(expected) && text.contains("3.4.1 does not write"), "\(text)")
      }
    }
  }

  /// Attributes are the user's, whatever their names; only a text is one.
  @Test func attributesMayHaveAnyName() throws {
    let bytes = try changed("3.4.1/named.json", "\"attributes\":{}", "\"attributes\":{\"weight_drop\":\"1\"}")
    #expect(try TreeEnsemble(bytes: bytes, name: "m.json").attributes == ["weight_drop": "1"])
    let number = try changed(
      "3.4.1/named.json", "\"attributes\":{}", "\"attributes\":{\"best_iteration\":1}")
    #expect(refusal(number).contains("learner.attributes.\"best_iteration\" is not a text"))
    let list = try changed("3.4.1/named.json", "\"attributes\":{}", "\"attributes\":[]")
    #expect(refusal(list).contains("learner.attributes is not an object"))
  }

  /// A member of a release in a file of another one was put there by hand, and means nothing to that release.
  @Test(arguments: [
    ("2.1.4/logistic.json", "{\"gbtree_model_param\":", "{\"weight_drop\":[1E0],\"gbtree_model_param\":"),
    ("2.1.4/logistic.json", "{\"gbtree_model_param\":", "{\"cats\":{\"enc\":[]},\"gbtree_model_param\":"),
    (
      "1.7.6/logistic.json", "{\"gbtree_model_param\":", "{\"iteration_indptr\":[0,3],\"gbtree_model_param\":"
    ),
    ("3.4.1/rate-drop.json", "},\"name\":\"gbtree\"}", "},\"name\":\"gbtree\",\"weight_drop\":[1,1,1]}"),
  ])
  func refusesMembersOfOtherReleases(_ file: String, _ place: String, _ replacement: String) throws {
    let text = refusal(try changed(file, place, replacement))
    #expect(text.contains("does not write") || text.contains("weight_drop twice"), "\(text)")
  }

  /// Values of known members that no release writes, or that contradict each other.
  @Test(arguments: [
    ("3.4.1/rate-drop.json", "\"weight_drop\":[", "\"weight_drop\":[1E0,", "the number of trees"),
    ("3.4.1/rate-drop.json", "\"weight_drop\":[", "\"weight_drop\":[NaN,", "the number of trees"),
    ("3.4.1/rate-drop.json", "\"name\":\"gbtree\"", "\"name\":\"gbforest\"", "the booster is \"gbforest\""),
    ("3.4.1/named.json", "\"float\"", "\"half\"", "the type \"half\" of a feature"),
    ("3.4.1/named.json", "\"feature_types\":[\"float\",", "\"feature_types\":[", "5 feature types for 6"),
    (
      "3.4.1/named.json", "\"feature_types\":[\"float\",\"float\",\"float\",\"float\",\"c\",\"c\"]",
      "\"feature_types\":\"c\"",
      "feature_types is not a list"
    ),
    ("3.4.1/named.json", "\"offsets\":[0,", "\"offsets\":[1,", "offsets and values do not fit"),
    ("3.4.1/named.json", "\"enc\":[{\"offsets\":[],\"values\":[]},", "\"enc\":[", "of 5 features of 6"),
    ("3.4.1/named-integers.json", "\"type\":15", "\"type\":8", "a type of categories that no release writes"),
    (
      "3.4.1/quantiles.json", "\"quantile_alpha\":\"[", "\"quantile_alpha\":\"[9E-1,",
      "is not 3 numbers in 0…1"
    ),
    ("3.4.1/quantiles.json", "[1E-1,5E-1,", "[5E-1,1E-1,", "does not ascend, which XGBoost 3.4.1 refuses"),
    ("3.4.1/softmax.json", "{\"num_class\":\"3\"}", "{\"num_class\":\"2\"}", "the objective's num_class"),
    ("3.4.1/logistic.json", "\"iteration_indptr\":[0,", "\"iteration_indptr\":[0,0,", "does not lead from 0"),
    (
      "3.4.1/logistic.json", "\"iteration_indptr\":[0,1,2,3]", "\"iteration_indptr\":[0,1,2]", "does not lead"
    ),
    (
      "1.7.6/logistic.json", "\"num_parallel_tree\":\"1\"", "\"num_parallel_tree\":\"2\"", "whole rounds of 2"
    ),
    ("3.4.1/logistic.json", "\"default_left\":[", "\"default_left\":[2,", "default_left"),
    ("3.4.1/logistic.json", "\"split_type\":[0", "\"split_type\":[2", "neither 0 nor 1"),
    ("3.4.1/logistic.json", "{\"learner\":", "{\"Config\":{},\"Model\":{\"learner\":", "a snapshot"),
    ("3.4.1/logistic.json", "\"version\":[3,4,1]", "\"version\":[3,4]", "which release of XGBoost wrote it"),
    ("3.4.1/logistic.json", ",\"version\":[3,4,1]", "", "which release of XGBoost wrote it"),
  ])
  func refusesUnknownValues(
    _ file: String, _ place: String, _ replacement: String, _ expected: String
  ) throws {
    var bytes = try changed(file, place, replacement)
    if expected == "a snapshot" { bytes.append(UInt8(ascii: "}")) }
    let text = refusal(bytes)
    #expect(text.contains(expected), "\(text)")
  }

  /// Older and newer releases than those that were compared are read when somebody says so.
  @Test(arguments: ["3,4,2", "3,5,0", "4,0,0", "1,6,2", "0,90,0"])
  func refusesReleasesThatWereNeverCompared(_ version: String) throws {
    let bytes = try changed("3.4.1/logistic.json", "[3,4,1]", "[\(version)]")
    let name = version.replacingOccurrences(of: ",", with: ".")
    let text = refusal(bytes)
    #expect(
      text.contains("written by XGBoost \(name); files of 1.7.0 to 3.4.1")
        && text.contains("accept_version: true"))
    guard version.first != "1" && version.first != "0" else { return }
    let read = try TreeEnsemble(bytes: bytes, name: "m.json", reading: ModelReading(acceptsRelease: true))
    #expect(read.release.description == name)
  }

  /// A file that dropped trees in training is weighted; the same file without the weights scores otherwise.
  @Test func weightsCount() throws {
    let ensemble = try TreeEnsemble(path: Self.folder + "3.4.1/rate-drop.json")
    #expect(ensemble.isDart && ensemble.trees.contains { $0.weight != 1 })
    #expect(try TreeEnsemble(path: Self.folder + "3.3.0/rate-drop.json").isDart)
  }

  /// Several quantiles are sorted in files of 3.4 and later only, and one quantile is never.
  @Test func quantilesAreSortedAsTheReleaseDoes() throws {
    for (release, sorts) in [("2.0.3", false), ("3.3.0", false), ("3.4.1", true)] {
      let path = "\(Self.folder)\(release)/quantiles"
      let isJSON = FileManager.default.fileExists(atPath: path + ".json")
      #expect(try TreeEnsemble(path: path + (isJSON ? ".json" : ".ubj")).sortsOutputs == sorts, "\(release)")
    }
    let older = try changed("3.4.1/quantiles.json", "[3,4,1]", "[3,3,0]")
    #expect(try !TreeEnsemble(bytes: older, name: "m.json").sortsOutputs)
  }

  private static let stopped = "\"attributes\":{\"best_iteration\":\""

  /// Early stopping: refused until somebody says which trees count, unless it makes no difference.
  @Test func asksWhichTreesCount() throws {
    let bytes = try changed("3.4.1/logistic.json", "\"attributes\":{}", Self.stopped + "1\"}")
    #expect(
      refusal(bytes).contains(
        "best_iteration is 1 of 0…2: scikit-learn's wrappers predict with the rounds up to it"))
    func trees(_ choice: CountedTrees?, _ bytes: [UInt8]) throws -> Int {
      try TreeEnsemble(bytes: bytes, name: "m.json", reading: ModelReading(trees: choice)).trees.count
    }
    #expect(try trees(.best, bytes) == 2 && trees(.all, bytes) == 3)
    let last = try changed("3.4.1/logistic.json", "\"attributes\":{}", Self.stopped + "2\"}")
    #expect(try trees(nil, last) == 3 && trees(.best, last) == 3 && trees(.all, last) == 3)
    for value in ["3", "-1", "x", "", "1.0", "99999999999999999999"] {
      let odd = try changed("3.4.1/logistic.json", "\"attributes\":{}", Self.stopped + value + "\"}")
      for choice in [nil, CountedTrees.best] {
        #expect(
          refusal(odd, ModelReading(trees: choice)).contains("is none of the file's 3 rounds"), "\(value)")
      }
      #expect(try trees(.all, odd) == 3)
    }
    let none = refusal(try changed("3.4.1/logistic.json"), ModelReading(trees: .best))
    #expect(none.contains("the file has no best_iteration"))
  }
}
