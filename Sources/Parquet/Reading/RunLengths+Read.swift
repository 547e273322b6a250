extension RunLengths {
  /// Reads `count` numbers of `width` bits.
  static func numbers(
    _ bytes: UnsafeRawBufferPointer, width: Int, count: Int
  ) throws(ParquetError) -> [UInt32] {
    let malformed = ParquetError("a page's levels or codes are malformed")
    guard (0...32).contains(width) else { throw malformed }
    var numbers: [UInt32] = []
    numbers.reserveCapacity(min(count, 1 << 20))
    var place = 0
    while numbers.count < count {
      var head: UInt64 = 0
      var shift: UInt64 = 0
      while true {
        guard place < bytes.count, shift < 35 else { throw malformed }
        head |= UInt64(bytes[place] & 0x7f) << shift
        shift += 7
        place += 1
        if bytes[place - 1] & 0x80 == 0 { break }
      }
      if head & 1 == 0 {
        let length = (width + 7) / 8
        guard bytes.count - place >= length else { throw malformed }
        var number: UInt32 = 0
        for index in 0..<length { number |= UInt32(bytes[place + index]) << UInt32(8 * index) }
        place += length
        let run = Int(min(head >> 1, UInt64(count - numbers.count)))
        guard run > 0 else { throw malformed }
        numbers.append(contentsOf: repeatElement(number, count: run))
      } else {
        let groups = Int(head >> 1)
        guard groups > 0 else { throw malformed }
        // The last group may be cut off behind the last number.
        let wanted = min(groups * 8, count - numbers.count)
        guard (wanted * width + 7) / 8 <= bytes.count - place else { throw malformed }
        for index in 0..<wanted { numbers.append(packed(bytes, place * 8 + index * width, width)) }
        place += min(groups * width, bytes.count - place)
      }
    }
    return numbers
  }

  private static func packed(_ bytes: UnsafeRawBufferPointer, _ bit: Int, _ width: Int) -> UInt32 {
    var word: UInt64 = 0
    for index in 0..<5 where bit / 8 + index < bytes.count {
      word |= UInt64(bytes[bit / 8 + index]) << UInt64(8 * index)
    }
    return UInt32(truncatingIfNeeded: word >> UInt64(bit % 8) & ((1 << UInt64(width)) - 1))
  }
}
