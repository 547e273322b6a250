public import Events
internal import Synchronization

/// What the workers of a process meet and the pipeline does not declare, by name, and which declared event types they have met.
///
/// Safe from several threads; each worker counts in a `NameCounter` of its own. The first `NameCounts.namesMax` names of either kind
/// are told apart, in all workers the same; the rest are `other`.
public final class NameLedger: Sendable {
  private let declared: [String]
  private let known = KnownNames()
  private let counters = Mutex<[NameCounter]>([])

  /// `declaredTypes`: the event types in order of declaration.
  public init(declaredTypes: [String]) { declared = declaredTypes }

  /// Another worker's counter.
  public func counter() -> NameCounter {
    let counter = NameCounter(known, types: declared.count)
    counters.withLock { $0.append(counter) }
    return counter
  }

  /// All workers' counts.
  public func counts() -> NameCounts {
    let counters = counters.withLock { $0 }
    var counts = NameCounts()
    counts.events = counters.reduce(0) { $0 + $1.events }
    counts.types = Self.sums(.type, known.all(.type), counters)
    counts.attributes = Self.sums(.attribute, known.all(.attribute), counters)
    counts.unseen = declared.indices.filter { type in counters.allSatisfy { !$0.hasSeen(type) } }.map {
      declared[$0]
    }
    return counts
  }

  private static func sums(_ kind: NameKind, _ names: [[UInt8]], _ counters: [NameCounter]) -> [NameCount] {
    let texts = names.map { String(decoding: $0, as: UTF8.self) } + [NameCounts.other]
    let places = Array(names.indices) + [NameCounts.namesMax]
    return zip(texts, places).compactMap { text, place in
      let sum = counters.reduce(0) { $0 + $1.count(kind, place) }
      return sum > 0 ? NameCount(text, sum) : nil
    }
  }
}

/// The names that are told apart in a process.
private final class KnownNames: Sendable {
  /// By `NameKind.rawValue`, in the order in which they were met.
  private let names = Mutex<[[[UInt8]]]>([[], []])

  func all(_ kind: NameKind) -> [[UInt8]] { names.withLock { $0[kind.rawValue] } }

  /// Takes a name up, if there is room. Returns all names of the kind.
  func takeUp(_ name: [UInt8], _ kind: NameKind) -> [[UInt8]] {
    names.withLock { names in
      let known = names[kind.rawValue]
      if known.count < NameCounts.namesMax && !known.contains(name) { names[kind.rawValue].append(name) }
      return names[kind.rawValue]
    }
  }
}

/// What a name names.
enum NameKind: Int {
  case type
  case attribute
}

/// One worker's counts. One thread counts, others may read meanwhile. Row code: it allocates and locks only when a name is met for
/// the first time.
public final class NameCounter: @unchecked Sendable {
  private let known: KnownNames
  private var tables = [NameTable(), NameTable()]
  /// Of each kind the counts by name, then of the others; then of the declared types; then all events. One thread writes.
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>
  private let cellCount: Int

  private static let kindCells = NameCounts.namesMax + 1
  private static let firstType = 2 * kindCells

  fileprivate init(_ known: KnownNames, types: Int) {
    self.known = known
    cellCount = Self.firstType + types + 1
    cells = .allocate(capacity: cellCount)
    for place in 0..<cellCount { (cells + place).initialize(to: Atomic(0)) }
  }

  deinit {
    cells.deinitialize(count: cellCount)
    cells.deallocate()
  }

  /// Counts an event of a declared type, by its number in order of declaration.
  func event(ofType type: Int) {
    add(Self.firstType + type)
    add(cellCount - 1)
  }

  /// Counts an event without a type: a profile.
  func profile() { add(cellCount - 1) }

  /// Counts an event of a type that is not declared.
  func event(ofUndeclared name: UnsafeRawBufferPointer) {
    add(NameKind.type.rawValue * Self.kindCells + place(of: name, .type))
    add(cellCount - 1)
  }

  /// Counts an attribute that is not declared.
  func attribute(_ name: UnsafeRawBufferPointer) {
    add(NameKind.attribute.rawValue * Self.kindCells + place(of: name, .attribute))
  }

  fileprivate var events: UInt64 { cells[cellCount - 1].load(ordering: .relaxed) }
  fileprivate func hasSeen(_ type: Int) -> Bool {
    cells[Self.firstType + type].load(ordering: .relaxed) > 0
  }
  fileprivate func count(_ kind: NameKind, _ place: Int) -> UInt64 {
    cells[kind.rawValue * Self.kindCells + place].load(ordering: .relaxed)
  }

  @inline(__always)
  private func add(_ place: Int) {
    cells[place].store(cells[place].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  private func place(of name: UnsafeRawBufferPointer, _ kind: NameKind) -> Int {
    let found = tables[kind.rawValue].find(name)
    if found >= 0 { return found }
    return tables[kind.rawValue].isFull ? NameCounts.namesMax : takeUp(name, kind)
  }

  private func takeUp(_ name: UnsafeRawBufferPointer, _ kind: NameKind) -> Int {
    guard NameCounts.isShown(name), !name.elementsEqual(NameCounts.other.utf8) else {
      return NameCounts.namesMax
    }
    tables[kind.rawValue].fill(known.takeUp(Array(name), kind))
    let found = tables[kind.rawValue].find(name)
    return found >= 0 ? found : NameCounts.namesMax
  }
}

/// Places of at most `NameCounts.namesMax` names, by open addressing.
private struct NameTable {
  private static let slotCount = 4 * NameCounts.namesMax
  private var slots = [Int16](repeating: -1, count: slotCount)
  /// The names' bytes one after the other, and where each ends.
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var hashes: [UInt64] = []

  /// Whether no further name is told apart.
  var isFull: Bool { ends.count == NameCounts.namesMax }

  /// The place of a name; -1: it has none.
  func find(_ name: UnsafeRawBufferPointer) -> Int {
    // No name that has a place is longer.
    guard name.count <= NameCounts.nameBytesMax else { return -1 }
    let hash = Self.hash(name)
    var slot = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
    while slots[slot] >= 0 {
      let place = Int(slots[slot])
      if hashes[place] == hash && equals(place, name) { return place }
      slot = (slot + 1) & (Self.slotCount - 1)
    }
    return -1
  }

  /// Takes all names of a kind in place of those that it has.
  mutating func fill(_ all: [[UInt8]]) {
    for place in ends.count..<all.count {
      bytes += all[place]
      ends.append(bytes.count)
      let hash = all[place].withUnsafeBytes { Self.hash($0) }
      hashes.append(hash)
      var slot = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (Self.slotCount - 1) }
      slots[slot] = Int16(place)
    }
  }

  private func equals(_ place: Int, _ name: UnsafeRawBufferPointer) -> Bool {
    let start = place == 0 ? 0 : ends[place - 1]
    guard ends[place] - start == name.count else { return false }
    for index in 0..<name.count where bytes[start + index] != name[index] { return false }
    return true
  }

  /// FNV-1a, 64 bit, with a final mix (Fowler, Noll, Vo).
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return hash ^ (hash >> 29)
  }
}
