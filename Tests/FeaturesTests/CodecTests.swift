import CEvents
import Events
import Testing

@testable import Features
import TestNumbers

@Suite struct CodecTests {
  /// A program with every kind of series and component, small enough to feed many events.
  static func program(idleTTL: EventTime? = nil) throws -> FeatureProgram {
    try FeatureProgram(
      declaration(
        everySeries, idleTTL: idleTTL))
  }

  static func bits(_ row: [Float]) -> [UInt32] { row.map(\.bitPattern) }

  @Test("stored bytes and rows do not depend on when a state is stored and loaded", arguments: 0..<40)
  func canonical(seed: Int) throws {
    let program = try Self.program(idleTTL: seed % 4 == 0 ? 20 * Span.day : nil)
    let plain = Bench(program)
    let busy = Bench(program)
    var log = RandomLog(UInt64(seed))
    var random = SeededGenerator(seed: UInt64(seed) &+ 77)
    for step in 0..<400 {
      let event = log.next()
      #expect(plain.feed(event) == busy.feed(event), "seed \(seed) step \(step)")
      switch random.below(6) {
      case 0: #expect(busy.reload(), "seed \(seed) step \(step): refused its own bytes")
      case 1: _ = busy.encoded
      default: break
      }
      #expect(Self.bits(plain.row()) == Self.bits(busy.row()), "seed \(seed) step \(step): rows differ")
    }
    #expect(plain.encoded == busy.encoded, "seed \(seed): bytes differ")
    #expect(plain.state.memoryBytes < 64 * 1024)
  }

  @Test("memory stays bounded when a state is never stored")
  func bounded() throws {
    let bench = Bench(try FeatureProgram(declaration([("c", "count(any, 2d) + count(login, 30d)")])))
    for hour in 0..<20_000 {
      bench.feed(TestEvent(type: "login", id: "e\(hour)", time: (480_000 + EventTime(hour)) * Span.hour))
    }
    #expect(bench.row() == [49 + 24 * 30 + Float((480_000 + 19_999) % 24) + 1])
    #expect(bench.state.memoryBytes < 4096)
  }

  @Test("protobuf-c reads the same numbers and writes the same bytes", arguments: 0..<12)
  func protobuf(seed: Int) throws {
    let bench = Bench(try Self.program())
    bench.state.partition = seed == 3 ? 0 : Int32(seed * 7)
    var log = RandomLog(UInt64(seed))
    for _ in 0..<120 { bench.feed(log.next()) }
    let bytes = bench.encoded
    guard let message = tally__entity_state__unpack(nil, bytes.count, bytes) else {
      Issue.record("seed \(seed): protobuf-c cannot read the state")
      return
    }
    defer { tally__entity_state__free_unpacked(message, nil) }
    #expect(message.pointee.schema_version == 1)
    #expect(message.pointee.partition == bench.state.partition)
    #expect(message.pointee.watermark_us == bench.state.watermark)
    #expect(message.pointee.events == bench.state.events)
    #expect(message.pointee.recent_ids.len == 32 * 16)
    for index in 0..<message.pointee.n_series {
      guard let series = message.pointee.series[index]?.pointee else { continue }
      let number = Int(series.number)
      let layout = bench.program.tables.series[number]
      #expect(series.n_keys == bench.state.count(number))
      #expect(series.n_components == series.n_keys * (layout.stride - 1))
      let entries = bench.state.words + bench.state.start(number)
      var key: UInt64 = 0
      for entry in 0..<series.n_keys {
        key += series.keys[entry]
        let inMemory = UInt64(bitPattern: entries[entry * layout.stride])
        #expect(inMemory >> 44 == key >> layout.subBits)
        #expect(inMemory % (1 << 44) == key % (1 << layout.subBits))
        for offset in 1..<layout.stride {
          let component = series.components[entry * (layout.stride - 1) + offset - 1]
          #expect(component == entries[entry * layout.stride + offset])
        }
      }
    }
    var packed = Array(repeating: UInt8(0), count: tally__entity_state__get_packed_size(message))
    tally__entity_state__pack(message, &packed)
    #expect(packed == bytes)
  }

