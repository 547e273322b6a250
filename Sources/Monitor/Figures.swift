/// Numbers as they are printed for readers.
enum Figures {
  /// Nanoseconds with three significant digits: "870 ns", "12.3 µs", "1.23 ms", "4.56 s", "2.5 min".
  static func duration(_ nanos: UInt64) -> String {
    let value = Double(nanos)
    if nanos < 1_000 { return "\(nanos) ns" }
    // The bounds lie where three digits would be rounded up to the next unit.
    if value < 999_500 { return significant(value / 1e3) + " µs" }
    if value < 999.5e6 { return significant(value / 1e6) + " ms" }
    if value < 119.5e9 { return significant(value / 1e9) + " s" }
    return grouped(Int64(value / 60e9)) + " min"
  }

  /// A whole number with commas between thousands.
  static func grouped(_ number: Int64) -> String {
    let digits = String(number.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return number < 0 ? "-" + text : text
  }

  /// A whole number with commas between thousands.
  static func grouped(_ number: UInt64) -> String { grouped(Int64(clamping: number)) }

  /// A rate, rounded to a whole number from 100 on, else to one decimal.
  static func rate(_ value: Double) -> String {
    guard value.isFinite, value > 0 else { return "0" }
    return value >= 99.95 ? grouped(Int64(min(value.rounded(), 1e15))) : fixed(value, decimals: 1)
  }

  /// Hours, minutes and seconds: "1:02:03", "02:03".
  static func clock(seconds: Double) -> String {
    let whole = Int64(max(seconds, 0))
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let tail = "\(two(whole / 60 % 60)):\(two(whole % 60))"
    return whole >= 3600 ? "\(whole / 3600):\(tail)" : tail
  }

  /// A number with so many decimals; "-" when it is not one.
  static func fixed(_ value: Double, decimals: Int) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 1e15 else { return "-" }
    let digits = String(Int64(scaled))
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if decimals == 0 { return sign + digits }
    let padded = String(repeating: "0", count: max(decimals + 1 - digits.count, 0)) + digits
    return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
  }

  private static func significant(_ value: Double) -> String {
    fixed(value, decimals: value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
  }
}
