public import Dataflow
internal import Features

/// The labels that a pipeline has or its models learn: their names, and the words of those that are classes.
///
/// In memory a class is its place among its model's classes.
public struct LearntLabels: Sendable {
  /// Names, each once: the pipeline's own first.
  public private(set) var names: [String]
  private var words: [[String]]
  /// For each the name of a model that learns it; nil: none does.
  private var teachers: [String?]

  /// The labels of some models, `own` before them and columns of weights behind. Throws where two models learn a label as other classes,
  /// or one as a number.
  public init(
    _ models: [ModelDeclaration], own: [String] = [], weights: [String] = []
  ) throws(TrainingError) {
    names = own
    words = own.map { _ in [] }
    teachers = own.map { _ in nil }
    for model in models {
      guard let label = model.label else { continue }
      var classes: [String] = []
      if case .classes(let declared) = model.kind { classes = declared }
      let place = names.firstIndex { $0.utf8.elementsEqual(label.utf8) } ?? names.count
      if place == names.count {
        names.append(label)
        words.append(classes)
        teachers.append(model.name)
      } else if let teacher = teachers[place] {
        guard words[place].elementsEqual(classes, by: { $0.utf8.elementsEqual($1.utf8) }) else {
          throw TrainingError(
            .invalidLabel,
            "models \(teacher) and \(model.name) both learn \(label), but not as the same classes: give them the same"
          )
        }
      } else {
        words[place] = classes
        teachers[place] = model.name
      }
    }
    names += weights
    words += weights.map { _ in [] }
    teachers += weights.map { _ in nil }
  }

  /// For each code of a label that the pipeline makes, the number of its class; empty: the label is taken as it is. Throws where a
  /// model learns words of a label of numbers, or numbers of one of words, or not all of its words.
  func classNumbers(of label: String, codes: LabelWords) throws(TrainingError) -> [Float] {
    guard let place = names.firstIndex(where: { $0.utf8.elementsEqual(label.utf8) }),
      let model = teachers[place]
    else { return [] }
    let classes = words[place]
    if classes.isEmpty {
      guard !codes.areNumbers else { return [] }
      throw TrainingError(
        .invalidLabel, "model \(model) learns numbers, and \(label) is a category: declare kind: classes")
    }
    guard !codes.words.isEmpty else {
      throw TrainingError(
        .invalidLabel, "model \(model) learns classes, and \(label) is a number: make it a category")
    }
    let numbers = codes.words.map { word in classes.firstIndex { $0.utf8.elementsEqual(word.utf8) } }
    let strange = numbers.indices.filter { numbers[$0] == nil }.map { codes.words[$0] }
    guard strange.isEmpty else {
      throw TrainingError(
        .invalidLabel,
        "\(label) can be \(Self.list(strange)), which is none of the classes of model \(model): \(Self.list(classes))"
      )
    }
    return numbers.map { Float($0 ?? 0) }
  }

  private static func list(_ words: [String]) -> String {
    let more = words.count - classesListedMax
    return words.prefix(classesListedMax).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }

  /// A label's classes; empty: it is a number, or nobody learns it.
  func classes(of label: String) -> [String] {
    names.firstIndex { $0.utf8.elementsEqual(label.utf8) }.map { words[$0] } ?? []
  }

  /// Whether there is a label of this name.
  func contains(_ label: String) -> Bool { names.contains { $0.utf8.elementsEqual(label.utf8) } }

  /// What a cell of a label says: a number, or a class by its word; empty: not known. Throws what is wrong, without the cell's text.
  static func value(_ cell: String, classes: [String]) throws(LabelCellError) -> Float {
    if cell.isEmpty { return .nan }
    guard classes.isEmpty else {
      guard let place = classes.firstIndex(where: { $0.utf8.elementsEqual(cell.utf8) }) else {
        throw LabelCellError(text: "is none of the declared classes, nor empty: \(list(classes))")
      }
      return Float(place)
    }
    guard let value = Float(cell), value.isFinite else {
      throw LabelCellError(text: "is neither a finite number nor empty")
    }
    return value
  }

  private static let classesListedMax = 20
}

/// Why a label's cell says nothing.
struct LabelCellError: Error {
  /// What is wrong.
  var text: String
}
