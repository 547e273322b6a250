public import Events
internal import Glibc
internal import Synchronization

/// What the workers of a process meet and the pipeline does not declare, by name, and which declared event types they have met.
///
/// Safe from several threads; each worker counts in a `NameCounter` of its own. The first `NameCounts.namesMax` names of either kind
/// are told apart, in all workers the same; the rest are `other`.
public final class NameLedger: Sendable {
  private let declared: [String]
  private let mapped: [String]
  private let known = KnownNames()
  private let counters = Mutex<[NameCounter]>([])

  /// `declaredTypes`: the event types in order of declaration. `mapped`: attributes that a mapping looks for, in its order.
  public init(declaredTypes: [String], mapped: [String] = []) {
    declared = declaredTypes
    self.mapped = mapped
  }

  /// Another worker's counter.
  public func counter() -> NameCounter {
    let counter = NameCounter(known, types: declared.count, mapped: mapped.count)
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
    counts.replaced = Self.sums(.replaced, known.all(.replaced), counters)
    counts.unseen = declared.indices.filter { type in counters.allSatisfy { !$0.hasSeen(type) } }.map {
      declared[$0]
    }
    counts.mappedRecords = counters.reduce(0) { $0 + $1.mappedRecords }
    if counts.mappedRecords > 0 {
      counts.unmatched = mapped.indices.filter { path in counters.allSatisfy { !$0.hasSeen(path: path) } }.map
      {
        mapped[$0]
      }
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
  private let names = Mutex<[[[UInt8]]]>(NameKind.allCases.map { _ in [] })

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
enum NameKind: Int, CaseIterable {
  case type
  case attribute
  /// A declared attribute with a value that is not allowed.
  case replaced
}

/// One worker's counts. One thread counts, others may read meanwhile. Row code: it allocates and locks only when a name is met for
/// the first time.
public final class NameCounter: @unchecked Sendable {
  private let known: KnownNames
  private let types = NameTable()
  private let attributes = NameTable()
  private let replaced = NameTable()
  /// Of each kind the counts by name, then of the others; then of the declared types; then of mapped attributes; then mapped records;
  /// then all events. One thread writes.
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>
  private let cellCount: Int

  private static let kindCells = NameCounts.namesMax + 1
  private static let firstType = NameKind.allCases.count * kindCells

  private let firstPath: Int

  fileprivate init(_ known: KnownNames, types: Int, mapped: Int) {
    self.known = known
    firstPath = Self.firstType + types
    cellCount = firstPath + mapped + 2
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
  func event(ofUndeclared name: DroppedName) {
    add(NameKind.type.rawValue * Self.kindCells + place(of: name, .type, types))
    add(cellCount - 1)
  }

  /// Counts an attribute that is not declared.
  func attribute(_ name: DroppedName) {
    add(NameKind.attribute.rawValue * Self.kindCells + place(of: name, .attribute, attributes))
  }

  /// Counts an event with a value of a declared attribute that is not allowed and was replaced.
  func replacement(of name: DroppedName) {
    add(NameKind.replaced.rawValue * Self.kindCells + place(of: name, .replaced, replaced))
  }

  /// Counts a record that was read by a mapping.
  func mappedRecord() { add(cellCount - 2) }

  /// Notes that a mapped attribute stands in a record.
  func sawPath(_ path: Int) { add(firstPath + path) }

  fileprivate var mappedRecords: UInt64 { cells[cellCount - 2].load(ordering: .relaxed) }
  fileprivate func hasSeen(path: Int) -> Bool { cells[firstPath + path].load(ordering: .relaxed) > 0 }
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

  @inline(__always)
  private func place(of name: DroppedName, _ kind: NameKind, _ table: NameTable) -> Int {
    let found = table.find(name)
    if found >= 0 { return found }
    return table.isFull ? NameCounts.namesMax : takeUp(name, kind, table)
  }

  private func takeUp(_ name: DroppedName, _ kind: NameKind, _ table: NameTable) -> Int {
    guard NameCounts.isShown(name.bytes), !name.bytes.elementsEqual(NameCounts.other.utf8) else {
      return NameCounts.namesMax
    }
    table.fill(known.takeUp(Array(name.bytes), kind))
    let found = table.find(name)
    return found >= 0 ? found : NameCounts.namesMax
  }
}

/// Places of at most `NameCounts.namesMax` names, by open addressing. One thread.
private final class NameTable {
  private struct Entry {
    var hash: UInt64
    var count: Int
  }

  private static let slotCount = 4 * NameCounts.namesMax
  /// Places; -1: empty.
  private let slots: UnsafeMutablePointer<Int16>
  private let entries: UnsafeMutablePointer<Entry>
  /// `NameCounts.nameBytesMax` for each place.
  private let bytes: UnsafeMutableRawPointer
  private var count = 0

  init() {
    slots = .allocate(capacity: Self.slotCount)
    slots.initialize(repeating: -1, count: Self.slotCount)
    entries = .allocate(capacity: NameCounts.namesMax)
    bytes = .allocate(byteCount: NameCounts.namesMax * NameCounts.nameBytesMax, alignment: 8)
  }

  deinit {
    slots.deallocate()
    entries.deallocate()
    bytes.deallocate()
  }

  /// Whether no further name is told apart.
  var isFull: Bool { count == NameCounts.namesMax }

  /// The place of a name; -1: it has none.
  @inline(__always)
  func find(_ name: DroppedName) -> Int {
    guard let start = name.bytes.baseAddress else { return -1 }
    var slot = Int(truncatingIfNeeded: name.hash) & (Self.slotCount - 1)
    while slots[slot] >= 0 {
      let place = Int(slots[slot])
      if entries[place].hash == name.hash && entries[place].count == name.bytes.count
        && memcmp(bytes + place * NameCounts.nameBytesMax, start, name.bytes.count) == 0
      {
        return place
      }
      slot = (slot + 1) & (Self.slotCount - 1)
    }
    return -1
  }

  /// Takes all names of a kind, which begin with those that it has; each of at most `NameCounts.nameBytesMax` bytes.
  func fill(_ all: [[UInt8]]) {
    for place in count..<all.count {
      all[place].withUnsafeBytes { name in
        let hash = SymbolTable.hash(name)
        entries[place] = Entry(hash: hash, count: name.count)
        UnsafeMutableRawBufferPointer(
          start: bytes + place * NameCounts.nameBytesMax, count: NameCounts.nameBytesMax
        ).copyMemory(from: name)
        var slot = Int(truncatingIfNeeded: hash) & (Self.slotCount - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (Self.slotCount - 1) }
        slots[slot] = Int16(place)
      }
    }
    count = all.count
  }
}
