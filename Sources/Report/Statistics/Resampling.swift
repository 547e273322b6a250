internal import Events

/// Draws samples of entities with replacement, again and again: how far figures would be others with other people
/// (the bootstrap, Efron 1979; percentile intervals).
///
/// Whole entities are drawn, since rows of one are alike. Cost is bounded: more than `groupsMax` entities are drawn in as many groups, by
/// the hashes of their ids, and there are as many samples as `visitsMost` visits of a row allow, 200 to 1,000. The same seed and
/// rows give the same intervals.
struct Resampling {
  /// Entities, or groups of them, that are drawn.
  static let groupsMax = 4_096
  /// Entities below which there are no intervals.
  static let entitiesLeast = 10
  /// Visits of rows for one family of figures.
  static let visitsMost = 200_000_000
  static let samples = 200...1_000

  /// Of each row, what it is drawn with: 0 up to `groupCount`.
  let groups: [Int32]
  let groupCount: Int
  /// Entities among the rows, counted up to one more than `groupsMax`.
  let entityCount: Int
  private let seed: UInt64

  init(_ entities: [Hash128], seed: UInt64) {
    var numbers: [Hash128: Int32] = [:]
    var groups: [Int32] = []
    groups.reserveCapacity(entities.count)
    for entity in entities {
      if let known = numbers[entity] {
        groups.append(known)
        continue
      }
      let number = Int32(numbers.count)
      numbers[entity] = number
      groups.append(number)
      if numbers.count > Self.groupsMax { break }
    }
    entityCount = numbers.count
    if numbers.count > Self.groupsMax {
      groups = entities.map { Int32(SplitMix64.mix($0.low ^ seed) % UInt64(Self.groupsMax)) }
      groupCount = Self.groupsMax
    } else {
      groupCount = numbers.count
    }
    self.groups = groups
    self.seed = seed
  }

  /// Values of figures with their intervals. `values` gives them for how often each group was drawn; NaN: not defined for these.
  /// `visits`: rows or sums that one call looks at. `bias`: how much greater the samples' mean is.
  func intervals(visits: Int, _ values: (_ counts: [Int32]) -> [Double]) -> [(
    value: Double, interval: Interval?, bias: Double
  )] {
    let all = values([Int32](repeating: 1, count: max(groupCount, 1)))
    guard entityCount >= Self.entitiesLeast else { return all.map { ($0, nil, 0) } }
    let count = min(max(Self.visitsMost / max(visits, 1), Self.samples.lowerBound), Self.samples.upperBound)
    var drawn = all.map { _ in [Double]() }
    var generator = SplitMix64(seed: seed)
    var counts = [Int32](repeating: 0, count: groupCount)
    for _ in 0..<count {
      for group in counts.indices { counts[group] = 0 }
      for _ in 0..<groupCount {
        counts[Int(generator.next().multipliedFullWidth(by: UInt64(groupCount)).high)] += 1
      }
      for (figure, value) in values(counts).enumerated() where value.isFinite { drawn[figure].append(value) }
    }
    return zip(all, drawn).map { value, samples in
      // Where one sample in twenty has no value, the others' say too little.
      guard value.isFinite, samples.count * 20 >= count * 19 else { return (value, nil, 0) }
      let sorted = samples.sorted()
      let mean = sorted.reduce(0, +) / Double(max(sorted.count, 1))
      return (
        value, Interval(low: Self.quantile(0.025, sorted), high: Self.quantile(0.975, sorted)), mean - value
      )
    }
  }

  /// A quantile of ascending values, at least one, with straight lines between them (type 7 of Hyndman and Fan 1996, NumPy's default).
  static func quantile(_ level: Double, _ sorted: [Double]) -> Double {
    let place = level * Double(sorted.count - 1)
    let below = min(max(Int(place), 0), sorted.count - 1)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
  }
}

/// Sums over rows by the groups that are drawn together: figures that are made of sums cost a sample no visit of rows.
struct GroupSums {
  private var sums: [Double]
  private let width: Int

  init(_ resampling: Resampling, width: Int, _ add: (_ row: Int, _ into: inout [Double]) -> Void) {
    self.width = width
    sums = [Double](repeating: 0, count: max(resampling.groupCount, 1) * width)
    var row = [Double](repeating: 0, count: width)
    for (index, group) in resampling.groups.enumerated() {
      for place in row.indices { row[place] = 0 }
      add(index, &row)
      for place in row.indices { sums[Int(group) * width + place] += row[place] }
    }
  }

  /// Sums and groups that a sample looks at.
  var visits: Int { sums.count }

  /// The sums of a sample.
  func total(_ counts: [Int32]) -> [Double] {
    var total = [Double](repeating: 0, count: width)
    for (group, count) in counts.enumerated() where count != 0 {
      for place in total.indices { total[place] += Double(count) * sums[group * width + place] }
    }
    return total
  }
}
