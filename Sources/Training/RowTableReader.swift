internal import Events
public import Features

/// Reads training rows from a CSV file as `RowTableWriter` writes it, or as somebody else does.
///
/// The header may be in any order. Needed: `entity` and every feature of the pipeline. Of its own columns `as_of`, `as_of_us`,
/// `label_time_us`, `row_order`, `split` and a category's word may be absent; every other column is a label.
public struct RowTableReader {
  private let path: String
  private let columns: RowColumns
  private let records: CSVRecords
  /// Places in the file: of the rows' own columns by name, of features, of their words, of labels.
  private let own: [String: Int]
  private let features: [Int]
  private let words: [Int?]
  private let labels: [Int]
  private let cellCount: Int
  private let hashes: FeatureHashes
  private let described: [ColumnDescription]

  /// Opens a file and checks its header. `learnt`: the labels that may be learnt; a column of no known name is refused.
  public init(path: String, program: FeatureProgram, labels learnt: LearntLabels) throws(RowTableError) {
    self.path = path
    records = try CSVRecords(path: path)
    guard var header = try records.next() else {
      throw RowTableError(path: path, line: 1, text: "the file is empty: no header")
    }
    if header[0].hasPrefix("\u{feff}") { header[0].removeFirst() }
    var places: [String: Int] = [:]
    for (place, name) in header.enumerated() {
      guard places.updateValue(place, forKey: name) == nil else {
        throw RowTableError(path: path, line: 1, column: name, text: "the header has it twice")
      }
    }
    let missing = (["entity"] + program.columnNames).filter { places[$0] == nil }
    guard missing.isEmpty else {
      throw RowTableError(
        path: path, line: 1,
        text: "the header lacks \(Self.list(missing)): every feature of the pipeline has a column")
    }
    let known = learnt.names
    let found = known.filter { places[$0] != nil }
    columns = RowColumns(program, labels: found, of: learnt)
    if let name = columns.repeated {
      throw RowTableError(
        path: path, line: 1, column: name, text: "a feature and a label cannot share a column")
    }
    let allowed = Set(columns.names)
    let unknown = header.filter { !allowed.contains($0) }
    guard unknown.isEmpty else {
      throw RowTableError(
        path: path, line: 1,
        text:
          "the header has \(Self.list(unknown)): neither a feature of the pipeline nor a label that its models "
          + "learn (\(known.isEmpty ? "there are none" : known.joined(separator: ", ")))")
    }
    own = places.filter { RowColumns.places.contains($0.key) }
    features = program.columnNames.compactMap { places[$0] }
    words = program.columnNames.map { places[RowColumns.wordColumn($0)] }
    labels = found.compactMap { places[$0] }
    cellCount = header.count
    hashes = program.featureHashes
    described = program.columns
  }

  /// Reads all rows. `progress` is called once a row. Throws the first bad cell's line, column and what is wrong.
  public func read(progress: () -> Void = {}) throws(RowTableError) -> TrainingSet {
    let set = TrainingSet(
      columnNames: columns.features, labelNames: columns.labels, featureHashes: hashes, columns: described)
    var parts: [Hash128: (part: TrainingPart, line: Int)] = [:]
    var cells = [Float](repeating: .nan, count: columns.features.count)
    while let record = try records.next() {
      guard record.count == cellCount else {
        throw error("", "\(record.count) cells; the header has \(cellCount)")
      }
      let row = try place(record, index: set.rows.count, &parts)
      for (column, place) in features.enumerated() {
        cells[column] = try number(record[place], columns.features[column])
        if !columns.words[column].isEmpty { try checkWord(record, column, cells[column]) }
      }
      var values: [Float] = []
      for (label, place) in labels.enumerated() { values.append(try self.label(record[place], label)) }
      set.append(row, labels: values) { target in
        for (column, value) in cells.enumerated() { target[column] = value }
      }
      progress()
    }
    return set
  }

  private func place(
    _ record: [String], index: Int, _ parts: inout [Hash128: (part: TrainingPart, line: Int)]
  ) throws(RowTableError) -> TrainingRow {
    let id = record[own["entity"] ?? 0]
    guard !id.isEmpty else { throw error("entity", "is empty") }
    let asOf = try time(record, "as_of_us")
    var row = TrainingRow(
      entity: Hash128(of: id), asOf: asOf ?? 0, labelTime: try time(record, "label_time_us") ?? asOf ?? 0,
      order: try whole(record, "row_order").map { Int($0) } ?? index)
    guard let place = own["split"], !record[place].isEmpty else { return row }
    guard let part = TrainingPart(rawValue: record[place]) else {
      let allowed = TrainingPart.allCases.map(\.rawValue).joined(separator: ", ")
      throw error("split", "is none of \(allowed), nor empty")
    }
    row.part = part
    if part == .unused { return row }
    let first = parts[row.entity] ?? (part, records.line)
    guard first.part == part else {
      throw error(
        "split", "is \(part.rawValue), but \(first.part.rawValue) on line \(first.line) for the same entity")
    }
    parts[row.entity] = first
    return row
  }

  private func whole(_ record: [String], _ column: String) throws(RowTableError) -> Int64? {
    guard let place = own[column], !record[place].isEmpty else { return nil }
    guard let value = Int64(record[place]) else { throw error(column, "is neither a whole number nor empty") }
    return value
  }

  private func time(_ record: [String], _ column: String) throws(RowTableError) -> EventTime? {
    guard let value = try whole(record, column) else { return nil }
    if let doubt = EventTimeBounds.doubt(of: value) { throw error(column, doubt) }
    return value
  }

  private func number(_ text: String, _ column: String) throws(RowTableError) -> Float {
    if text.isEmpty { return .nan }
    guard let value = Float(text) else {
      throw error(column, "is neither a number nor empty (which is: missing)")
    }
    guard !value.isNaN else { throw error(column, "is NaN: what is missing is written as an empty cell") }
    guard value.isFinite else { throw error(column, "is beyond what a 32-bit float holds") }
    return value
  }

  private func label(_ text: String, _ label: Int) throws(RowTableError) -> Float {
    let name = columns.labels[label]
    guard !columns.classes[label].isEmpty else { return try number(text, name) }
    do throws(LabelCellError) {
      return try LearntLabels.value(text, classes: columns.classes[label])
    } catch let wrong { throw error(name, wrong.text) }
  }

  /// A code must be one of the vocabulary's, and its word, if there is one, the vocabulary's for it.
  private func checkWord(_ record: [String], _ column: Int, _ value: Float) throws(RowTableError) {
    let name = columns.features[column]
    let words = columns.words[column]
    let code = value.isNaN ? nil : Int(exactly: value)
    guard value.isNaN || code.map({ words.indices.contains($0) }) ?? false else {
      throw error(name, "is no code of a category of \(words.count) words: 0 to \(words.count - 1), or empty")
    }
    guard let place = self.words[column], !record[place].isEmpty else { return }
    guard let code, words[code].utf8.elementsEqual(record[place].utf8) else {
      throw error(
        RowColumns.wordColumn(name),
        "is not the pipeline's word for the code beside it: was the table made with another vocabulary?")
    }
  }

  private func error(_ column: String, _ text: String) -> RowTableError {
    RowTableError(path: path, line: records.line, column: column, text: text)
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(namesListedMax).map { "\"\($0)\"" }.joined(separator: ", ")
    return names.count > namesListedMax ? "\(shown) and \(names.count - namesListedMax) more" : shown
  }

  private static let namesListedMax = 20
}
