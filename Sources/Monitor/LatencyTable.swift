internal import Dataflow
internal import Metrics

/// The table of latencies, a row for each stage.
enum LatencyTable {
  private static let nameWidth = 14
  private static let cellWidth = 10

  /// Lines of the table; a narrow terminal gets fewer columns.
  static func lines(_ summaries: [LatencySummary], width: Int) -> [TextLine] {
    typealias Column = (title: String, text: (LatencySummary) -> String)
    let all: [(column: Column, isNeeded: Bool)] = [
      (("events", { Figures.grouped($0.events) }), false), (("p50", { Figures.duration($0.p50) }), true),
      (("p90", { Figures.duration($0.p90) }), false), (("p99", { Figures.duration($0.p99) }), true),
      (("p99.9", { Figures.duration($0.p999) }), false), (("max", { Figures.duration($0.max) }), true),
    ]
    let fitsAll = width >= nameWidth + all.count * cellWidth + 2
    let columns = all.filter { fitsAll || $0.isNeeded }.map(\.column)
    var header = TextLine()
    header.append(left: "stage", width: nameWidth, .faint)
    for column in columns { header.append(right: column.title, width: cellWidth, .faint) }
    let rows = Stage.allCases.map { stage in
      let summary = summaries[stage.rawValue]
      var line = TextLine()
      line.append(left: name(stage), width: nameWidth, stage == .total ? .strong : .plain)
      for column in columns {
        line.append(
          right: summary.events == 0 ? "-" : column.text(summary), width: cellWidth,
          stage == .total ? .strong : .plain)
      }
      return line
    }
    return [header] + rows
  }

  private static func name(_ stage: Stage) -> String {
    switch stage {
    case .brokerWait: "broker wait"
    case .decode: "decode"
    case .fetch: "fetch state"
    case .features: "features"
    case .score: "score"
    case .sink: "sink"
    case .state: "write state"
    case .total: "total"
    }
  }
}
