public import Events

/// One entity's state in memory. One thread at a time.
///
/// All numbers lie in one buffer of words: the ring of recent event ids, then for each series where its entries
/// begin and how many there are, then the entries, ascending by key within a series. A series' room may be larger
/// than its entries need; the next series begins where it ends. Entries that no window reaches any more are skipped
/// by readers and dropped when room is needed or the state is encoded, which changes neither rows nor bytes.
public final class EntityState {
  /// Event ids that are remembered.
  static let recentMax = 32
  /// Words of the ring.
  static let ringWords = 2 * recentMax

  /// The program that it belongs to.
  let program: FeatureProgram
  /// Partition that the entity lives on; its owner sets it. `removeAll` leaves it.
  public var partition: Int32 = 0
  /// Largest event time seen; 0: none.
  public internal(set) var watermark: EventTime = 0
  /// Largest event time of an event that is no tick; 0: none. Never beyond the watermark.
  public internal(set) var activeTime: EventTime = 0
  /// Events applied since it was last empty, ticks not counted; 0: it is empty.
  public internal(set) var events: UInt64 = 0
  var words: UnsafeMutablePointer<Int64>
  private(set) var capacity: Int
  /// Words in use, room of the last series included.
  private(set) var used: Int
  var recentCount = 0
  /// Where the next id goes.
  var recentNext = 0
  /// Number of series.
  let seriesCount: Int
  /// Whether words of a category were folded into `other` since somebody last said no; not stored.
  public var hasFolded = false

  /// Empty state for a program.
  public init(_ program: FeatureProgram) {
    self.program = program
    seriesCount = program.tables.series.count
    capacity = Self.headWords(seriesCount)
    used = capacity
    words = .allocate(capacity: capacity)
    removeAll()
  }

  deinit { words.deallocate() }

  /// Memory it takes, bytes.
  public var memoryBytes: Int { capacity * 8 + 112 }

  /// Makes it empty; capacity and partition stay.
  public func removeAll() {
    watermark = 0
    activeTime = 0
    events = 0
    recentCount = 0
    recentNext = 0
    hasFolded = false
    let head = Self.headWords(seriesCount)
    for series in 0..<seriesCount {
      words[Self.ringWords + 2 * series] = Int64(head)
      words[Self.ringWords + 2 * series + 1] = 0
    }
    used = head
  }

  static func headWords(_ series: Int) -> Int { ringWords + 2 * series }

  // MARK: Recent ids

  /// Remembers an id, forgetting the oldest of 32.
  @inline(__always)
  func remember(_ id: Hash128) {
    words[2 * recentNext] = Int64(bitPattern: id.low)
    words[2 * recentNext + 1] = Int64(bitPattern: id.high)
    recentNext = (recentNext + 1) % Self.recentMax
    if recentCount < Self.recentMax { recentCount += 1 }
  }

  @inline(__always)
  func remembers(_ id: Hash128) -> Bool {
    let low = Int64(bitPattern: id.low)
    let high = Int64(bitPattern: id.high)
    for index in 0..<recentCount where words[2 * index] == low && words[2 * index + 1] == high { return true }
    return false
  }

  // MARK: Series

  /// First word of a series' entries.
  @inline(__always)
  func start(_ series: Int) -> Int { Int(words[Self.ringWords + 2 * series]) }

  /// Number of a series' entries.
  @inline(__always)
  func count(_ series: Int) -> Int { Int(words[Self.ringWords + 2 * series + 1]) }

  @inline(__always)
  func setCount(_ count: Int, _ series: Int) { words[Self.ringWords + 2 * series + 1] = Int64(count) }

  /// Where the room of a series ends.
  @inline(__always)
  private func end(_ series: Int) -> Int { series + 1 < seriesCount ? start(series + 1) : used }

