/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4): fingerprints a log's record.
enum CRC32C {
  /// The checksum of `key` followed by `value`, with the key's length between them.
  static func of(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    crc = update(crc, key)
    crc = withUnsafeBytes(of: UInt32(truncatingIfNeeded: key.count).littleEndian) { update(crc, $0) }
    crc = update(crc, value)
    return crc ^ 0xffff_ffff
  }

  /// The checksum of bytes.
  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    update(0xffff_ffff, bytes) ^ 0xffff_ffff
  }

  private static func update(_ start: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var crc = start
    table.withUnsafeBufferPointer { table in
      for byte in bytes { crc = (crc >> 8) ^ table[Int((crc ^ UInt32(byte)) & 0xff)] }
    }
    return crc
  }

  private static let table: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82f6_3b78 : value >> 1 }
    return value
  }
}
