public import Events

extension EntityState {
  /// Version of the stored form.
  static let schemaVersion: UInt64 = 1

  /// Appends the stored form (`tally.EntityState` of proto/state.proto); prunes what no window reaches any more.
  ///
  /// The bytes are a function of the log of applied events alone.
  public func encode(into writer: inout WireWriter) {
    let tables = program.tables
    for series in 0..<seriesCount { prune(series, tables.series[series]) }
    var total = headSize
    for series in 0..<seriesCount where count(series) > 0 {
      let size = contentSize(series)
      total += 1 + Wire.size(UInt64(size.content)) + size.content
    }
    if activeTime != watermark { total += 1 + Wire.size(Wire.zigzag(activeTime)) }
    let begin = writer.bytes.count
    writer.bytes.append(contentsOf: repeatElement(0, count: total))
    writer.bytes.withUnsafeMutableBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return }
      var out = WireOut(base + begin)
      writeHead(&out)
      for series in 0..<seriesCount where count(series) > 0 { write(series, &out) }
      if activeTime != watermark { out.field(7, varint: Wire.zigzag(activeTime)) }
      assert(out.next == base + begin + total)
    }
  }

  private var headSize: Int {
    var size = 2
    if partition != 0 { size += 1 + Wire.size(UInt64(bitPattern: Int64(partition))) }
    if watermark != 0 { size += 1 + Wire.size(Wire.zigzag(watermark)) }
    if events != 0 { size += 1 + Wire.size(events) }
    if recentCount > 0 { size += 1 + Wire.size(UInt64(16 * recentCount)) + 16 * recentCount }
    return size
  }

  private func writeHead(_ out: inout WireOut) {
    out.field(1, varint: Self.schemaVersion)
    if partition != 0 { out.field(2, varint: UInt64(bitPattern: Int64(partition))) }
    if watermark != 0 { out.field(3, varint: Wire.zigzag(watermark)) }
    if events != 0 { out.field(4, varint: events) }
    guard recentCount > 0 else { return }
    out.open(5, count: 16 * recentCount)
    let oldest = (recentNext + Self.recentMax - recentCount) % Self.recentMax
    for index in 0..<recentCount {
      let slot = (oldest + index) % Self.recentMax
      out.fixed64(words[2 * slot])
      out.fixed64(words[2 * slot + 1])
    }
  }

  /// Bytes of a series' message, of its packed keys and of its packed components.
  private func contentSize(_ series: Int) -> (content: Int, keys: Int, components: Int) {
    let layout = UnsafePointer(program.tables.series.base + series)
    let stride = layout.pointee.stride
    let bits = layout.pointee.subBits
    var keys = 0
    var components = 0
    var last: UInt64 = 0
    var entry = UnsafePointer(words + start(series))
    for _ in 0..<count(series) {
      let key = Self.stored(entry[0], bits)
      keys += Wire.size(key &- last)
      last = key
      var offset = 1
      while offset < stride {
        components += Wire.size(Wire.zigzag(entry[offset]))
        offset += 1
      }
      entry += stride
    }
    var content = series == 0 ? 0 : 1 + Wire.size(UInt64(series))
    content += 1 + Wire.size(UInt64(keys)) + keys
    content += 1 + Wire.size(UInt64(components)) + components
    return (content, keys, components)
  }

  private func write(_ series: Int, _ out: inout WireOut) {
    let size = contentSize(series)
    let layout = UnsafePointer(program.tables.series.base + series)
    let stride = layout.pointee.stride
    let bits = layout.pointee.subBits
    let entries = count(series)
    out.open(6, count: size.content)
    if series != 0 { out.field(1, varint: UInt64(series)) }
    out.open(2, count: size.keys)
    var last: UInt64 = 0
    var entry = UnsafePointer(words + start(series))
    for _ in 0..<entries {
      let key = Self.stored(entry[0], bits)
      out.varint(key &- last)
      last = key
      entry += stride
    }
    out.open(3, count: size.components)
    entry = UnsafePointer(words + start(series))
    for _ in 0..<entries {
      var offset = 1
      while offset < stride {
        out.varint(Wire.zigzag(entry[offset]))
        offset += 1
      }
      entry += stride
    }
  }

  /// A key as it is stored: (tile << `bits`) | sub.
  @inline(__always)
  private static func stored(_ word: Int64, _ bits: UInt64) -> UInt64 {
    let key = UInt64(bitPattern: word)
    return (key >> 44) &<< bits | (key & 0xfff_ffff_ffff)
  }
}

/// Arithmetic of protobuf's wire format.
enum Wire {
  /// Bytes of a varint.
  @inline(__always)
  static func size(_ value: UInt64) -> Int { (70 - (value | 1).leadingZeroBitCount) / 7 }

  @inline(__always)
  static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

  @inline(__always)
  static func unzigzag(_ value: UInt64) -> Int64 {
    Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }
}

/// Writes to memory whose size was counted before.
struct WireOut {
  var next: UnsafeMutablePointer<UInt8>

  init(_ start: UnsafeMutablePointer<UInt8>) { next = start }

  @inline(__always)
  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      next.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
      next += 1
      rest >>= 7
    }
    next.pointee = UInt8(truncatingIfNeeded: rest)
    next += 1
  }

  mutating func field(_ number: Int, varint value: UInt64) {
    varint(UInt64(number << 3))
    varint(value)
  }

  /// Tag and length of a field of `count` bytes.
  mutating func open(_ number: Int, count: Int) {
    varint(UInt64(number << 3 | 2))
    varint(UInt64(count))
  }

  /// Eight bytes, little-endian.
  mutating func fixed64(_ value: Int64) {
    var rest = UInt64(bitPattern: value)
    for _ in 0..<8 {
      next.pointee = UInt8(truncatingIfNeeded: rest)
      next += 1
      rest >>= 8
    }
  }
}
