internal import Scorer

/// Rows that intervals are corrected by: outputs [row][level], ascending in each row, and labels.
struct ConformalRows {
  var outputs: [Float]
  var labels: [Float]
  /// Numbers of the rows' entities.
  var entities: [Int]
  /// By row, the value of the feature that tells groups apart; empty: there is one group.
  var groups: [Float]
}

extension ConformalShifts {
  /// Entities of a group below which it takes the shifts of all: ten times as many as miss one interval in the mean, and a hundred.
  static func entitiesMin(levels: [Double]) -> Int {
    let shares = levels.map { $0 == 0.5 ? 1 : 2 * min($0, 1 - $0) }
    return max(100, Int((10 / (shares.min() ?? 1)).rounded(.up)))
  }

  /// The shifts that make intervals between symmetric levels cover what they promise, and bring each other level to its share
  /// (Romano, Patterson and Candès 2019), over the rows of some selection. Groups of too few entities are left to the pooled shifts.
  static func fitted(_ rows: ConformalRows, _ selection: [Int], levels: [Double], feature: String?)
    -> ConformalShifts
  {
    var shifts = ConformalShifts(feature: feature, pooled: fitted(rows, selection, levels))
    guard feature != nil, !rows.groups.isEmpty else { return shifts }
    var members: [Int: [Int]] = [:]
    for row in selection {
      // Serving tells groups apart by whole numbers that single precision has one by one.
      guard let group = Int(exactly: rows.groups[row]), group.magnitude <= 1 << 24 else { continue }
      members[group, default: []].append(row)
    }
    let least = entitiesMin(levels: levels)
    for (group, rowsOfGroup) in members where Set(rowsOfGroup.map { rows.entities[$0] }).count >= least {
      shifts.groups[String(group)] = fitted(rows, rowsOfGroup, levels)
    }
    return shifts
  }

  private static func fitted(_ rows: ConformalRows, _ selection: [Int], _ levels: [Double]) -> [Float] {
    var shifts = [Float](repeating: 0, count: levels.count)
    for (low, level) in levels.enumerated() {
      if let high = partner(of: low, levels), high > low {
        let scores = selection.map { row in
          max(
            rows.outputs[row * levels.count + low] - rows.labels[row],
            rows.labels[row] - rows.outputs[row * levels.count + high])
        }
        let shift = ranked(scores, share: levels[high] - level)
        shifts[low] = -shift
        shifts[high] = shift
      } else if partner(of: low, levels) == nil {
        shifts[low] = ranked(
          selection.map { rows.labels[$0] - rows.outputs[$0 * levels.count + low] }, share: level)
      }
    }
    return shifts
  }

  /// The level that makes an interval with another one: as far from 1 as that from 0.
  static func partner(of index: Int, _ levels: [Double]) -> Int? {
    levels.indices.first { $0 != index && (levels[$0] - (1 - levels[index])).magnitude < 1e-9 }
  }

  /// The ⌈(n + 1) share⌉-th smallest; the largest where there is none of that rank.
  private static func ranked(_ scores: [Float], share: Double) -> Float {
    let sorted = scores.sorted()
    // Shares such as 0.9 − 0.1 are a little off.
    let rank = Int((Double(sorted.count + 1) * share - 1e-9).rounded(.up))
    return sorted[min(max(rank, 1), sorted.count) - 1]
  }
}
