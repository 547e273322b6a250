import Dataflow
import Features
import Foundation
import Registry
import Testing
import XGBoost

@testable import Scorer

/// Models made elsewhere against a pipeline: names of categories, types of features, objective, early stopping.
@Suite struct CategoryCodesTests {
  private static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Models"
  private static let numbers = ["a", "b", "c", "d"].map { ColumnDescription(name: $0) }
  private static let sizes = (0..<40).map(String.init)

  private static func columns(
    color: ColumnKind, size: ColumnKind = .category(sizes), labels: [String] = []
  ) -> [ColumnDescription] {
    numbers + [
      ColumnDescription(name: "color", kind: color, labels: labels),
      ColumnDescription(name: "size", kind: size),
    ]
  }

  private func served(
    _ file: String, _ columns: [ColumnDescription], trees: ModelTrees? = nil, objective: String? = nil,
    outputs: [String]? = nil
  ) throws -> ServedModels {
    let place = SourcePosition(line: 7, column: 29)
    let declaration = ModelDeclaration(
      name: "m", outputs: outputs, file: file, label: nil, objective: objective ?? "reg:squarederror",
      objectivePosition: objective.map { _ in place }, trees: trees, position: place)
    return try ServedModels(
      models: [declaration], folder: ModelFolder(path: Self.folder), columns: columns)
  }

  private func refusal(_ file: String, _ columns: [ColumnDescription], objective: String? = nil) -> String {
    let error = #expect(throws: PortError.self) { _ = try served(file, columns, objective: objective) }
    return error?.description ?? ""
  }

  /// The same person has the same score whatever the order of the pipeline's words is.
  @Test(arguments: ["3.1.3/named.ubj", "3.4.1/named.json"])
  func theOrderOfTheVocabularyDoesNotMatter(_ file: String) throws {
    let white = file.hasPrefix("3.4") ? "weiß" : "white"
    let words = ["red", "green", "blue", "purple", white]
    let orders = [words, words.reversed(), ["mauve", white, "purple", "red", "green", "blue"]]
    var scores: [[String: Float]] = []
    for order in orders {
      let models = try served(file, Self.columns(color: .category(Array(order)), size: .category(Self.sizes)))
      var score: [String: Float] = [:]
      for word in words {
        let code = try #require(order.firstIndex(of: word))
        score[word] = models.forest.values([0.5, 0.5, 0.5, 1, Float(code), 3], model: 0, isMargin: false)[0]
      }
      scores.append(score)
      // A word that the model has not seen and "other" go the same way.
      let other = models.forest.values(
        [0.5, 0.5, 0.5, 1, Float(order.count), 3], model: 0, isMargin: false)[0]
      let unseen = order.firstIndex(of: "mauve").map {
        models.forest.values([0.5, 0.5, 0.5, 1, Float($0), 3], model: 0, isMargin: false)[0]
      }
      #expect(unseen == nil || unseen == other)
    }
    #expect(scores[0] == scores[1] && scores[0] == scores[2])
    #expect(Set(scores[0].values).count > 1, "the word makes a difference")
  }

