internal import Dataflow
internal import Events
internal import Features

extension Card {
  /// What the model was made of.
  var data: [Document.Block] {
    var blocks: [Document.Block] = [.heading("Data")]
    blocks.append(.table(rowTable))
    if let digest = evaluation.dataDigest {
      blocks.append(.paragraph("Digest of the rows that were learnt from: \(digest)."))
    }
    if let weights = evaluation.training.weights?.map(Double.init).sorted(), !weights.isEmpty {
      let texts = [0, 0.5, 1].map { NumberText.short(Resampling.quantile($0, weights)) }
      blocks.append(
        .paragraph("Rows weighed \(texts[0]) to \(texts[2]) in training, \(texts[1]) in the middle."))
    }
    if !evaluation.training.labels.isEmpty { blocks += labels }
    blocks += [.subheading("Features in the rows that were learnt from"), .table(numberTable)]
    let words = wordTable
    if !words.rows.isEmpty {
      blocks += [
        .paragraph("Words of fewer than \(Self.wordRowsLeast) rows are counted together."), .table(words),
      ]
    }
    if let hashes = evaluation.featureHashes {
      blocks += [
        .subheading("What features meant"),
        .paragraph("Hashes of kind \(hashes.schema): tally check prints those of a pipeline."),
        .table(
          Document.Table(
            columns: ["feature", "hash"], rows: hashes.entries.map { [$0.name, $0.hash] }, texts: [0, 1])),
      ]
    }
    return blocks
  }

  private var rowTable: Document.Table {
    let parts = [("learnt from", evaluation.training), ("held back", evaluation.heldBack)]
    return Document.Table(
      columns: ["part", "rows", "entities", "from", "to"],
      rows: parts.map { name, rows in
        [
          name, NumberText.whole(rows.features.count), NumberText.whole(Set(rows.entities).count),
          rows.moments.min().map(Self.day) ?? "–", rows.moments.max().map(Self.day) ?? "–",
        ]
      }, texts: [0, 3, 4])
  }

  private var labels: [Document.Block] {
    let labels = evaluation.training.labels.filter(\.isFinite)
    guard !labels.isEmpty else { return [] }
    let title = model.label ?? "label"
    var blocks: [Document.Block] = [.subheading("The label \(title)")]
    switch facts.form {
    case .classes(let names):
      let counts = names.indices.map { index in labels.count { $0 == Float(index) } }
      if names.count <= Self.wordsMost,
        let svg = BinPlots.bars(names, counts, title: title, label: "Classes in \(title)")
      {
        blocks.append(.figures([Document.Figure(caption: "Rows by class.", svg: svg)]))
      }
    case .probability:
      let ones = labels.count { $0 > 0.5 }
      blocks.append(
        .paragraph(
          "\(NumberText.whole(ones)) of \(NumberText.whole(labels.count)) rows are 1: \(NumberText.percent(Double(ones) / Double(labels.count)))."
        ))
    case .number, .quantiles, .anomaly:
      let values = labels.map(Double.init)
      let sorted = values.sorted()
      let levels = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]
      let mean = values.reduce(0, +) / Double(values.count)
      let table = Document.Table(
        columns: ["", "min", "5 %", "25 %", "median", "75 %", "95 %", "max", "mean"],
        rows: [
          [title] + levels.map { NumberText.short(Resampling.quantile($0, sorted)) } + [
            NumberText.short(mean)
          ]
        ])
      blocks.append(.table(table))
      if let svg = BinPlots.histogram(values, title: title, label: "Labels") {
        blocks.append(
          .figures([Document.Figure(caption: "Labels of the rows that were learnt from.", svg: svg)]))
      }
    }
    return blocks
  }

  private var numberTable: Document.Table {
    let count = evaluation.training.features.count
    let rows = evaluation.columns.enumerated().map { index, column -> [String] in
      let range = facts.ranges[index]
      let missing = NumberText.percent(count > 0 ? Double(range.missing) / Double(count) : .nan)
      guard column.codeWords == nil, let bounds = range.bounds else {
        return [column.name, column.codeWords == nil ? column.type : "category", missing, "–", "–", "–"]
      }
      let sorted = facts.sample.columns[index].filter(\.isFinite).map(Double.init).sorted()
      let median = sorted.isEmpty ? "–" : NumberText.short(Resampling.quantile(0.5, sorted))
      return [
        column.name, column.type, missing, NumberText.short(Double(bounds.lowerBound)), median,
        NumberText.short(Double(bounds.upperBound)),
      ]
    }
    return Document.Table(
      columns: ["feature", "type", "missing", "min", "median", "max"], rows: rows, texts: [0, 1])
  }

  /// Shares of words, greatest first.
  private var wordTable: Document.Table {
    var rows: [[String]] = []
    for (index, column) in evaluation.columns.enumerated() {
      guard let words = column.codeWords else { continue }
      var counts = words.map { _ in 0 }
      for value in facts.sample.columns[index] {
        if let code = Int(exactly: value), counts.indices.contains(code) { counts[code] += 1 }
      }
      let all = counts.reduce(0, +)
      guard all > 0 else { continue }
      let order = counts.indices.sorted { counts[$0] == counts[$1] ? $0 < $1 : counts[$0] > counts[$1] }
      let shown = order.filter { counts[$0] >= Self.wordRowsLeast }.prefix(12)
      var parts = shown.map { "\(words[$0]) \(NumberText.percent(Double(counts[$0]) / Double(all)))" }
      let rest = all - shown.reduce(0) { $0 + counts[$1] }
      if rest > 0 { parts.append("others together \(NumberText.percent(Double(rest) / Double(all)))") }
      rows.append([column.name, parts.joined(separator: ", ")])
    }
    return Document.Table(
      columns: ["feature", "shares of the rows with a value"], rows: rows, texts: [0, 1])
  }

  /// A day, UTC, of microseconds since 1970: no card needs a moment. Days to civil dates: Hinnant's algorithm.
  static func day(_ time: EventTime) -> String {
    let micros: Int64 = 86_400_000_000
    let days = (time >= 0 ? time : time - micros + 1) / micros + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let ofEra = days - era * 146_097
    let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * year + year / 4 - year / 100)
    let month = (5 * ofYear + 2) / 153
    let day = ofYear - (153 * month + 2) / 5 + 1
    let civil = month < 10 ? month + 3 : month - 9
    let full = year + era * 400 + (civil <= 2 ? 1 : 0)
    func two(_ number: Int64) -> String { (number < 10 ? "0" : "") + "\(number)" }
    return "\(full)-\(two(civil))-\(two(day))"
  }
}
