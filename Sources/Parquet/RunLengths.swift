/// The hybrid of runs and packed bits in which Parquet has levels and codes (parquet-format, Encodings.md).
enum RunLengths {
  /// Appends numbers of `width` bits.
  static func append(
    _ numbers: UnsafeBufferPointer<UInt32>, width: Int, to bytes: inout [UInt8]
  ) {
    var packed = 0..<0
    var index = 0
    while index < numbers.count {
      var end = index + 1
      while end < numbers.count && numbers[end] == numbers[index] { end += 1 }
      // A run may begin where packed numbers are whole groups of eight: its first ones fill the last group.
      let filling = min((8 - packed.count % 8) % 8, end - index)
      if end - index - filling >= 8 {
        packed = packed.lowerBound..<index + filling
        append(packed: numbers, packed, width, &bytes)
        appendRun(of: numbers[index], count: end - index - filling, width, &bytes)
        packed = end..<end
      } else {
        packed = packed.lowerBound..<end
      }
      index = end
    }
    append(packed: numbers, packed, width, &bytes)
  }

  private static func appendRun(of number: UInt32, count: Int, _ width: Int, _ bytes: inout [UInt8]) {
    bytes.append(varint: UInt64(count) << 1)
    for byte in 0..<(width + 7) / 8 { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * UInt32(byte)))) }
  }

  /// Eight numbers a group; the last one is filled up with zeros.
  private static func append(
    packed numbers: UnsafeBufferPointer<UInt32>, _ range: Range<Int>, _ width: Int, _ bytes: inout [UInt8]
  ) {
    if range.isEmpty { return }
    let groups = (range.count + 7) / 8
    bytes.append(varint: UInt64(groups) << 1 | 1)
    var pending: UInt64 = 0
    var count = 0
    for index in range.lowerBound..<range.lowerBound + groups * 8 {
      if index < range.upperBound { pending |= UInt64(numbers[index]) << UInt64(count) }
      count += width
      while count >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: pending))
        pending >>= 8
        count -= 8
      }
    }
  }
}