  /// What the mapping leaves out is said, and a category "other" that the model knows is the pipeline's `other`.
  @Test func saysWhatDoesNotMatch() throws {
    let notes = try served("3.4.1/named.json", Self.columns(color: .category(["red", "mauve"]))).notes
    #expect(
      notes.contains { $0.contains("categories of color that the vocabulary lacks") && $0.contains("purple") }
    )
    #expect(
      notes.contains { $0.contains("not seen categories of color") && $0.hasSuffix("on it: mauve") })
    #expect(notes.allSatisfy { $0.hasPrefix("model m: ") })
    var ensemble = try TreeEnsemble(path: Self.folder + "/3.4.1/named.json")
    ensemble.categoryNames[4] = CategoryNames(
      names: ["blue", "green", "other", "red", "weiß"].map { Array($0.utf8) }, areNumbers: false)
    let codes = try CategoryCodes.adapt(
      &ensemble, to: Self.columns(color: .category(["red", "green"])), file: "m")
    #expect(!codes.contains { $0.contains("has not seen categories of color") })
  }

  @Test func namesMustBeTheFeatures() throws {
    let none = refusal("3.4.1/named.json", Self.columns(color: .category(["rouge", "vert"])))
    #expect(none.contains("categories of feature color are blue, green"))
    #expect(none.contains("the pipeline's are rouge, vert, other"))
    // Numbers that are no words could be codes.
    let numbers = refusal(
      "3.4.1/named-integers.json",
      Self.columns(color: .category(["red"]), size: .category(["s", "m", "l"])))
    #expect(numbers.contains("feature size are the numbers") && numbers.contains("s, m, l, other"))
    let some = refusal(
      "3.4.1/named-integers.json",
      Self.columns(color: .category(["red"]), size: .category(["1", "2", "50"])))
    #expect(some.contains("feature size are the numbers"))
  }

  /// Names that a release wrote wrongly map nothing.
  @Test func namesMustBeWhole() throws {
    let columns = Self.columns(color: .category(["red", "green", "blue"]))
    var ensemble = try TreeEnsemble(path: Self.folder + "/3.1.3/named.ubj")
    ensemble.categoryNames[4] = CategoryNames(
      names: ["red", "ä", "bc", "white", "x"].map { Array($0.utf8) }, areNumbers: false)
    let error = #expect(throws: XGBoostError.self) {
      _ = try CategoryCodes.adapt(&ensemble, to: columns, file: "m")
    }
    #expect(
      error?.cause.contains("feature color have other letters than ASCII's, which XGBoost 3.1.3") == true)
    var newer = try TreeEnsemble(path: Self.folder + "/3.4.1/named.json")
    newer.categoryNames[4] = CategoryNames(names: [[0xc3], [1], [2], [3], [4]], areNumbers: false)
    #expect(throws: XGBoostError.self) { _ = try CategoryCodes.adapt(&newer, to: columns, file: "m") }
  }

  /// Whole numbers are names of a column's codes as well as of words.
  @Test func numbersNameCodes() throws {
    let words = try served(
      "3.4.1/named-integers.json", Self.columns(color: .category(["red"]), size: .category(Self.sizes)))
    let codes = try served(
      "3.4.1/named-integers.json", Self.columns(color: .category(["red"]), size: .codes(40)))
    let rows = (0..<40).flatMap { [0.5, 0.5, 0.5, 1, 0, Float($0)] as [Float] }
    #expect(
      differences(
        words.forest.values(rows, model: 0, isMargin: false),
        codes.forest.values(rows, model: 0, isMargin: false)) == 0)
  }

  /// Older files, and arrays, name nothing: the codes that they need are said.
  @Test func saysWhenNothingIsNamed() throws {
    let notes = try served("2.1.4/partition.json", Self.columns(color: .category(["a", "b", "c", "d", "e"])))
      .notes
    #expect(notes.contains { $0.contains("does not name its categories") })
    #expect(notes.contains { $0.contains("color a 0, b 1, c 2, d 3, e 4 and 1 more") })
  }

  @Test func typesMustFit() throws {
    let category = ColumnKind.category(["red", "green", "blue", "amber", "weiß"])
    let asNumber = refusal("3.4.1/typed.ubj", Self.columns(color: category))
    #expect(asNumber.contains("feature color has the type \"float\" in the model and is a category"))
    #expect(asNumber.contains("must be one of \"c\""))
    let asCategory = refusal("3.4.1/named.json", Self.columns(color: .number))
    #expect(asCategory.contains("feature color has the type \"c\" in the model and is a number"))
    _ = try served("3.4.1/typed.ubj", Self.columns(color: .number, size: .codes(40)))
    _ = try served("3.4.1/typed.ubj", Self.columns(color: .flag, size: .number))
    // Without types the splits tell.
    var ensemble = try TreeEnsemble(path: Self.folder + "/2.1.4/partition.json")
    ensemble.featureTypes = []
    let text = FeatureTypeCheck.difference(Self.columns(color: category, size: .number), ensemble)
    #expect(text?.contains("compares feature size with sets of categories") == true)
    #expect(FeatureTypeCheck.difference(Self.columns(color: category), ensemble) == nil)
    ensemble.featureTypes = [.indicator, .float, .float, .float, .category, .category]
    #expect(FeatureTypeCheck.difference(Self.columns(color: category), ensemble)?.contains("\"i\"") == true)
  }

  @Test func objectivesMustBeTheSame() throws {
    let numbers = Self.columns(color: .number, size: .number)
    let text = refusal("3.4.1/logistic.json", numbers, objective: "reg:logistic")
    #expect(
      text.contains(
        "the model's objective is binary:logistic, the pipeline's is reg:logistic (line 7, column 29)"))
    _ = try served("3.4.1/logistic.json", numbers, objective: "binary:logistic")
    _ = try served("3.4.1/logistic.json", numbers)
  }

  /// The choice of trees is in the version: rows say which model scored them.
  @Test func countsTheTreesThatThePipelineSays() throws {
    let columns = Self.columns(color: .number, size: .number)
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder + "/3.4.1")
    let file = "3.4.1/" + (try #require(names.first { $0.hasPrefix("stopped.") }))
    let text = refusal(file, columns)
    #expect(text.contains("scikit-learn's wrappers") && text.contains("trees: best"))
    let (best, all) = (try served(file, columns, trees: .best), try served(file, columns, trees: .all))
    #expect(best.modelVersions != all.modelVersions && best.modelSet.hashHex != all.modelSet.hashHex)
    let row: [Float] = [0.5, 0.5, 0.5, 1, 2, 3]
    #expect(
      best.forest.values(row, model: 0, isMargin: false) != all.forest.values(row, model: 0, isMargin: false))
  }
}