  /// Position of the first entry whose key is not below `key`, in entries.
  @inline(__always)
  func lowerBound(_ key: UInt64, _ series: Int, stride: Int) -> Int {
    let base = words + start(series)
    var low = 0
    var high = count(series)
    while low < high {
      let middle = (low + high) / 2
      if UInt64(bitPattern: base[middle * stride]) < key { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The entry with this key, made now with undefined components if there is none.
  @inline(__always)
  func entry(_ key: UInt64, _ series: Int, _ layout: borrowing SeriesLayout) -> (
    entry: UnsafeMutablePointer<Int64>, isNew: Bool
  ) {
    let stride = layout.stride
    let count = count(series)
    if count > 0 {
      let last = words + start(series) + (count - 1) * stride
      if UInt64(bitPattern: last[0]) == key { return (last, false) }
      if UInt64(bitPattern: last[0]) > key {
        let position = lowerBound(key, series, stride: stride)
        let found = words + start(series) + position * stride
        if UInt64(bitPattern: found[0]) == key { return (found, false) }
      }
    }
    return (insert(key, series, layout), true)
  }

  /// Whether there is an entry with this key.
  func has(_ key: UInt64, _ series: Int, stride: Int) -> Bool {
    let position = lowerBound(key, series, stride: stride)
    return position < count(series) && UInt64(bitPattern: words[start(series) + position * stride]) == key
  }

  /// Makes an entry at its place.
  private func insert(_ key: UInt64, _ series: Int, _ layout: SeriesLayout) -> UnsafeMutablePointer<Int64> {
    let stride = layout.stride
    if start(series) + (count(series) + 1) * stride > end(series) { makeRoom(series, layout) }
    let count = count(series)
    let position = lowerBound(key, series, stride: stride)
    let place = words + start(series) + position * stride
    (place + stride).update(from: place, count: (count - position) * stride)
    place[0] = Int64(bitPattern: key)
    setCount(count + 1, series)
    return place
  }

  /// Room for another entry: by dropping what no window reaches, else by moving what follows.
  private func makeRoom(_ series: Int, _ layout: SeriesLayout) {
    if prune(series, layout) { return }
    let count = count(series)
    var more = layout.entriesMax == 1 ? 1 : max(2, count / 2)
    if layout.entriesMax > count { more = min(more, layout.entriesMax - count) }
    let wordsMore = more * layout.stride
    reserve(used + wordsMore)
    let tail = end(series)
    (words + tail + wordsMore).update(from: words + tail, count: used - tail)
    if series + 1 < seriesCount {
      for later in (series + 1)..<seriesCount { words[Self.ringWords + 2 * later] += Int64(wordsMore) }
    }
    used += wordsMore
  }

  /// Buffer for at least `needed` words.
  func reserve(_ needed: Int) {
    guard needed > capacity else { return }
    let larger = max(needed, capacity + capacity / 2)
    let moved = UnsafeMutablePointer<Int64>.allocate(capacity: larger)
    moved.update(from: words, count: used)
    words.deallocate()
    words = moved
    capacity = larger
  }

  /// Gives a series its place while decoding: after all that is in use, `entries` of `stride` words.
  func append(_ series: Int, words count: Int, room: Int) -> UnsafeMutablePointer<Int64> {
    reserve(used + room)
    words[Self.ringWords + 2 * series] = Int64(used)
    for later in series + 1..<seriesCount { words[Self.ringWords + 2 * later] = Int64(used + room) }
    used += room
    return words + start(series)
  }

  /// The first key that a reader of the series can reach from the watermark on.
  @inline(__always)
  func firstKey(_ layout: borrowing SeriesLayout) -> UInt64 {
    guard layout.hop > 0, watermark > layout.reach else { return 0 }
    return UInt64((watermark - layout.reach) / layout.hop) << 44
  }

  /// Removes entries by position.
  func remove(_ range: Range<Int>, _ series: Int, stride: Int) {
    let count = count(series)
    let base = words + start(series)
    (base + range.lowerBound * stride).update(
      from: base + range.upperBound * stride, count: (count - range.upperBound) * stride)
    setCount(count - range.count, series)
  }

  /// Drops entries that no reader reaches any more; returns whether there were any.
  @discardableResult
  func prune(_ series: Int, _ layout: SeriesLayout) -> Bool {
    let first = firstKey(layout)
    guard first > 0 else { return false }
    let dropped = lowerBound(first, series, stride: layout.stride)
    guard dropped > 0 else { return false }
    remove(0..<dropped, series, stride: layout.stride)
    return true
  }
}
