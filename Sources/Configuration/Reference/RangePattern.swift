/// Regular expressions, of ECMA-262 and others, that match numbers of a range: for quantities with a unit, whose
/// bounds a JSON schema cannot give otherwise.
enum RangePattern {
  /// Matches counts with a unit as `YAMLValue` takes them, also with zeros in front; without anchors. `range` and
  /// `step` are in the smallest unit, `units` ascend.
  static func quantity(
    _ range: ClosedRange<Int64>, step: Int64 = 1, units: [(name: String, size: Int64)]
  ) -> String {
    units.compactMap { name, size in
      // Only every so many counts of a unit that is smaller than the step, written as zeros at the end.
      let zeros = size < step ? String("\(step / size)".dropFirst()) : ""
      let unit = max(size, step)
      let (low, high) = ((range.lowerBound + unit - 1) / unit, range.upperBound / unit)
      guard low <= high else { return nil }
      var counts = high > 0 ? ["0*(\(numbers(max(low, 1), high)))\(zeros)"] : []
      if low == 0 { counts.append("0+") }
      return "(\(counts.joined(separator: "|")))\(name)"
    }.joined(separator: "|")
  }

  /// Matches the decimal numbers of a range, without zeros in front.
  static func numbers(_ low: Int64, _ high: Int64) -> String {
    let (shortest, longest) = ("\(low)".utf8.count, "\(high)".utf8.count)
    if shortest == longest { return digits("\(low)"[...], "\(high)"[...]) }
    let first = digits("\(low)"[...], nines(shortest))
    let last = digits("1" + zeros(longest - 1), "\(high)"[...])
    guard shortest + 1 < longest else { return "\(first)|\(last)" }
    // All numbers of the lengths between them.
    let (fewest, most) = (shortest, longest - 2)
    let count = fewest == most ? "{\(fewest)}" : "{\(fewest),\(most)}"
    return "\(first)|[1-9][0-9]\(count)|\(last)"
  }

  /// Matches the texts of digits from one to another of the same length.
  private static func digits(_ from: Substring, _ to: Substring) -> String {
    guard let first = from.first?.wholeNumberValue, let last = to.first?.wholeNumberValue else { return "" }
    let (fromRest, toRest) = (from.dropFirst(), to.dropFirst())
    let begins = fromRest.allSatisfy { $0 == "0" }
    let ends = toRest.allSatisfy { $0 == "9" }
    if first == last, !(begins && ends) {
      let rest = digits(fromRest, toRest)
      return "\(first)" + (rest.contains("|") ? "(\(rest))" : rest)
    }
    var parts: [String] = []
    let lowest = begins ? first : first + 1
    let highest = ends ? last : last - 1
    if !begins { parts.append(digits(from, "\(first)" + nines(fromRest.count))) }
    if lowest <= highest {
      let digit = lowest == highest ? "\(lowest)" : "[\(lowest)-\(highest)]"
      parts.append(digit + any(fromRest.count))
    }
    if !ends { parts.append(digits("\(last)" + zeros(toRest.count), to)) }
    return parts.joined(separator: "|")
  }

  private static func nines(_ count: Int) -> Substring { String(repeating: "9", count: count)[...] }
  private static func zeros(_ count: Int) -> Substring { String(repeating: "0", count: count)[...] }

  private static func any(_ count: Int) -> String {
    count == 0 ? "" : count == 1 ? "[0-9]" : "[0-9]{\(count)}"
  }
}
