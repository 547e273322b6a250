/// What the trainer called a feature's categories: the code of each is its number here. Written by XGBoost from 3.1 on, of
/// models that were trained with data frames.
public struct CategoryNames: Equatable, Sendable {
  /// Bytes of the names, whole numbers in decimal.
  public let names: [[UInt8]]
  /// Whether the categories were whole numbers.
  public let areNumbers: Bool

  /// Names.
  public init(names: [[UInt8]], areNumbers: Bool) {
    self.names = names
    self.areNumbers = areNumbers
  }

  /// Names of every feature, nil where it has none; empty when the model has none at all.
  ///
  /// Format: src/data/cat_container.cc. `feature_segments` and `sorted_idx` are derived from the names.
  static func read(
    _ value: ModelValue?, features: Int
  ) throws(ModelFormatError) -> [CategoryNames?] {
    guard let value else { return [] }
    guard let columns = value["enc"]?.elements else {
      throw ModelFormatError(text: "cats without enc")
    }
    guard columns.isEmpty || columns.count == features else {
      throw ModelFormatError(text: "cats names categories of \(columns.count) features of \(features)")
    }
    var all: [CategoryNames?] = []
    for (index, column) in columns.enumerated() {
      do throws(ModelFormatError) {
        all.append(try column["type"] == nil ? texts(column) : numbers(column))
      } catch { throw ModelFormatError(text: "cats of feature \(index): \(error.text)") }
    }
    return all.allSatisfy { $0 == nil } ? [] : all
  }

  private static func whole(
    _ column: ModelValue, _ name: String
  ) throws(ModelFormatError) -> [Int] {
    guard case .numbers(let numbers)? = column[name] else { throw ModelFormatError(text: "no \(name)") }
    let whole = numbers.compactMap { Int(exactly: $0) }
    // Beyond 2⁵³ a number of the file may have been another one.
    guard whole.count == numbers.count, whole.allSatisfy({ abs($0) < 1 << 53 }) else {
      throw ModelFormatError(text: "\(name) that are not whole numbers below 2^53")
    }
    return whole
  }

  private static func texts(_ column: ModelValue) throws(ModelFormatError) -> CategoryNames? {
    let (offsets, values) = (try whole(column, "offsets"), try whole(column, "values"))
    if offsets.isEmpty && values.isEmpty { return nil }
    // Bytes as signed numbers.
    guard offsets.first == 0, offsets.last == values.count, values.allSatisfy({ (-128...255).contains($0) }),
      zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 })
    else { throw ModelFormatError(text: "offsets and values do not fit") }
    let bytes = values.map { UInt8(truncatingIfNeeded: $0) }
    return try CategoryNames(
      names: zip(offsets, offsets.dropFirst()).map { Array(bytes[$0..<$1]) }, areNumbers: false
    ).checked()
  }

  private static func numbers(_ column: ModelValue) throws(ModelFormatError) -> CategoryNames? {
    // Unsigned numbers of more than a byte stand in UBJSON as the signed ones of their bits.
    let unsignedBits = [12: 16, 14: 32, 16: 64]
    guard case .number(let number)? = column["type"], let type = Int(exactly: number),
      (9...16).contains(type)
    else { throw ModelFormatError(text: "a type of categories that no release writes") }
    let values = try whole(column, "values")
    let bits = unsignedBits[type] ?? 0
    guard bits != 64 || values.allSatisfy({ $0 >= 0 }) else {
      throw ModelFormatError(text: "values that are not whole numbers below 2^53")
    }
    let names = values.map { Array(String($0 < 0 && bits > 0 ? $0 + 1 << bits : $0).utf8) }
    return names.isEmpty ? nil : try CategoryNames(names: names, areNumbers: true).checked()
  }

  private func checked() throws(ModelFormatError) -> CategoryNames {
    guard Set(names).count == names.count else { throw ModelFormatError(text: "a name twice") }
    return self
  }
}
