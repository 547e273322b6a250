/// A column's cells of one row group.
public struct ParquetCells {
  /// Numbers or texts of the cells that are there.
  public enum Values {
    /// Floats and doubles.
    case numbers([Double])
    /// Whole numbers, flags (0 and 1) and times (microseconds since 1970).
    case wholes([Int64])
    /// Where each text lies in `bytes`.
    case texts([Range<Int>])
  }

  /// For each row its cell's place among the values; -1: the cell is empty.
  public internal(set) var places: [Int32]
  /// The values.
  public internal(set) var values: Values
  /// The texts' bytes, which nobody has checked to be UTF-8.
  public internal(set) var bytes: [UInt8] = []
}

/// What a column of a file holds, as it lies there.
struct StoredColumn {
  enum Form: Int {
    case flag = 0
    case int32 = 1
    case int64 = 2
    case float = 4
    case double = 5
    case bytes = 6
  }

  var name: String
  var form: Form
  var isOptional: Bool
  /// What a stored whole number is multiplied and divided by, to be microseconds; (1, 1): it is what it is.
  var scale: (times: Int64, over: Int64)

  /// The place among `counts` values of the plain form, appended to `cells`.
  func appendPlain(_ body: UnsafeRawBufferPointer, count: Int, to cells: inout ParquetCells)
    throws(ParquetError)
  {
    let short = ParquetError("column \(name): a page is shorter than its values")
    func fits(_ width: Int) -> Bool { count <= body.count / width }
    switch form {
    case .flag:
      guard count <= body.count * 8 else { throw short }
      cells.append((0..<count).map { Int64(body[$0 / 8] >> UInt8($0 % 8) & 1) })
    case .int32:
      guard fits(4) else { throw short }
      cells.append(
        (0..<count).map { scaled(Int64(body.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self))) })
    case .int64:
      guard fits(8) else { throw short }
      cells.append((0..<count).map { scaled(body.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) })
    case .float:
      guard fits(4) else { throw short }
      cells.append((0..<count).map { Double(body.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)) })
    case .double:
      guard fits(8) else { throw short }
      cells.append((0..<count).map { body.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) })
    case .bytes:
      var place = 0
      var ranges: [Range<Int>] = []
      let start = cells.bytes.count
      for _ in 0..<count {
        guard body.count - place >= 4 else { throw short }
        let length = Int(body.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        place += 4
        guard length <= body.count - place else { throw short }
        ranges.append(start + place..<start + place + length)
        place += length
      }
      cells.bytes.append(contentsOf: body)
      cells.append(ranges)
    }
  }

  private func scaled(_ value: Int64) -> Int64 {
    if scale.over > 1 { return value / scale.over }
    let (product, isTooLarge) = value.multipliedReportingOverflow(by: scale.times)
    return isTooLarge ? (value < 0 ? .min : .max) : product
  }

  /// No cells yet.
  var noCells: ParquetCells {
    switch form {
    case .flag, .int32, .int64: ParquetCells(places: [], values: .wholes([]))
    case .float, .double: ParquetCells(places: [], values: .numbers([]))
    case .bytes: ParquetCells(places: [], values: .texts([]))
    }
  }
}

extension ParquetCells {
  mutating func append(_ more: [Int64]) {
    guard case .wholes(var all) = values else { return }
    values = .wholes([])
    all += more
    values = .wholes(all)
  }

  fileprivate mutating func append(_ more: [Double]) {
    guard case .numbers(var all) = values else { return }
    values = .numbers([])
    all += more
    values = .numbers(all)
  }

  fileprivate mutating func append(_ more: [Range<Int>]) {
    guard case .texts(var all) = values else { return }
    values = .texts([])
    all += more
    values = .texts(all)
  }

  /// Values that are there.
  var count: Int {
    switch values {
    case .wholes(let all): all.count
    case .numbers(let all): all.count
    case .texts(let all): all.count
    }
  }

  /// Adds the values of these numbers of a dictionary, whose texts' bytes are among these already.
  mutating func append(codes: [UInt32], of dictionary: ParquetCells, name: String) throws(ParquetError) {
    let most = dictionary.count
    guard codes.allSatisfy({ $0 < most }) else {
      throw ParquetError("column \(name): a page names a value that its dictionary lacks")
    }
    switch dictionary.values {
    case .wholes(let all): append(codes.map { all[Int($0)] })
    case .numbers(let all): append(codes.map { all[Int($0)] })
    case .texts(let all): append(codes.map { all[Int($0)] })
    }
  }
}
