import Events

extension EntityState {
  /// Entries that a decoded series has room for beyond what it holds.
  private static let spareEntries = 2

  /// Reads the stored form; false: corrupt or of another schema, and the state is empty then.
  ///
  /// The form is strict: fields ascending, each at most once (series: by ascending number), no unknown ones, lists
  /// packed, keys ascending and within what the watermark reaches, values possible. Memory stays in proportion to
  /// the number of bytes.
  public func decode(_ bytes: UnsafeRawBufferPointer) -> Bool {
    removeAll()
    partition = 0
    if read(bytes) { return true }
    removeAll()
    partition = 0
    return false
  }

  private func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var wire = WireIn(bytes)
    var field: UInt64 = 0
    var series = -1
    var version: UInt64 = 0
    while !wire.atEnd {
      let tag = wire.varint()
      let number = tag >> 3
      guard tag & 7 == (number == 5 || number == 6 ? 2 : 0), number > field || (number == 6 && field == 6)
      else { return false }
      field = number
      switch number {
      case 1: version = wire.varint()
      case 2:
        let value = Int64(bitPattern: wire.varint())
        guard let small = Int32(exactly: value), small != 0 else { return false }
        partition = small
      case 3:
        watermark = Wire.unzigzag(wire.varint())
        guard watermark > 0, watermark < EventTimeBounds.end else { return false }
        activeTime = watermark
      case 4:
        events = wire.varint()
        guard events > 0 else { return false }
      case 5: guard readIDs(wire.delimited()) else { return false }
      case 6: guard readSeries(wire.delimited(), after: &series) else { return false }
      case 7:
        activeTime = Wire.unzigzag(wire.varint())
        guard activeTime > 0, activeTime < watermark else { return false }
      default: return false
      }
      guard !wire.failed, version == Self.schemaVersion else { return false }
    }
    return version == Self.schemaVersion && !wire.failed
  }

  private func readIDs(_ ids: UnsafeRawBufferPointer) -> Bool {
    guard ids.count % 16 == 0, ids.count > 0, ids.count <= 16 * Self.recentMax else { return false }
    recentCount = ids.count / 16
    recentNext = recentCount % Self.recentMax
    for index in 0..<(2 * recentCount) {
      var word: UInt64 = 0
      for byte in stride(from: 7, through: 0, by: -1) { word = word << 8 | UInt64(ids[8 * index + byte]) }
      words[index] = Int64(bitPattern: word)
    }
    return true
  }

  private func readSeries(_ bytes: UnsafeRawBufferPointer, after last: inout Int) -> Bool {
    var wire = WireIn(bytes)
    var number: UInt64 = 0
    if bytes.first == 1 << 3 {
      _ = wire.varint()
      number = wire.varint()
      guard number > 0 else { return false }
    }
    guard wire.varint() == 2 << 3 | 2 else { return false }
    let keys = wire.delimited()
    guard wire.varint() == 3 << 3 | 2 else { return false }
    let components = wire.delimited()
    guard !wire.failed, wire.atEnd, number < UInt64(seriesCount), Int(number) > last else { return false }
    last = Int(number)
    return fill(Int(number), keys: keys, components: components)
  }

  private func fill(_ series: Int, keys: UnsafeRawBufferPointer, components: UnsafeRawBufferPointer) -> Bool {
    let layout = UnsafePointer(program.tables.series.base + series)
    let stride = layout.pointee.stride
    let entriesMax = layout.pointee.entriesMax
    let entries = WireIn.varints(keys)
    guard entries > 0, WireIn.varints(components) == entries * (stride - 1) else { return false }
    guard entriesMax == 0 || entries <= entriesMax else { return false }
    guard layout.pointee.foldsAt == 0 || entries <= layout.pointee.foldsAt else { return false }
    var room = entriesMax == 1 ? 1 : entries + Self.spareEntries
    if entriesMax > 0 { room = min(room, entriesMax) }
    var entry = append(series, words: entries * stride, room: room * stride)
    var keyWire = WireIn(keys)
    var componentWire = WireIn(components)
    var check = EntryCheck(self, layout)
    for index in 0..<entries {
      let delta = keyWire.varint()
      guard check.advance(delta, isFirst: index == 0) else { return false }
      entry[0] = Int64(bitPattern: check.key)
      for offset in 1..<stride { entry[offset] = Wire.unzigzag(componentWire.varint()) }
      guard check.allows(entry) else { return false }
      entry += stride
    }
    setCount(entries, series)
    return !keyWire.failed && !componentWire.failed && keyWire.atEnd && componentWire.atEnd
  }
}

/// Reads wire format from memory; after a failure everything is 0 and empty.
struct WireIn {
  private var next: UnsafePointer<UInt8>
  private var end: UnsafePointer<UInt8>
  private(set) var failed = false

  init(_ bytes: UnsafeRawBufferPointer) {
    // Any address does for no bytes: it is never read.
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    next = base.assumingMemoryBound(to: UInt8.self)
    end = next + bytes.count
  }

  var atEnd: Bool { next >= end }

  /// Number of varints in a packed list: of bytes that end one.
  static func varints(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    let first = base.assumingMemoryBound(to: UInt8.self)
    var count = 0
    for index in 0..<bytes.count { count += Int((first[index] >> 7) ^ 1) }
    return count
  }

  @inline(__always)
  mutating func varint() -> UInt64 {
    guard next < end else { return fail() }
    let first = next.pointee
    next += 1
    return first < 0x80 ? UInt64(first) : longVarint(UInt64(first & 0x7f))
  }

  private mutating func longVarint(_ first: UInt64) -> UInt64 {
    var value = first
    var shift: UInt64 = 7
    while next < end && shift < 64 {
      let byte = next.pointee
      next += 1
      // More than 64 bits; or a longer form than needed, which would make two byte strings of one state.
      if (shift == 63 && byte > 1) || byte == 0 { break }
      value |= UInt64(byte & 0x7f) &<< shift
      if byte < 0x80 { return value }
      shift &+= 7
    }
    return fail()
  }

  mutating func delimited() -> UnsafeRawBufferPointer {
    let count = varint()
    guard !failed, count <= UInt64(end - next) else {
      _ = fail()
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    let content = UnsafeRawBufferPointer(start: next, count: Int(count))
    next += Int(count)
    return content
  }

  private mutating func fail() -> UInt64 {
    failed = true
    next = end
    return 0
  }
}