  @Test("hostile bytes are refused or are a state: never a trap, never a second form", arguments: 0..<20)
  func hostile(seed: Int) throws {
    let bench = Bench(try Self.program())
    var log = RandomLog(UInt64(seed))
    for _ in 0..<60 { bench.feed(log.next()) }
    let bytes = bench.encoded
    var random = SeededGenerator(seed: UInt64(seed))
    let other = Bench(bench.program)
    func check(_ candidate: [UInt8]) {
      let accepted = candidate.withUnsafeBytes { other.state.decode($0) }
      #expect(other.state.memoryBytes < 200_000)
      if accepted {
        _ = other.row()
        #expect(other.encoded == candidate, "seed \(seed): accepted, but not its own form")
      } else {
        #expect(other.state.watermark == 0 && other.state.events == 0 && other.state.partition == 0)
      }
    }
    for length in 0..<min(bytes.count, 120) { check(Array(bytes.prefix(length))) }
    for _ in 0..<150 {
      var changed = bytes
      for _ in 0...random.below(3) {
        switch random.below(4) {
        case 0: changed[random.below(changed.count)] = UInt8(truncatingIfNeeded: random.next())
        case 1: changed[random.below(changed.count)] ^= 1 << UInt8(random.below(8))
        case 2: changed.remove(at: random.below(changed.count))
        default: changed.insert(UInt8(truncatingIfNeeded: random.next()), at: random.below(changed.count))
        }
      }
      check(changed)
    }
    check((0..<200).map { _ in UInt8(truncatingIfNeeded: random.next()) })
  }

  @Test("each broken rule of the stored form is refused")
  func rules() throws {
    let program = try FeatureProgram(declaration([("c", "count(any, 30d)")]))
    let state = EntityState(program)
    let day: EventTime = 20_000
    func form(
      version: UInt64 = 1, number: UInt64 = 0, keys: [UInt64], components: [Int64], extra: Bool = false
    ) -> Bool {
      var writer = WireWriter()
      writer.field(1, varint: version)
      writer.field(3, zigzag: day * Span.day + 5)
      writer.field(4, varint: 3)
      let series = writer.open(6)
      if number > 0 { writer.field(1, varint: number) }
      let keyMark = writer.open(2)
      for key in keys { writer.varint(key) }
      writer.close(keyMark)
      let componentMark = writer.open(3)
      for component in components { writer.zigzag(component) }
      writer.close(componentMark)
      writer.close(series)
      if extra { writer.field(7, varint: 1) }
      return writer.bytes.withUnsafeBytes { state.decode($0) }
    }
    let tile = UInt64(day)
    #expect(form(keys: [tile], components: [3]))
    #expect(form(keys: [tile - 3, 3], components: [3, 4]))
    #expect(!form(version: 2, keys: [tile], components: [3]))
    #expect(!form(number: 1, keys: [tile], components: [3]), "unknown series")
    #expect(!form(keys: [], components: []), "a series without entries")
    #expect(!form(keys: [tile], components: []), "too few components")
    #expect(!form(keys: [tile], components: [3, 4]), "too many components")
    #expect(!form(keys: [tile, 0], components: [3, 4]), "the same key twice")
    #expect(!form(keys: [tile + 1], components: [3]), "a tile after the watermark")
    #expect(!form(keys: [tile - 31], components: [3]), "a tile that no window reaches")
    #expect(!form(keys: [tile], components: [0]), "an entry that counts nothing")
    #expect(!form(keys: [tile], components: [3], extra: true), "an unknown field")
    #expect(!form(keys: [tile, .max], components: [3, 3]), "keys beyond 64 bits")
  }

  @Test("an empty state is two bytes, and reads as nothing")
  func empty() throws {
    let bench = Bench(try FeatureProgram(declaration([("c", "count(any)"), ("d", "days_since(any)")])))
    #expect(bench.encoded == [8, 1])
    #expect(bench.reload())
    #expect(bench.row()[0] == 0)
    #expect(bench.row()[1].isNaN)
  }
}
