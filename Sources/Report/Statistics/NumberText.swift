internal import Foundation

/// Numbers for readers: the same text for the same number, in every locale.
enum NumberText {
  /// Four digits that count: `0.8132`, `12.35`, `1235`, `1,234,568`, `1.2e-7`.
  static func short(_ value: Double, digits: Int = 4) -> String {
    guard value.isFinite else { return "–" }
    if value == 0 { return "0" }
    let size = Int(log10(value.magnitude).rounded(.down))
    if size < -4 || size > 11 {
      return String(format: "%.\(digits - 1)e", value)
    }
    let decimals = max(digits - 1 - size, 0)
    let text = String(format: "%.\(decimals)f", value)
    return grouped(text.contains(".") ? trimmed(text) : text)
  }

  /// `12.3 %`; `0.02 %` where less than a tenth.
  static func percent(_ share: Double) -> String {
    guard share.isFinite else { return "–" }
    let value = share * 100
    let decimals = value != 0 && value.magnitude < 0.1 ? 2 : 1
    return String(format: "%.\(decimals)f", value) + " %"
  }

  /// `1,234,568`.
  static func whole(_ value: Int) -> String { grouped(String(value)) }

  private static func trimmed(_ text: String) -> String {
    var text = text
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text == "-0" ? "0" : text
  }

  private static func grouped(_ text: String) -> String {
    let isNegative = text.hasPrefix("-")
    let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    var digits: [Character] = []
    for (index, digit) in parts[0].reversed().enumerated() {
      if index > 0 && index % 3 == 0 && parts[0].count > 4 { digits.append(",") }
      digits.append(digit)
    }
    let rest = parts.count > 1 ? "." + parts[1] : ""
    return (isNegative ? "-" : "") + String(digits.reversed()) + rest
  }
}
