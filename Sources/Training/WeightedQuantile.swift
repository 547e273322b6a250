/// The quantile that training takes of values: as XGBoost's (src/common/stats.h), interpolated between ranks where all values weigh the
/// same, a step where they do not.
struct WeightedQuantile {
  private var pairs: [(value: Float, weight: Float)] = []

  /// Quantile `level`, between 0 and 1, of values in any order, of which there is at least one. They are sorted then.
  static func of(_ given: UnsafeMutableBufferPointer<Float>, level: Double) -> Float {
    var values = given
    let count = Double(values.count)
    values.sort()
    if level <= 1 / (count + 1) { return values[0] }
    if level >= count / (count + 1) { return values[values.count - 1] }
    let place = level * (count + 1) - 1
    let lower = Int(place)
    let share = Float(place - Double(lower))
    return values[lower] + share * (values[lower + 1] - values[lower])
  }

  /// The same of values with weights above 0: the least value up to which the weights come to the level's share.
  mutating func of(
    _ values: UnsafeMutableBufferPointer<Float>, weights: UnsafeMutableBufferPointer<Float>, level: Double
  ) -> Float {
    pairs.removeAll(keepingCapacity: true)
    var total = 0.0
    for index in values.indices {
      pairs.append((values[index], weights[index]))
      total += Double(weights[index])
    }
    pairs.sort { $0.value == $1.value ? $0.weight < $1.weight : $0.value < $1.value }
    var sum = 0.0
    for pair in pairs {
      sum += Double(pair.weight)
      if sum >= level * total { return pair.value }
    }
    return pairs[pairs.count - 1].value
  }
}
