internal import Foundation

/// An interval that holds the true value in 95 of 100 samples.
struct Interval: Equatable, Sendable {
  var low: Double
  var high: Double

  /// The normal distribution's 97.5 % point.
  static let z = 1.959963984540054
}

/// How often something was so among rows.
struct Rate: Equatable, Sendable {
  /// Rows of which it was so.
  var hits: Int
  /// Rows.
  var count: Int
  /// Independent rows that would say as much: rows of one entity are alike.
  var effective: Double

  /// Of rows that are all independent.
  init(hits: Int, count: Int) {
    self.hits = hits
    self.count = count
    effective = Double(count)
  }

  /// Of rows with their entities, as numbers. Kish's design effect: the variance of a mean of whole entities over that of single rows,
  /// at least 1; where all rows agree, as large as entities are.
  init(_ isHit: [Bool], entities: [Int32]) {
    var sums: [Int32: (hits: Double, rows: Double)] = [:]
    hits = 0
    for (hit, entity) in zip(isHit, entities) {
      let so = hit ? 1.0 : 0
      hits += hit ? 1 : 0
      let sum = sums[entity] ?? (0, 0)
      sums[entity] = (sum.hits + so, sum.rows + 1)
    }
    count = isHit.count
    let share = count > 0 ? Double(hits) / Double(count) : 0
    let ofRows = Double(count) * share * (1 - share)
    guard ofRows > 0, sums.count > 1 else {
      effective = Double(sums.count)
      return
    }
    // In the order of their size: a sum of squares that does not depend on the dictionary's order.
    let squares = sums.values.map { ($0.hits - share * $0.rows) * ($0.hits - share * $0.rows) }.sorted()
    let ofEntities = squares.reduce(0, +) * Double(sums.count) / Double(sums.count - 1)
    effective = Double(count) / max(ofEntities / ofRows, 1)
  }

  /// The share; NaN without rows.
  var share: Double { count > 0 ? Double(hits) / Double(count) : .nan }

  /// Wilson's score interval (1927); nil without rows.
  var interval: Interval? {
    guard count > 0, effective > 0 else { return nil }
    let (p, n, z) = (share, effective, Interval.z)
    let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return Interval(
      low: hits == 0 ? 0 : max(centre - half, 0), high: hits == count ? 1 : min(centre + half, 1))
  }

  /// This rate over another one, with Katz' log interval (Katz et al. 1978); nil where the other one is 0. Without hits half a hit stands
  /// in for the upper bound.
  func ratio(to other: Rate) -> (value: Double, interval: Interval)? {
    guard count > 0, other.hits > 0, other.count > 0 else { return nil }
    let value = share / other.share
    let own = hits > 0 ? share : 0.5 / (effective + 0.5)
    let squared = (1 - own) / (effective * own) + (1 - other.share) / (other.effective * other.share)
    let factor = exp(Interval.z * squared.squareRoot())
    let middle = own / other.share
    return (value, Interval(low: hits > 0 ? middle / factor : 0, high: middle * factor))
  }

  /// This rate less another one, with Newcombe's interval of two Wilson ones (1998, method 10); nil where one has no rows.
  func difference(from other: Rate) -> (value: Double, interval: Interval)? {
    guard let own = interval, let its = other.interval else { return nil }
    let value = share - other.share
    func root(_ first: Double, _ second: Double) -> Double { (first * first + second * second).squareRoot() }
    return (
      value,
      Interval(
        low: value - root(share - own.low, its.high - other.share),
        high: value + root(own.high - share, other.share - its.low))
    )
  }
}
